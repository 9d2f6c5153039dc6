//! The apps that do not receive an event, and why.

use larkspur_contract::model::InstallStatus;
use larkspur_contract::{Fault, events};
use larkspur_store::events::subscriptions;
use larkspur_store::{Tx, apps, members};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{support, values};

/// An app that does not receive the event.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NotSent {
    /// Its ID.
    app_id: String,
    /// The reason.
    reason: Reason,
    /// The scopes, any of which is enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    needs: Vec<&'static str>,
    /// How to fix it.
    fix: &'static str,
}

/// Why an app does not receive the event.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Reason {
    /// It is disabled, or has no bot.
    BotOff,
    /// It is not subscribed to the type, or has no verified URL.
    NotSubscribed,
    /// It has none of the scopes.
    NoScope,
    /// Its bot is not in the chat.
    BotAbsent,
}

impl Reason {
    const fn fix(self) -> &'static str {
        match self {
            Reason::BotOff => "set status enabled and bot true: PUT …/apps/{app_id}",
            Reason::NotSubscribed => {
                "subscribe it: PUT …/apps/{app_id}/events; the URL of a webhook must be verified"
            }
            Reason::NoScope => "grant it one of the scopes: PUT …/apps/{app_id}",
            Reason::BotAbsent => "add its bot to the chat: PUT …/chats/{chat_id}/members/{app_id}",
        }
    }
}

/// The apps of a world that would not receive an event of a type now, perhaps of a chat; ordered by ID.
pub(super) async fn of(tx: &mut Tx, kind: &str, chat_id: Option<&str>) -> Result<Vec<NotSent>, Fault> {
    let chat = match chat_id {
        Some(id) => Some(support::chat(tx, id).await?.chat_id),
        None => None,
    };
    let known = events::named(kind);
    if known.is_none() {
        return Err(values::invalid("type", Some(kind), "no event type has this name"));
    }
    let subscribers = subscriptions::subscribers(tx).await?;
    let present = match chat {
        Some(chat) => Some(members::bots(tx, chat).await?),
        None => None,
    };
    let all = apps::installed(tx).await?;
    let installs = apps::installs(tx, all.iter().copied()).await?;
    let mut found = Vec::new();
    for app_id in all {
        let Some(install) = installs.get(&app_id) else { continue };
        let subscribed = subscribers.iter().any(|one| one.install.app_id == app_id && one.types.has(kind));
        let scopes = known.map_or(&[][..], |known| known.scopes);
        let allowed = scopes.is_empty() || scopes.iter().any(|scope| install.scopes.has(scope));
        let reason = if !install.bot || install.status != InstallStatus::Enabled {
            Reason::BotOff
        } else if !subscribed {
            Reason::NotSubscribed
        } else if !allowed {
            Reason::NoScope
        } else if present.as_ref().is_some_and(|present| !present.contains(&app_id)) {
            Reason::BotAbsent
        } else {
            continue;
        };
        let needs = if matches!(reason, Reason::NoScope) { scopes.to_vec() } else { Vec::new() };
        found.push(NotSent { app_id: app_id.to_string(), reason, needs, fix: reason.fix() });
    }
    Ok(found)
}
