//! What people do with messages at their clients. The rules are those of the platform's operations.

use larkspur_api::RootCall;
use larkspur_api::messages::standing::{self, Act};
use larkspur_api::messages::{Shown, Speaker, Viewer, finding, shown};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::{CardContentType, MsgType};
use larkspur_contract::{Behaviour, Fault};
use larkspur_store::chats::Place;
use larkspur_store::messages::{self, Listed, Message};
use larkspur_store::users::User;
use larkspur_store::{Root, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{support, values};

pub(super) mod click;
pub(super) mod edit;
pub(super) mod pin;
pub(super) mod react;
pub(super) mod read;
pub(super) mod recall;
mod seen;
pub(super) mod unpin;
pub(super) mod unreact;

/// A message of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The tenant.
    tenant_key: String,
    /// The message.
    message_id: String,
}

/// A reaction to a message of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ReactionPath {
    /// The tenant.
    tenant_key: String,
    /// The message.
    message_id: String,
    /// The reaction.
    reaction_id: String,
}

/// Who does it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct As {
    /// The user_id of the user who does it.
    pub(super) r#as: String,
}

/// The content of a message: a text, or content of any type.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Content {
    /// The text of a message of type `text`. `<at user_id="ID"></at>` mentions a user by user_id or open_id, a bot by app_id.
    text: Option<String>,
    /// The content, as the operations of the platform take it or as the same object. Instead of `text`.
    content: Option<Value>,
    /// Its type; `text` by default.
    #[schemars(extend("default" = "text"))]
    msg_type: Option<MsgType>,
}

impl Content {
    /// The type, and the content as text.
    pub(crate) fn read(&self) -> Result<(MsgType, String), Fault> {
        let kind = self.msg_type.unwrap_or(MsgType::Text);
        match (&self.text, &self.content) {
            (Some(text), None) if kind == MsgType::Text => Ok((kind, json!({ "text": text }).to_string())),
            (Some(_), None) => {
                Err(values::invalid("text", None, "a message of another type than text has content"))
            }
            (None, Some(Value::String(content))) => Ok((kind, content.clone())),
            (None, Some(content @ Value::Object(_))) => Ok((kind, content.to_string())),
            (None, Some(_)) => Err(values::invalid("content", None, "an object, or JSON as text")),
            (Some(_), Some(_)) | (None, None) => Err(values::invalid("text", None, "either text or content")),
        }
    }
}

/// Locks a world for what a user of it does at a client.
pub(super) async fn person(
    root: &mut Root,
    call: &RootCall,
    tenant_key: &str,
    user_id: &str,
) -> Result<(Tx, User, Speaker), Fault> {
    let (mut tx, world, now) = support::lock_world(root, call, tenant_key).await?;
    let user = support::actor(&mut tx, user_id).await?;
    let speaker = Speaker::person(&user, world.policy.clone(), now);
    Ok((tx, user, speaker))
}

/// Locks the message that a field names.
pub(super) async fn lock(tx: &mut Tx, field: &str, message_id: &str) -> Result<Message, Fault> {
    let found = match finding::number(tx, message_id) {
        Some(number) => messages::lock(tx, number).await?,
        None => None,
    };
    found.ok_or_else(|| support::not_found(field, message_id, "no such message in this world"))
}

/// The chat of a message, if the speaker may do this in it.
pub(super) async fn enter(
    tx: &mut Tx,
    speaker: &Speaker,
    message: &Message,
    act: Act,
) -> Result<Place, Fault> {
    let place = standing::enter(tx, speaker, message.chat_id, act).await?;
    match place {
        Some(place) if message.listed != Listed::Nowhere => Ok(place),
        _ => Err(standing::outside(speaker)),
    }
}

/// A message with the tenant's own ids. Cards are shown as they were sent.
pub(super) async fn show(tx: &mut Tx, message: Message) -> Result<Shown, Fault> {
    let viewer = viewer(tx);
    Ok(shown::show(tx, &viewer, message).await?)
}

/// A reader who sees the tenant's own ids, and cards as they were sent.
pub(super) fn viewer(tx: &Tx) -> Viewer {
    Viewer::tenant(tx.tenant(), Some(CardContentType::UserCardContent))
}

/// What people may do.
pub(super) const PEOPLE: Behaviour = Behaviour {
    name: "people_rules",
    rule: "People follow the rules of the platform's operations: membership, who may speak, times, forbidden words; refusals have the platform's codes. Apps are told as of what people do at their clients. Scopes, rates and the limit of messages per second do not apply. Users are named by user_id, bots by app_id.",
    basis: Assumed,
    switch: false,
};
