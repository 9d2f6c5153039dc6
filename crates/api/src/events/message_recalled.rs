//! `im.message.recalled_v1`: a message was recalled.

use larkspur_contract::{EventType, events};
use larkspur_store::chats::Chat;
use larkspur_store::messages::{Message, Recalled};
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Event, Recipient, chat};
use crate::entry::schema;

struct Withdrawn<'a> {
    message: &'a Message,
    recalled: &'a Recalled,
}

#[derive(Serialize, JsonSchema)]
struct Told {
    chat_id: String,
    message_id: String,
    recall_time: String,
    recall_type: &'static str,
}

/// The JSON Schema of the payload.
pub(super) fn shape() -> Value {
    schema::<Told>(true)
}

impl Event for Withdrawn<'_> {
    const TYPE: &'static EventType = &events::MESSAGE_RECALLED;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        Told {
            chat_id: self.message.chat_id.to_string(),
            message_id: to.keys.message_id(self.message.number, to.tenant).to_string(),
            recall_time: self.recalled.at.to_string(),
            recall_type: self.recalled.kind.as_str(),
        }
    }
}

/// Tells the bots of the chat, the one that recalled the message included.
///
/// # Errors
/// The store is unavailable.
pub async fn emit(
    tx: &mut Tx,
    place: &Chat,
    message: &Message,
    recalled: &Recalled,
) -> Result<(), StoreError> {
    let listeners = chat::listeners_in(tx, Withdrawn::TYPE, place).await?;
    super::emit(tx, &Withdrawn { message, recalled }, &listeners, recalled.at).await
}
