//! The events and callbacks that apps receive: one constant of data each.
//!
//! The payload of each event is in `larkspur_api::events`, one file per event. That module explains how to add one.

use crate::{Basis, Scope, scopes};

/// A type of event.
#[derive(Debug)]
pub struct EventType {
    /// Its name on the wire: `type` in the first envelope, `event_type` in the second.
    pub name: &'static str,
    /// One line for documents.
    pub summary: &'static str,
    /// Its envelope, and the answer that it needs.
    pub form: Form,
    /// Any one of these lets an app receive it; empty means none is needed.
    pub scopes: &'static [Scope],
    /// The page of the public documentation.
    pub reference: &'static str,
    /// The basis of its rules.
    pub basis: Basis,
    /// Whether its payload holds a secret. If so, it is encrypted while it waits.
    pub secret: bool,
}

/// The envelope of an event, and the answer that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A challenge to a URL, which must return it. It is sent once.
    Challenge,
    /// An event in the first envelope: `uuid`, `ts`, `event.type`.
    V1,
    /// An event in the second envelope: `schema` 2.0, `header`, `event`.
    V2,
    /// A callback in the second envelope: the answer goes back to the user who caused it. It is sent once.
    Callback,
}

/// The waits before each retry, in milliseconds of the world's time. Then the event is dropped.
/// Source: the pages on receiving events ("15 s, 5 min, 1 h, 6 h").
const LADDER_MS: &[i64] = &[15 * 1000, 300 * 1000, 3600 * 1000, 6 * 3600 * 1000];

impl Form {
    /// Every form.
    pub const ALL: [Form; 4] = [Form::Challenge, Form::V1, Form::V2, Form::Callback];

    /// Its name in the store and in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Form::Challenge => "challenge",
            Form::V1 => "v1",
            Form::V2 => "v2",
            Form::Callback => "callback",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Form::ALL.into_iter().find(|form| form.as_str() == text)
    }

    /// The waits before each retry, in milliseconds by the world's clock; empty for what is sent once. Source: the pages on
    /// receiving events; callbacks are never retried (observed).
    pub const fn retries_ms(self) -> &'static [i64] {
        match self {
            Form::V1 | Form::V2 => LADDER_MS,
            Form::Challenge | Form::Callback => &[],
        }
    }

    /// How long the receiver has to answer, in milliseconds. Source: the pages on receiving events ("3 s", of a challenge
    /// "1 s").
    pub const fn answer_ms(self) -> u64 {
        match self {
            Form::Challenge => 1000,
            Form::V1 | Form::V2 | Form::Callback => 3000,
        }
    }
}

/// Verifies a URL.
pub const URL_VERIFICATION: EventType = EventType {
    name: "url_verification",
    summary: "A URL is verified with a challenge",
    form: Form::Challenge,
    scopes: &[],
    reference: "event-subscription-guide/event-subscription-configure-/request-url-configuration-case",
    basis: Basis::Documented,
    secret: false,
};

/// An ISV app gets a ticket.
pub const APP_TICKET: EventType = EventType {
    name: "app_ticket",
    summary: "An ISV app gets a ticket, every hour and on request",
    form: Form::V1,
    scopes: &[],
    reference: "application-v6/event/app_ticket-events",
    basis: Basis::Documented,
    secret: true,
};

/// Scopes for changes of a chat.
const OF_CHATS: &[Scope] = &[scopes::IM_CHAT, scopes::IM_CHAT_READ, scopes::IM_CHAT_READONLY];
/// Scopes for bots that join and leave.
const OF_BOTS: &[Scope] = &[scopes::IM_CHAT, scopes::IM_CHAT_MEMBERS_BOT_ACCESS, scopes::IM_CHAT_READONLY];
/// Scopes for users who join and leave.
const OF_USERS: &[Scope] = &[scopes::IM_CHAT, scopes::IM_CHAT_MEMBERS_READ, scopes::IM_CHAT_READONLY];

/// The settings of a chat changed.
pub const CHAT_UPDATED: EventType = EventType {
    name: "im.chat.updated_v1",
    summary: "The settings of a chat changed",
    form: Form::V2,
    scopes: OF_CHATS,
    reference: "im-v1/chat/events/updated",
    basis: Basis::Documented,
    secret: false,
};

/// A chat was dissolved.
pub const CHAT_DISBANDED: EventType = EventType {
    name: "im.chat.disbanded_v1",
    summary: "A chat was dissolved",
    form: Form::V2,
    scopes: OF_CHATS,
    reference: "im-v1/chat/events/disbanded",
    basis: Basis::Documented,
    secret: false,
};

/// A bot was added to a chat.
pub const BOT_ADDED: EventType = EventType {
    name: "im.chat.member.bot.added_v1",
    summary: "A bot was added to a chat",
    form: Form::V2,
    scopes: OF_BOTS,
    reference: "im-v1/chat-member-bot/events/added",
    basis: Basis::Documented,
    secret: false,
};

/// A bot was removed from a chat.
pub const BOT_DELETED: EventType = EventType {
    name: "im.chat.member.bot.deleted_v1",
    summary: "A bot was removed from a chat",
    form: Form::V2,
    scopes: OF_BOTS,
    reference: "im-v1/chat-member-bot/events/deleted",
    basis: Basis::Documented,
    secret: false,
};

/// Users joined a chat.
pub const USER_ADDED: EventType = EventType {
    name: "im.chat.member.user.added_v1",
    summary: "Users joined a chat",
    form: Form::V2,
    scopes: OF_USERS,
    reference: "im-v1/chat-member-user/events/added",
    basis: Basis::Documented,
    secret: false,
};

/// Users left a chat or were removed from it.
pub const USER_DELETED: EventType = EventType {
    name: "im.chat.member.user.deleted_v1",
    summary: "Users left a chat or were removed from it",
    form: Form::V2,
    scopes: OF_USERS,
    reference: "im-v1/chat-member-user/events/deleted",
    basis: Basis::Documented,
    secret: false,
};

/// An invitation to a chat was withdrawn.
pub const USER_WITHDRAWN: EventType = EventType {
    name: "im.chat.member.user.withdrawn_v1",
    summary: "An invitation of users to a chat was withdrawn",
    form: Form::V2,
    scopes: OF_USERS,
    reference: "im-v1/chat-member-user/events/withdrawn",
    basis: Basis::Documented,
    secret: false,
};

/// A message was sent.
pub const MESSAGE_RECEIVE: EventType = EventType {
    name: "im.message.receive_v1",
    summary: "A message was sent",
    form: Form::V2,
    scopes: &[
        scopes::IM_MESSAGE_P2P,
        scopes::IM_MESSAGE_P2P_READONLY,
        scopes::IM_MESSAGE_GROUP_AT,
        scopes::IM_MESSAGE_GROUP_AT_READONLY,
        scopes::IM_MESSAGE_GROUP_AT_BOTS,
        scopes::IM_MESSAGE_GROUP,
        scopes::IM_MESSAGE_GROUP_READONLY,
    ],
    reference: "im-v1/message/events/receive",
    basis: Basis::Documented,
    secret: false,
};

/// A message was recalled.
pub const MESSAGE_RECALLED: EventType = EventType {
    name: "im.message.recalled_v1",
    summary: "A message was recalled",
    form: Form::V2,
    scopes: &[scopes::IM_MESSAGE, scopes::IM_MESSAGE_READONLY],
    reference: "im-v1/message/events/recalled",
    basis: Basis::Documented,
    secret: false,
};

/// A user opened the chat with a bot.
pub const BOT_P2P_CHAT_ENTERED: EventType = EventType {
    name: "im.chat.access_event.bot_p2p_chat_entered_v1",
    summary: "A user opened the chat with a bot",
    form: Form::V2,
    scopes: &[],
    reference: "im-v1/chat-access_event/events/bot_p2p_chat_entered",
    basis: Basis::Documented,
    secret: false,
};

/// The chat of a user and a bot was created.
pub const P2P_CHAT_CREATE: EventType = EventType {
    name: "p2p_chat_create",
    summary: "The chat of a user and a bot was created",
    form: Form::V1,
    scopes: &[],
    reference: "uYDNxYjL2QTM24iN0EjN/bot-events",
    basis: Basis::Documented,
    secret: false,
};

/// A user clicked an item of a bot's menu.
pub const BOT_MENU: EventType = EventType {
    name: "application.bot.menu_v6",
    summary: "A user clicked an item of a bot's menu",
    form: Form::V2,
    scopes: &[],
    reference: "application-v6/bot/events/menu",
    basis: Basis::Documented,
    secret: false,
};

/// A user used a component of a card.
pub const CARD_ACTION: EventType = EventType {
    name: "card.action.trigger",
    summary: "A user used a component of a card",
    form: Form::Callback,
    scopes: &[],
    reference: "feishu-cards/card-callback-communication",
    basis: Basis::Documented,
    secret: false,
};

/// A user sees a link whose preview an app makes.
pub const URL_PREVIEW: EventType = EventType {
    name: "url.preview.get",
    summary: "A user sees a link whose preview the app makes",
    form: Form::Callback,
    scopes: &[],
    reference: "development-link-preview/pull-link-preview-data-callback-structure",
    basis: Basis::Documented,
    secret: false,
};

/// Every type, in the order of the documents.
pub const ALL: &[&EventType] = &[
    &URL_VERIFICATION,
    &APP_TICKET,
    &CHAT_UPDATED,
    &CHAT_DISBANDED,
    &BOT_ADDED,
    &BOT_DELETED,
    &USER_ADDED,
    &USER_DELETED,
    &USER_WITHDRAWN,
    &MESSAGE_RECEIVE,
    &MESSAGE_RECALLED,
    &BOT_P2P_CHAT_ENTERED,
    &P2P_CHAT_CREATE,
    &BOT_MENU,
    &CARD_ACTION,
    &URL_PREVIEW,
];

/// The type with a name.
pub fn named(name: &str) -> Option<&'static EventType> {
    ALL.iter().copied().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_forms_have_names() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|known| known.name).collect();
        assert_eq!(names.len(), ALL.len());
        for form in Form::ALL {
            assert_eq!(Form::parse(form.as_str()), Some(form));
        }
        assert_eq!(Form::parse("v3"), None);
        let asked = ALL.iter().flat_map(|known| known.scopes);
        assert_eq!(asked.copied().find(|scope| !scopes::is_known(scope)), None);
        assert!(named("app_ticket").is_some_and(|known| known.secret) && named("none").is_none());
    }

    #[test]
    fn only_events_are_sent_again() {
        assert_eq!(Form::V2.retries_ms(), [15_000, 300_000, 3_600_000, 21_600_000]);
        assert!(Form::Callback.retries_ms().is_empty() && Form::Challenge.retries_ms().is_empty());
    }
}
