//! Who sends, changes and recalls messages: the caller of an operation, a person at a client, or a custom bot of a chat.

use std::sync::Arc;

use larkspur_contract::ids::AppId;
use larkspur_contract::scopes::{IM_CHAT_AS_OWNER, IM_MESSAGE_SEND_AS_USER};
use larkspur_contract::{Fault, codes};
use larkspur_store::apps::Install;
use larkspur_store::chats::{Member, Place};
use larkspur_store::messages::{Message, Sender};
use larkspur_store::policies::Policy;
use larkspur_store::users::User;

use super::explained;
use crate::events::Party;
use crate::{Actor, Call};

/// Who speaks, through what, and when.
#[derive(Clone)]
pub struct Speaker {
    /// The sender of what is said.
    pub sender: Sender,
    /// The app that makes the call; `None` for a client or a custom bot.
    pub app: Option<Arc<Install>>,
    /// The tenant's time, in milliseconds since 1970.
    pub now: i64,
    /// What the tenant's administrators allow.
    pub policy: Arc<Policy>,
    /// Whether the limit of messages per second and chat applies.
    pub limited: bool,
    /// Whether messages keep Markdown of rich texts.
    pub markdown: bool,
}

impl Speaker {
    /// The caller of an operation.
    pub fn of(call: &Call) -> Self {
        let sender = match &call.actor {
            Actor::Bot => Sender::Bot(call.app_id()),
            Actor::User { number, grant } => Sender::User { user_id: grant.user_id.clone(), number: *number },
        };
        Speaker {
            sender,
            app: Some(call.app.clone()),
            now: call.now,
            policy: call.policy.clone(),
            limited: call.settings.chat_limit,
            markdown: call.settings.content_v2,
        }
    }

    /// A person at a client.
    pub fn person(user: &User, policy: Arc<Policy>, now: i64) -> Self {
        let sender = Sender::User { user_id: user.user_id.clone(), number: user.user_no.cast_unsigned() };
        Speaker { sender, app: None, now, policy, limited: false, markdown: false }
    }

    /// A custom bot of a chat, by the id that it is shown under. Its own limits are the caller's concern.
    pub fn hook(shown_as: AppId, policy: Arc<Policy>, now: i64) -> Self {
        Speaker { sender: Sender::Hook(shown_as), app: None, now, policy, limited: false, markdown: false }
    }

    /// The speaker as a member of chats. A custom bot is a member of none.
    pub fn member(&self) -> Member {
        match &self.sender {
            Sender::User { user_id, .. } => Member::User(user_id.clone()),
            Sender::Bot(app_id) | Sender::Hook(app_id) => Member::Bot(*app_id),
        }
    }

    /// The speaker as a party of events.
    pub fn party(&self) -> Party {
        match &self.sender {
            Sender::User { user_id, number } => Party::User { number: *number, user_id: user_id.clone() },
            Sender::Bot(app_id) | Sender::Hook(app_id) => Party::Bot(*app_id),
        }
    }

    /// Whether the speaker is the bot of an app.
    pub fn is_bot(&self) -> bool {
        matches!(self.sender, Sender::Bot(_))
    }

    /// Whether the speaker sent a message.
    pub fn sent(&self, message: &Message) -> bool {
        self.sender == message.sender
    }

    /// Whether the speaker owns or manages a chat that it is in.
    pub fn manages(&self, place: &Place) -> bool {
        place.manager == Some(true) || (place.manager.is_some() && self.owns(place))
    }

    /// Whether the speaker owns a chat.
    pub fn owns(&self, place: &Place) -> bool {
        place.chat.owner.as_ref() == Some(&self.member())
    }

    /// Whether the speaker is the bot that created a chat and has the scope to act as its owner.
    pub fn created(&self, place: &Place) -> bool {
        self.is_bot()
            && self.app.as_ref().is_some_and(|app| {
                place.chat.creator_app == Some(app.app_id) && app.scopes.has(IM_CHAT_AS_OWNER)
            })
    }
}

/// The app needs its bot, also for calls of users: 230006.
pub fn bot_may(call: &Call) -> Result<(), Fault> {
    if call.app.bot {
        return Ok(());
    }
    let fault = Fault::new(codes::MESSAGE_BOT_NOT_ACTIVATED, "the app has no bot; enable its bot ability");
    Err(explained::bot(fault, call))
}

/// Sending as a user needs a scope beside those of the page: 230027. Source: the manual's page on 230027.
pub fn may_send_as_user(call: &Call) -> Result<(), Fault> {
    if matches!(call.actor, Actor::Bot) || call.has_scope(IM_MESSAGE_SEND_AS_USER) {
        return Ok(());
    }
    let cause = format!("requires {IM_MESSAGE_SEND_AS_USER} scope.");
    let fault =
        Fault::new(codes::MESSAGE_LACKS_PERMISSION, "the user did not grant the scope").with_cause(cause);
    Err(explained::scope(fault, call, &[IM_MESSAGE_SEND_AS_USER]))
}
