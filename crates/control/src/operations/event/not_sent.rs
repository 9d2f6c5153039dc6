//! The apps that do not receive an event, and why.

use std::collections::HashSet;

use larkspur_contract::ids::AppId;
use larkspur_contract::model::InstallStatus;
use larkspur_contract::{Fault, Fix, Scope, events};
use larkspur_store::apps::{self, Install};
use larkspur_store::events::subscriptions;
use larkspur_store::{Tx, members};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::traffic::Action;
use crate::{support, values};

/// An app that does not receive the event.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NotSent {
    /// Its ID.
    app_id: String,
    /// Its name.
    app: String,
    /// The reason.
    reason: Reason,
    /// The scopes, any of which is enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    needs: Vec<&'static str>,
    /// How to fix it, in words.
    fix: &'static str,
    /// Calls of the control API that fix it.
    fixes: Vec<Action>,
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
    /// Nothing prevents it, but it was not told: the event did not concern it, like a message that it sent itself or one that
    /// does not mention its bot, or its settings were changed since.
    NotConcerned,
}

impl Reason {
    const fn fix(self) -> &'static str {
        match self {
            Reason::BotOff => "set status enabled and bot true: PUT …/apps/{app_id}",
            Reason::NotSubscribed => {
                "subscribe it: PUT …/apps/{app_id}/events; the URL of a webhook must be verified"
            }
            Reason::NoScope => "grant it one of the scopes: PUT …/apps/{app_id}",
            Reason::NotConcerned => "nothing is missing now; its scopes may be for mentions only",
            Reason::BotAbsent => "add its bot to the chat: PUT …/chats/{chat_id}/members/{app_id}",
        }
    }
}

impl Reason {
    /// The call that fixes it, if there is one.
    fn call(self, install: &Install, scopes: &[Scope], chat_id: Option<&str>) -> Option<Fix> {
        let app_id = install.app_id.to_string();
        let app = vec![("app_id", app_id.clone())];
        match self {
            Reason::BotOff => {
                Some(Fix::new("larkspur.v1.app.update", app, json!({"status": "enabled", "bot": true})))
            }
            Reason::NoScope => {
                // The longest name is the narrowest scope.
                let missing = scopes.iter().max_by_key(|scope| scope.len())?;
                let all: Vec<&str> = install.scopes.iter().chain([*missing]).collect();
                Some(Fix::new("larkspur.v1.app.update", app, json!({ "scopes": all })))
            }
            Reason::BotAbsent => {
                let path = vec![("chat_id", chat_id?.to_owned()), ("member", app_id)];
                Some(Fix::new("larkspur.v1.chat.member_put", path, json!({})))
            }
            // It may need a URL that only its owner knows.
            Reason::NotSubscribed | Reason::NotConcerned => None,
        }
    }
}

/// The apps of a world that would not receive an event of a type now, perhaps of a chat; ordered by ID. With `told`, the apps
/// that received one, every other app is in the list.
pub(super) async fn of(
    tx: &mut Tx,
    kind: &str,
    chat_id: Option<&str>,
    told: &HashSet<AppId>,
) -> Result<Vec<NotSent>, Fault> {
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
    let world = tx.tenant().to_string();
    for app_id in all.into_iter().filter(|app_id| !told.contains(app_id)) {
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
        } else if !told.is_empty() {
            Reason::NotConcerned
        } else {
            continue;
        };
        let needs = if matches!(reason, Reason::NoScope) { scopes.to_vec() } else { Vec::new() };
        let call = reason.call(install, scopes, chat_id);
        found.push(NotSent {
            app_id: app_id.to_string(),
            app: install.name.clone(),
            reason,
            needs,
            fix: reason.fix(),
            fixes: call.iter().map(|fix| Action::of(fix, &world)).collect(),
        });
    }
    Ok(found)
}
