//! What the events of reactions have in common.

use larkspur_contract::EventType;
use larkspur_store::chats::Chat;
use larkspur_store::messages::Sender;
use larkspur_store::reactions::Reaction;
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Ids, Listeners, Recipient, chat};
use crate::entry::schema;

/// The payload.
#[derive(Serialize, JsonSchema)]
pub(super) struct Told {
    action_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<String>,
    message_id: String,
    operator_type: &'static str,
    reaction_type: ToldType,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Ids>,
}

#[derive(Serialize, JsonSchema)]
struct ToldType {
    emoji_type: String,
}

/// The JSON Schema of the payload.
pub(super) fn shape() -> Value {
    schema::<Told>(true)
}

/// A reaction that was added or removed at a time of the tenant, in milliseconds.
pub(super) fn told(reaction: &Reaction, at: i64, to: &Recipient<'_>) -> Told {
    let (operator_type, app_id, user_id) = match &reaction.operator {
        Sender::User { user_id, number } => ("user", None, Some(to.user(*number, user_id))),
        Sender::Bot(app_id) | Sender::Hook(app_id) => ("app", Some(app_id.to_string()), None),
    };
    Told {
        action_time: at.to_string(),
        app_id,
        message_id: to.keys.message_id(reaction.message, to.tenant).to_string(),
        operator_type,
        reaction_type: ToldType { emoji_type: reaction.emoji.clone() },
        user_id,
    }
}

/// The apps whose bots are in the chat, the one that reacted included.
pub(super) async fn listeners(
    tx: &mut Tx,
    kind: &'static EventType,
    place: &Chat,
) -> Result<Listeners, StoreError> {
    chat::listeners_in(tx, kind, place).await
}
