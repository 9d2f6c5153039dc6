//! `im.chat.access_event.bot_p2p_chat_entered_v1`: a user opened the chat with a bot. Only this bot receives it.

use larkspur_contract::ids::{AppId, ChatId};
use larkspur_contract::{EventType, events};
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Event, Ids, Party, Recipient};
use crate::entry::schema;

/// A user opened a chat. Messages are not served, so the fields of the last one are left out.
struct Entered<'a> {
    chat_id: ChatId,
    user: &'a Party,
}

#[derive(Serialize, JsonSchema)]
struct Told {
    chat_id: String,
    operator_id: Ids,
}

/// The JSON Schema of the payload.
pub(super) fn shape() -> Value {
    schema::<Told>(true)
}

impl Event for Entered<'_> {
    const TYPE: &'static EventType = &events::BOT_P2P_CHAT_ENTERED;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        Told { chat_id: self.chat_id.to_string(), operator_id: to.party(self.user) }
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
    super::emit(tx, &Entered { chat_id, user }, &listeners, now).await
}
