//! `im/v1/messages/:message_id/reactions`

use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Code, Scope, codes, scopes};
use larkspur_store::reactions::{Cursor, Reaction};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Entry, entry};

mod answers;
mod batch_query;
mod create;
mod delete;
mod list;

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<create::Create>(),
    entry::<delete::Delete>(),
    entry::<list::List>(),
    entry::<batch_query::BatchQuery>(),
];

/// The reaction.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct ReactionPath {
    /// The message's id.
    message_id: String,
    /// The reaction's id.
    reaction_id: String,
}

/// Scopes that let an app react.
const WRITE: &[Scope] = &[scopes::IM_MESSAGE, scopes::IM_MESSAGE_REACTIONS_WRITE];
/// Scopes that let an app read reactions.
const READ: &[Scope] = &[scopes::IM_MESSAGE_REACTIONS_READ, scopes::IM_MESSAGE_READONLY];

/// The pages' codes for what the shared checks of messages refuse, where something is written.
const WRITE_RECODES: &[(Code, Code)] = &[
    (codes::MESSAGE_NOT_IN_CHAT, codes::REACTION_NOT_ALLOWED),
    (codes::MESSAGE_LACKS_PERMISSION, codes::REACTION_EXTERNAL_NOT_ALLOWED),
    (codes::USER_NOT_AVAILABLE, codes::REACTION_USER_NOT_AVAILABLE),
    (codes::RECEIVER_RESIGNED, codes::REACTION_BLOCKED_BY_USER),
    (codes::BOT_STOPPED, codes::REACTION_BLOCKED_BY_USER),
];
/// The same where something is read.
const READ_RECODES: &[(Code, Code)] = &[
    (codes::MESSAGE_NOT_IN_CHAT, codes::REACTION_NO_ACCESS),
    (codes::MESSAGE_LACKS_PERMISSION, codes::REACTION_NO_ACCESS),
    (codes::USER_NOT_AVAILABLE, codes::REACTION_NO_ACCESS),
];

/// Where the page after this reaction begins, as a text.
fn write_cursor(last: &Reaction) -> String {
    format!("{} {}", last.created_at, last.number)
}

fn parse_cursor(text: &str) -> Option<Cursor> {
    let (created_at, number) = text.split_once(' ')?;
    Some(Cursor { created_at: created_at.parse().ok()?, number: number.parse().ok()? })
}

const EMOJI: Behaviour = Behaviour {
    name: "extra_emoji",
    rule: "An emoji is one of the 182 documented names, in their case; the setting adds others. Any other is 231001.",
    basis: Assumed,
    switch: true,
};
const ACCESS: Behaviour = Behaviour {
    name: "reaction_access",
    rule: "Bot ability that is off is 230006. In a chat that the operator is not in, writing is 231002 and reading 231008; in an external one without external sharing 231021 and 231008; in a p2p chat with a user who does not see the app 231022 and 231008. In a dissolved chat writing is 232009 and reading 231008.",
    basis: Assumed,
    switch: false,
};
