//! `im/v1/chats/:chat_id/nickname`: how a user is called in a chat

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

/// Takes the row of a chat that the user is in.
async fn lock(tx: &mut Tx, call: &Call, chat_id: &str) -> Result<LockedChat, Fault> {
    let chat = standing::lock(tx, call, chat_id).await?;
    standing::in_use(&chat)?;
    let standing = standing::of(tx, call, &chat).await?;
    standing::joined(call, &standing)?;
    Ok(chat)
}

const SHAPE: Behaviour = Behaviour {
    name: "nickname_shape",
    rule: "These operations have no public page, and stand in the catalogue of the official command line client: a user sets its own name in a chat, and gets an empty one if there is none.",
    basis: Observed,
    switch: false,
};
const RULES: Behaviour = Behaviour {
    name: "nickname_rules",
    rule: "A nickname has 1 to 300 bytes, or the call is 99992402. It ends with the membership. Lists of members and answers about people show names alone. A user is not refused on an external chat.",
    basis: Assumed,
    switch: false,
};
