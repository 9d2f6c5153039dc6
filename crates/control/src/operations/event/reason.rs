//! Why an app does not receive an event, and how to fix it.

use larkspur_contract::{Fix, Scope};
use larkspur_store::apps::Install;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

/// Why an app does not receive the event.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// It is disabled, or has no bot.
    BotOff,
    /// It is not subscribed to the type, or has no verified URL.
    NotSubscribed,
    /// It has none of the scopes.
    NoScope,
    /// Its bot is not in the chat.
    BotAbsent,
    /// It receives events by long connection, and has none open to any server: events wait for it, and are dropped after the
    /// last retry. Only of events that may happen; one that happened was sent to such an app, too.
    NoConnection,
    /// It is a message that the app sent itself.
    OwnMessage,
    /// Nothing prevents it, but it was not told: the event did not concern it, or its settings were changed since.
    NotConcerned,
}

impl Reason {
    /// How to fix it, in words.
    pub(super) const fn fix(self) -> &'static str {
        match self {
            Reason::BotOff => "set status enabled and bot true: PUT …/apps/{app_id}",
            Reason::NotSubscribed => {
                "subscribe it: PUT …/apps/{app_id}/events; the URL of a webhook must be verified"
            }
            Reason::NoScope => "grant it one of the scopes: PUT …/apps/{app_id}",
            Reason::NoConnection => {
                "start its client, or send its events to a URL: PUT …/apps/{app_id}/events"
            }
            Reason::OwnMessage => "nothing is missing: an app does not receive its own messages",
            Reason::NotConcerned => {
                "nothing is missing now: the event did not concern it, or its settings were changed since"
            }
            Reason::BotAbsent => "add its bot to the chat: PUT …/chats/{chat_id}/members/{app_id}",
        }
    }

    /// The call that fixes it, if there is one.
    pub(super) fn call(self, install: &Install, lacking: &[&[Scope]], chat_id: Option<&str>) -> Option<Fix> {
        let app_id = install.app_id.to_string();
        let app = vec![("app_id", app_id.clone())];
        match self {
            Reason::BotOff => {
                Some(Fix::new("larkspur.v1.app.update", app, json!({"status": "enabled", "bot": true})))
            }
            Reason::NoScope => {
                // The longest name is the narrowest scope.
                let narrowest = |scopes: &&[Scope]| scopes.iter().copied().max_by_key(|scope| scope.len());
                let missing = lacking.iter().filter_map(narrowest);
                let all: Vec<&str> = install.scopes.iter().chain(missing).collect();
                Some(Fix::new("larkspur.v1.app.update", app, json!({ "scopes": all })))
            }
            Reason::BotAbsent => {
                let path = vec![("chat_id", chat_id?.to_owned()), ("member", app_id)];
                Some(Fix::new("larkspur.v1.chat.member_put", path, json!({})))
            }
            // They may need a URL or a client that only its owner knows.
            Reason::NotSubscribed | Reason::NoConnection => None,
            Reason::OwnMessage | Reason::NotConcerned => None,
        }
    }
}
