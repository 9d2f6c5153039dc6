//! The apps that do not receive an event, and why.

use std::collections::{BTreeMap, HashSet};

use larkspur_api::events::message_receive;
use larkspur_contract::events::Form;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::model::{ChatMode, InstallStatus};
use larkspur_contract::{EventType, Fault, Scope, events};
use larkspur_store::apps::{self, Install};
use larkspur_store::events::{connections, subscriptions};
use larkspur_store::{Tx, members};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::reason::Reason;
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
    /// The scopes that would let the event through: any of them; of a message that may be sent without a named chat, one
    /// for p2p chats and one for groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    needs: Vec<&'static str>,
    /// How to fix it, in words.
    fix: &'static str,
    /// Calls of the control API that fix it.
    fixes: Vec<Action>,
}

/// What happened.
pub(super) struct Happened<'a> {
    /// The type of the event.
    pub(super) kind: &'a str,
    /// The chat that it is about.
    pub(super) chat_id: Option<&'a str>,
    /// The payload of the event, and the app that it was made for; `None` of an event that may happen.
    pub(super) payload: Option<(&'a Value, AppId)>,
    /// The apps that received it. If there are any, every other app is in the list.
    pub(super) told: HashSet<AppId>,
}

impl Happened<'_> {
    /// The lists of scopes of which an app needs one each to receive the event; none if no scope is needed.
    ///
    /// # Errors
    /// The reason, if the app does not receive it whatever its scopes are.
    fn needed(
        &self,
        tx: &Tx,
        kind: &EventType,
        mode: Option<ChatMode>,
        install: &Install,
    ) -> Result<Vec<&'static [Scope]>, Reason> {
        if kind.name != events::MESSAGE_RECEIVE.name {
            return Ok([kind.scopes].into_iter().filter(|scopes| !scopes.is_empty()).collect());
        }
        let Some((payload, reader)) = self.payload else {
            // Of messages that may be sent, an app that hears some lacks nothing. One that hears none needs what lets all
            // messages of users through.
            let modes = mode.map_or(vec![ChatMode::P2p, ChatMode::Group], |mode| vec![mode]);
            let mut heard = modes.iter().flat_map(|mode| message_receive::scopes(*mode, true, true));
            if heard.any(|scope| install.scopes.has(scope)) {
                return Ok(Vec::new());
            }
            return Ok(modes.iter().map(|mode| message_receive::scopes(*mode, true, false)).collect());
        };
        let own = tx.engine().keys.open_id(install.app_id.0, reader).to_string();
        let (sender, message) = (&payload["sender"], &payload["message"]);
        if sender["sender_id"]["open_id"] == own {
            return Err(Reason::OwnMessage);
        }
        let mut mentions = message["mentions"].as_array().into_iter().flatten();
        let named = mentions.any(|mention| mention["id"]["open_id"] == own);
        let mode = if message["chat_type"] == "p2p" { ChatMode::P2p } else { ChatMode::Group };
        let scopes = message_receive::scopes(mode, sender["sender_type"] == "user", named);
        if scopes.is_empty() { Err(Reason::NotConcerned) } else { Ok(vec![scopes]) }
    }
}

/// The apps of a world that would not receive an event now; ordered by ID.
pub(super) async fn of(tx: &mut Tx, happened: &Happened<'_>) -> Result<Vec<NotSent>, Fault> {
    let Happened { kind, chat_id, told, .. } = happened;
    let chat = match chat_id {
        Some(id) => Some(support::chat(tx, id).await?),
        None => None,
    };
    let known = events::named(kind)
        .ok_or_else(|| values::invalid("type", Some(kind), "no event type has this name"))?;
    let subscribers = subscriptions::subscribers(tx).await?;
    let present = match &chat {
        Some(chat) => Some(members::bots(tx, chat.chat_id).await?),
        None => None,
    };
    let all = apps::installed(tx).await?;
    let installs = apps::installs(tx, all.iter().copied()).await?;
    let left = all.iter().filter(|app_id| !told.contains(app_id)).filter_map(|app_id| installs.get(app_id));
    let left: Vec<&Install> = left.map(|install| &**install).collect();
    let closed = if told.is_empty() { closed(tx, &left, known.form).await? } else { HashSet::new() };
    let mut found = Vec::new();
    let world = tx.tenant().to_string();
    for install in left {
        let app_id = install.app_id;
        let subscribed = subscribers.iter().any(|one| one.install.app_id == app_id && one.types.has(kind));
        let needed = happened.needed(tx, known, chat.as_ref().map(|chat| chat.mode), install);
        let never = needed.as_ref().err().copied();
        let lacks = |scopes: &&[Scope]| !scopes.iter().any(|scope| install.scopes.has(scope));
        let lacking: Vec<&[Scope]> = needed.unwrap_or_default().into_iter().filter(lacks).collect();
        let reason = if let Some(Reason::OwnMessage) = never {
            Reason::OwnMessage
        } else if !install.bot || install.status != InstallStatus::Enabled {
            Reason::BotOff
        } else if !subscribed {
            Reason::NotSubscribed
        } else if !lacking.is_empty() {
            Reason::NoScope
        } else if never.is_none() && present.as_ref().is_some_and(|present| !present.contains(&app_id)) {
            Reason::BotAbsent
        } else if closed.contains(&app_id) {
            Reason::NoConnection
        } else if !told.is_empty() {
            Reason::NotConcerned
        } else {
            continue;
        };
        let needs = if matches!(reason, Reason::NoScope) { lacking.concat() } else { Vec::new() };
        let call = reason.call(install, &lacking, *chat_id);
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

/// Those of some apps that receive events of a form by long connection and have none open.
async fn closed(tx: &mut Tx, installs: &[&Install], form: Form) -> Result<HashSet<AppId>, Fault> {
    let now = tx.engine().clock.now_ms();
    let mut apps: BTreeMap<TenantKey, Vec<AppId>> = BTreeMap::new();
    for install in installs {
        apps.entry(install.developer).or_default().push(install.app_id);
    }
    let mut closed = HashSet::new();
    for (developer, apps) in apps {
        closed.extend(connections::lacking(tx, (developer, &apps), form, now).await?);
    }
    Ok(closed)
}
