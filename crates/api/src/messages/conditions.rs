//! What states of a chat do to messages that no public operation sets: the control API does.

use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::ChatCondition;
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::chats::{Chat, Place};
use larkspur_store::messages::{Message, Sender};
use larkspur_store::{StoreError, Tx, members};

use super::{Speaker, explained};

/// The refusal because of a state of a chat.
pub(crate) fn refusal(code: Code, chat: &Chat, condition: ChatCondition) -> Fault {
    let fault = Fault::new(code, format!("the chat is in the state {}", condition.as_str()));
    explained::condition(fault, chat, condition)
}

/// Refuses with a code in chats in a state.
///
/// # Errors
/// The code.
pub fn not_in(chat: &Chat, condition: ChatCondition, code: Code) -> Result<(), Fault> {
    if chat.is(condition) { Err(refusal(code, chat, condition)) } else { Ok(()) }
}

/// Refuses with a code in a secret group and in one with encryption of a third party.
///
/// # Errors
/// The code.
pub fn not_closed(chat: &Chat, code: Code) -> Result<(), Fault> {
    not_in(chat, ChatCondition::Secret, code)?;
    not_in(chat, ChatCondition::Encrypted, code)
}

/// Whether a chat takes messages at all. Custom bots are not limited.
///
/// # Errors
/// 230035.
pub fn open(speaker: &Speaker, chat: &Chat) -> Result<(), Fault> {
    if matches!(speaker.sender, Sender::Hook(_)) {
        return Ok(());
    }
    not_in(chat, ChatCondition::Muted, codes::SPEAKING_DENIED)
}

/// Whether a chat takes new messages of apps.
///
/// # Errors
/// 230075 for a secret group and one with encryption of a third party.
pub fn readable(chat: &Chat) -> Result<(), Fault> {
    not_closed(chat, codes::ENCRYPTED_NOT_SUPPORTED)
}

/// The time before which messages of a chat are hidden from the speaker, who is in it; `None` if all are shown.
///
/// # Errors
/// The store is unavailable.
pub async fn hidden_before(tx: &mut Tx, speaker: &Speaker, chat: &Chat) -> Result<Option<i64>, StoreError> {
    if !chat.is(ChatCondition::HiddenHistory) {
        return Ok(None);
    }
    members::joined_at(tx, chat.chat_id, &speaker.member()).await
}

/// Refuses a message that was sent before the speaker joined a chat that hides its history.
///
/// # Errors
/// The code.
pub async fn sees(
    tx: &mut Tx,
    speaker: &Speaker,
    place: &Place,
    message: &Message,
    code: Code,
) -> Result<(), Fault> {
    match hidden_before(tx, speaker, &place.chat).await? {
        Some(joined) if message.created_at < joined => {
            Err(refusal(code, &place.chat, ChatCondition::HiddenHistory))
        }
        _ => Ok(()),
    }
}

/// The time before which a list leaves messages out of a chat, or of the thread with this root; `None` for no time.
///
/// # Errors
/// 231203 for a secret group and one with encryption of a third party, 230073 for a thread that began before that time.
pub async fn lists(
    tx: &mut Tx,
    speaker: &Speaker,
    place: &Place,
    root: Option<&Message>,
) -> Result<Option<i64>, Fault> {
    not_closed(&place.chat, codes::LIST_CHAT_UNSUPPORTED)?;
    if let Some(root) = root {
        sees(tx, speaker, place, root, codes::THREAD_INVISIBLE).await?;
    }
    Ok(hidden_before(tx, speaker, &place.chat).await?)
}

/// What the states do.
pub const CONDITIONS: Behaviour = Behaviour {
    name: "chat_conditions",
    rule: "States that people set in the platform's clients, or administrators elsewhere, are conditions of a chat in the control API. muted: sending and editing are 230035. stopped (p2p): the bot's messages are 230053, its reactions 231019. hidden_history: what was sent before the operator joined is 230050, 231018 or 234040, left out of lists, and a thread that began then 230073 or 230074. secret, encrypted: messages of apps are 230075, edits 230073 and 230074, forwards from there 230066 and to there 230062, lists 231203. connection: cards are 230054. self_destructing: replies, pins and top notices are 230111. no_threads: replies in a thread are 230071.",
    basis: Assumed,
    switch: false,
};
