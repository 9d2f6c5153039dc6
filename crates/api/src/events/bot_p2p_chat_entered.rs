//! `im.chat.access_event.bot_p2p_chat_entered_v1`: a user opened the chat with a bot. Only this bot receives it.

use larkspur_contract::ids::{AppId, ChatId};
use larkspur_contract::{EventType, events};
use larkspur_store::messages::{self, Message, Span};
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Event, Ids, Party, Recipient};
use crate::entry::schema;

/// A user opened a chat.
struct Entered<'a> {
    chat_id: ChatId,
    user: &'a Party,
    last: Option<&'a Message>,
}

#[derive(Serialize, JsonSchema)]
struct Told {
    chat_id: String,
    /// Both fields of the last message are left out of a chat without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message_create_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message_id: Option<String>,
    operator_id: Ids,
}

/// The JSON Schema of the payload.
pub(super) fn shape() -> Value {
    schema::<Told>(true)
}

impl Event for Entered<'_> {
    const TYPE: &'static EventType = &events::BOT_P2P_CHAT_ENTERED;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        Told {
            chat_id: self.chat_id.to_string(),
            last_message_create_time: self.last.map(|message| message.created_at.to_string()),
            last_message_id: self
                .last
                .map(|message| to.keys.message_id(message.number, to.tenant).to_string()),
            operator_id: to.party(self.user),
        }
    }
}

/// Tells a bot that a user opened their chat. Only custom apps receive it. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn emit(
    tx: &mut Tx,
    bot: AppId,
    chat_id: ChatId,
    user: &Party,
    now: i64,
) -> Result<(), StoreError> {
    let mut listeners = super::listeners(tx, Entered::TYPE).await?;
    listeners.retain_custom();
    listeners.retain(|app| app == bot);
    if listeners.is_empty() {
        return Ok(());
    }
    let newest = Span { backwards: true, ..Span::ALL };
    let last = messages::of_chat(tx, chat_id, newest, None, 1).await?;
    super::emit(tx, &Entered { chat_id, user, last: last.first() }, &listeners, now).await
}
