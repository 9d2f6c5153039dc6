//! The two members of a p2p chat.

use larkspur_contract::Fault;
use larkspur_contract::model::ChatMode;
use larkspur_store::chats::Chat;
use larkspur_store::{Tx, members};

use crate::values;

/// Checks that a p2p chat has two members, after any change.
pub(super) async fn check(tx: &mut Tx, chat: &Chat) -> Result<(), Fault> {
    if chat.mode == ChatMode::P2p && members::all(tx, chat.chat_id).await?.len() != 2 {
        return Err(values::invalid("chat_mode", Some("p2p"), "a p2p chat has exactly two members"));
    }
    Ok(())
}
