//! The events that apps are told and the questions that they are asked: one constant of data each.
//!
//! What an event says to each app is in `larkspur_api::events`, one file an event; see there how to add one.

use crate::{Basis, Scope, scopes};

/// A type of event.
#[derive(Debug)]
pub struct EventType {
    /// Its name on the wire: `type` in the first envelope, `event_type` in the second.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// How it is wrapped, and what is expected of the answer.
    pub form: Form,
    /// Any one of these lets an app receive it; empty means none is needed.
    pub scopes: &'static [Scope],
    /// The page of the public documentation.
    pub reference: &'static str,
    /// What its rules rest on.
    pub basis: Basis,
    /// Whether its payload holds a secret: then it is sealed while it waits.
    pub secret: bool,
}

/// How an event is wrapped, and what is expected of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The question whether an address wants events. The challenge has to come back. It is asked once.
    Challenge,
    /// An event in the first envelope: `uuid`, `ts`, `event.type`.
    V1,
    /// An event in the second envelope: `schema` 2.0, `header`, `event`.
    V2,
    /// A question in the second envelope, whose answer goes back to the user who caused it. It is asked once.
    Callback,
}

/// After how many milliseconds of the world's time an event is sent again; then it is dropped.
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

    /// After how many milliseconds each further attempt follows the one before, by the world's clock; empty for what is
    /// sent once. Source: the pages on receiving events; callbacks are never repeated (observed).
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

/// Asks an address whether it wants events.
pub const URL_VERIFICATION: EventType = EventType {
    name: "url_verification",
    summary: "An address is asked whether it wants events",
    form: Form::Challenge,
    scopes: &[],
    reference: "event-subscription-guide/event-subscription-configure-/request-url-configuration-case",
    basis: Basis::Documented,
    secret: false,
};

/// Gives an ISV app a ticket.
pub const APP_TICKET: EventType = EventType {
    name: "app_ticket",
    summary: "An ISV app is given a ticket, every hour and when it asks for one",
    form: Form::V1,
    scopes: &[],
    reference: "application-v6/event/app_ticket-events",
    basis: Basis::Documented,
    secret: true,
};

/// What may hear of changes of a chat.
const OF_CHATS: &[Scope] = &[scopes::IM_CHAT, scopes::IM_CHAT_READ, scopes::IM_CHAT_READONLY];
/// What may hear of bots that join and leave.
const OF_BOTS: &[Scope] = &[scopes::IM_CHAT, scopes::IM_CHAT_MEMBERS_BOT_ACCESS, scopes::IM_CHAT_READONLY];
/// What may hear of users who join and leave.
const OF_USERS: &[Scope] = &[scopes::IM_CHAT, scopes::IM_CHAT_MEMBERS_READ, scopes::IM_CHAT_READONLY];

/// Tells what changed in a chat.
pub const CHAT_UPDATED: EventType = EventType {
    name: "im.chat.updated_v1",
    summary: "The settings of a chat changed",
    form: Form::V2,
    scopes: OF_CHATS,
    reference: "im-v1/chat/events/updated",
    basis: Basis::Documented,
    secret: false,
};

/// Tells that a chat was dissolved.
pub const CHAT_DISBANDED: EventType = EventType {
    name: "im.chat.disbanded_v1",
    summary: "A chat was dissolved",
    form: Form::V2,
    scopes: OF_CHATS,
    reference: "im-v1/chat/events/disbanded",
    basis: Basis::Documented,
    secret: false,
};

/// Tells that a bot was added to a chat.
pub const BOT_ADDED: EventType = EventType {
    name: "im.chat.member.bot.added_v1",
    summary: "A bot was added to a chat",
    form: Form::V2,
    scopes: OF_BOTS,
    reference: "im-v1/chat-member-bot/events/added",
    basis: Basis::Documented,
    secret: false,
};

/// Tells a bot that it was removed from a chat.
pub const BOT_DELETED: EventType = EventType {
    name: "im.chat.member.bot.deleted_v1",
    summary: "A bot was removed from a chat",
    form: Form::V2,
    scopes: OF_BOTS,
    reference: "im-v1/chat-member-bot/events/deleted",
    basis: Basis::Documented,
    secret: false,
};

/// Tells that users joined a chat.
pub const USER_ADDED: EventType = EventType {
    name: "im.chat.member.user.added_v1",
    summary: "Users joined a chat",
    form: Form::V2,
    scopes: OF_USERS,
    reference: "im-v1/chat-member-user/events/added",
    basis: Basis::Documented,
    secret: false,
};

/// Tells that users left a chat or were removed from it.
pub const USER_DELETED: EventType = EventType {
    name: "im.chat.member.user.deleted_v1",
    summary: "Users left a chat or were removed from it",
    form: Form::V2,
    scopes: OF_USERS,
    reference: "im-v1/chat-member-user/events/deleted",
    basis: Basis::Documented,
    secret: false,
};

/// Tells that an invitation into a chat was withdrawn.
pub const USER_WITHDRAWN: EventType = EventType {
    name: "im.chat.member.user.withdrawn_v1",
    summary: "An invitation of users into a chat was withdrawn",
    form: Form::V2,
    scopes: OF_USERS,
    reference: "im-v1/chat-member-user/events/withdrawn",
    basis: Basis::Documented,
    secret: false,
};

/// Tells a bot that a user opened their chat.
pub const BOT_P2P_CHAT_ENTERED: EventType = EventType {
    name: "im.chat.access_event.bot_p2p_chat_entered_v1",
    summary: "A user opened the chat with a bot",
    form: Form::V2,
    scopes: &[],
    reference: "im-v1/chat-access_event/events/bot_p2p_chat_entered",
    basis: Basis::Documented,
    secret: false,
};

/// Tells a bot that a user and it have a chat now.
pub const P2P_CHAT_CREATE: EventType = EventType {
    name: "p2p_chat_create",
    summary: "The chat of a user and a bot was created",
    form: Form::V1,
    scopes: &[],
    reference: "uYDNxYjL2QTM24iN0EjN/bot-events",
    basis: Basis::Documented,
    secret: false,
};

/// Tells a bot that a user clicked an item of its menu.
pub const BOT_MENU: EventType = EventType {
    name: "application.bot.menu_v6",
    summary: "A user clicked an item of a bot's menu",
    form: Form::V2,
    scopes: &[],
    reference: "application-v6/bot/events/menu",
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
    &BOT_P2P_CHAT_ENTERED,
    &P2P_CHAT_CREATE,
    &BOT_MENU,
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
