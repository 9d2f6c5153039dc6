//! `im.chat.disbanded_v1`: a chat was dissolved, and its history with it.

use larkspur_contract::{EventType, events};
use larkspur_store::chats::Chat;
use larkspur_store::{StoreError, Tx};
use serde::Serialize;

use super::{Event, Party, Recipient, chat};

/// A chat was dissolved.
struct Disbanded<'a> {
    chat: &'a Chat,
    operator: &'a Party,
}

impl Event for Disbanded<'_> {
    const TYPE: &'static EventType = &events::CHAT_DISBANDED;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        chat::told(to, self.chat, self.operator, &[])
    }
}

/// Tells the bots of a chat that it was dissolved. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn emit(tx: &mut Tx, chat: &Chat, operator: &Party, now: i64) -> Result<(), StoreError> {
    let listeners = chat::listeners_in(tx, Disbanded::TYPE, chat).await?;
    super::emit(tx, &Disbanded { chat, operator }, &listeners, now).await
}
