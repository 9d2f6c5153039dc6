//! `im/v1/chats/:chat_id/nickname`: the nickname of a user in a chat

use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::{LockedChat, Tx};

use crate::{Call, Entry, entry, standing};

mod delete;
mod get;
mod update;

pub(crate) static ENTRIES: &[Entry] =
    &[entry::<get::Get>(), entry::<update::Update>(), entry::<delete::Delete>()];

const CODES: &[Code] = &[
    codes::CHAT_ID_INVALID,
    codes::CHAT_DISSOLVED,
    codes::TENANT_MISMATCH,
    codes::OPERATOR_NOT_IN_CHAT,
    codes::BOT_NOT_ACTIVATED,
    codes::APP_UNAVAILABLE,
];

/// Locks a chat that the user is in.
async fn lock(tx: &mut Tx, call: &Call, chat_id: &str) -> Result<LockedChat, Fault> {
    let chat = standing::lock(tx, call, chat_id).await?;
    standing::in_use(&chat)?;
    let standing = standing::of(tx, call, &chat).await?;
    standing::joined(call, &standing)?;
    Ok(chat)
}

const SHAPE: Behaviour = Behaviour {
    name: "nickname_shape",
    rule: "These operations have no public page; they are in the catalog of the official command line client. Users set their own nickname in a chat; without one, the answer is empty.",
    basis: Observed,
    switch: false,
};
const RULES: Behaviour = Behaviour {
    name: "nickname_rules",
    rule: "A nickname has 1 to 300 bytes; otherwise 99992402. It is deleted when the user leaves the chat. Lists of members and other answers show only names. The calls work on external chats, too.",
    basis: Assumed,
    switch: false,
};
