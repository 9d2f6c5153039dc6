//! `im.message.receive_v1`: a message was sent. An app with several of the scopes receives one event.

use larkspur_contract::Basis::Documented;
use larkspur_contract::model::ChatMode;
use larkspur_contract::scopes::{
    IM_MESSAGE_GROUP, IM_MESSAGE_GROUP_AT, IM_MESSAGE_GROUP_AT_BOTS, IM_MESSAGE_GROUP_AT_READONLY,
    IM_MESSAGE_GROUP_READONLY, IM_MESSAGE_P2P, IM_MESSAGE_P2P_READONLY,
};
use larkspur_contract::{Behaviour, EventType, Scope, events};
use larkspur_store::apps::Install;
use larkspur_store::chats::Chat;
use larkspur_store::messages::{Message, Sender, Subject};
use larkspur_store::{StoreError, Tx, members};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Event, Ids, Recipient};
use crate::cards;
use crate::entry::schema;
use crate::messages::shown;

struct Received<'a> {
    chat: &'a Chat,
    message: &'a Message,
}

#[derive(Serialize, JsonSchema)]
struct Told {
    message: ToldMessage,
    sender: ToldSender,
}

#[derive(Serialize, JsonSchema)]
struct ToldMessage {
    chat_id: String,
    chat_type: &'static str,
    content: String,
    create_time: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<ToldMention>,
    message_id: String,
    message_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<String>,
    update_time: String,
}

#[derive(Serialize, JsonSchema)]
struct ToldMention {
    id: Ids,
    key: String,
    mentioned_type: &'static str,
    name: String,
    tenant_key: String,
}

#[derive(Serialize, JsonSchema)]
struct ToldSender {
    sender_id: Ids,
    sender_type: &'static str,
    tenant_key: String,
}

/// The JSON Schema of the payload.
pub(super) fn shape() -> Value {
    schema::<Told>(true)
}

impl Event for Received<'_> {
    const TYPE: &'static EventType = &events::MESSAGE_RECEIVE;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        let message = self.message;
        let of = |number: i64| (number != 0).then(|| to.keys.message_id(number, to.tenant).to_string());
        let mentions = message.mentions.iter().enumerate().map(|(index, mention)| {
            let (id, mentioned_type) = match &mention.who {
                Subject::User { user_id, number } => (to.user(*number, user_id), "user"),
                Subject::Bot { bot } => (to.subject(*bot), "bot"),
            };
            ToldMention {
                id,
                key: shown::key(index),
                mentioned_type,
                name: mention.name.clone(),
                tenant_key: to.tenant.to_string(),
            }
        });
        let (sender_id, sender_type) = match &message.sender {
            Sender::User { user_id, number } => (to.user(*number, user_id), "user"),
            Sender::Bot(app_id) | Sender::Hook(app_id) => (to.bot(*app_id), "bot"),
        };
        Told {
            message: ToldMessage {
                chat_id: message.chat_id.to_string(),
                chat_type: match self.chat.mode {
                    ChatMode::P2p => "p2p",
                    ChatMode::Group => "group",
                    ChatMode::Topic => "topic_group",
                },
                content: shown::content(to.keys, Some(to.app_id), message, None),
                create_time: message.created_at.to_string(),
                mentions: mentions.collect(),
                message_id: to.keys.message_id(message.number, to.tenant).to_string(),
                message_type: message.msg_type.as_str(),
                parent_id: of(message.parent),
                root_id: of(message.root),
                thread_id: message.thread.map(|thread| thread.to_string()),
                update_time: message.updated_at.to_string(),
            },
            sender: ToldSender { sender_id, sender_type, tenant_key: to.tenant.to_string() },
        }
    }
}

/// For messages of users in p2p chats.
const OF_P2P: &[Scope] = &[IM_MESSAGE_P2P, IM_MESSAGE_P2P_READONLY];
/// For messages of users in groups.
const OF_GROUPS: &[Scope] = &[IM_MESSAGE_GROUP, IM_MESSAGE_GROUP_READONLY];
/// For messages of users in groups that mention the bot.
const OF_MENTIONS: &[Scope] = &[
    IM_MESSAGE_GROUP_AT,
    IM_MESSAGE_GROUP_AT_READONLY,
    IM_MESSAGE_GROUP_AT_BOTS,
    IM_MESSAGE_GROUP,
    IM_MESSAGE_GROUP_READONLY,
];
/// For messages of bots in groups that mention the bot.
const OF_BOTS: &[Scope] = &[IM_MESSAGE_GROUP_AT_BOTS];

/// The scopes, any of which lets a message through to an app whose bot is in the chat; empty if no scope does. `named` is whether
/// the message mentions the bot.
pub fn scopes(mode: ChatMode, by_user: bool, named: bool) -> &'static [Scope] {
    match (mode, by_user, named) {
        (ChatMode::P2p, true, _) => OF_P2P,
        (ChatMode::P2p, false, _) => &[],
        (_, true, true) => OF_MENTIONS,
        (_, true, false) => OF_GROUPS,
        (_, false, true) => OF_BOTS,
        (_, false, false) => &[],
    }
}

/// The scopes, any of which lets this message through to an app whose bot is in the chat. `None` if it does not concern the app.
/// An app that hears some messages of groups chose which, so it does not lack the scopes for others.
fn needed(install: &Install, chat: &Chat, message: &Message) -> Option<&'static [Scope]> {
    if message.sender == Sender::Bot(install.app_id) {
        return None;
    }
    let has = |scopes: &[Scope]| scopes.iter().any(|scope| install.scopes.has(scope));
    let by_user = matches!(message.sender, Sender::User { .. });
    let named = message.mentions.iter().any(|mention| mention.who == Subject::Bot { bot: install.app_id.0 });
    let any_of = scopes(chat.mode, by_user, named);
    let chose = chat.mode != ChatMode::P2p && has(OF_MENTIONS) && !has(any_of);
    (!any_of.is_empty() && !chose).then_some(any_of)
}

/// Tells the apps whose bots are in the chat of a message, as their scopes let them hear it; never its sender. Messages of custom
/// bots are not told. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn emit(tx: &mut Tx, chat: &Chat, message: &Message, now: i64) -> Result<(), StoreError> {
    if matches!(message.sender, Sender::Hook(_)) {
        return Ok(());
    }
    let mut listeners = super::listeners(tx, Received::TYPE).await?;
    listeners.narrow(|install| needed(install, chat, message));
    if listeners.is_empty() {
        return Ok(());
    }
    let bots = members::bots(tx, chat.chat_id).await?;
    listeners.retain(|app| bots.contains(&app));
    if listeners.is_empty() {
        return Ok(());
    }
    for message in &cards::filled(tx, vec![message.clone()]).await? {
        super::emit(tx, &Received { chat, message }, &listeners, now).await?;
    }
    Ok(())
}

/// Who receives messages.
pub const HEARD: Behaviour = Behaviour {
    name: "event_message_receive",
    rule: "The bots of the chat are told, never the sender. In p2p chats: messages of users, with im:message.p2p_msg. In groups: messages of users that mention the bot, with im:message.group_at_msg; messages of users and bots that mention it, with im:message.group_at_msg.include_bot:readonly; all messages of users, with im:message.group_msg. @all mentions no bot. The chat_type of a topic group is topic_group. user_agent is left out.",
    basis: Documented,
    switch: false,
};
