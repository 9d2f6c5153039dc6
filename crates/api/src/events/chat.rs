//! What the events of chats have in common: their receivers, and the forms of a chat, an operator and users.

use std::collections::HashMap;

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::model::I18nNames;
use larkspur_contract::{Behaviour, EventType};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::users::{self, User};
use larkspur_store::{StoreError, Tx, members};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Ids, Listeners, Party, Recipient, listeners};
use crate::entry::schema;

/// The apps that receive an event of a chat: those that may receive it and whose bots are in the chat now.
///
/// # Errors
/// The store is unavailable.
pub(super) async fn listeners_in(
    tx: &mut Tx,
    kind: &'static EventType,
    chat: &Chat,
) -> Result<Listeners, StoreError> {
    let mut found = listeners(tx, kind).await?;
    if !found.is_empty() {
        let bots = members::bots(tx, chat.chat_id).await?;
        found.retain(|app| bots.contains(&app));
    }
    Ok(found)
}

/// Like [`listeners_in`], with the users among some members, in order; `None` without a listener or a user.
///
/// # Errors
/// The store is unavailable.
pub(super) async fn listeners_and_users(
    tx: &mut Tx,
    kind: &'static EventType,
    chat: &Chat,
    members: &[Member],
) -> Result<Option<(Listeners, Vec<User>)>, StoreError> {
    let ids: Vec<&str> = members.iter().filter_map(Member::user_id).collect();
    if ids.is_empty() {
        return Ok(None);
    }
    let listeners = listeners_in(tx, kind, chat).await?;
    if listeners.is_empty() {
        return Ok(None);
    }
    let found = users::by_ids(tx, ids.iter().copied()).await?;
    let mut found: HashMap<String, User> =
        found.into_iter().map(|user| (user.user_id.clone(), user)).collect();
    let users = ids.into_iter().filter_map(|id| found.remove(id)).collect();
    Ok(Some((listeners, users)))
}

/// A member as a party of an event; `None` for a user who does not exist.
///
/// # Errors
/// The store is unavailable.
pub async fn party(tx: &mut Tx, member: &Member) -> Result<Option<Party>, StoreError> {
    match member {
        Member::User(user_id) => Ok(users::by_id(tx, user_id).await?.as_ref().map(Party::from)),
        Member::Bot(app_id) => Ok(Some(Party::Bot(*app_id))),
    }
}

/// The common payload of the events of chats and their members.
#[derive(Serialize, JsonSchema)]
pub(super) struct Told<'a> {
    chat_id: String,
    external: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    i18n_names: Option<Names<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    operator_id: Ids,
    operator_tenant_key: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<ToldUser<'a>>,
}

/// A user who joined or left.
#[derive(Serialize, JsonSchema)]
struct ToldUser<'a> {
    name: &'a str,
    tenant_key: String,
    user_id: Ids,
}

/// The names of a chat by language, in the order of events.
#[derive(Serialize, PartialEq, Eq, JsonSchema)]
pub(super) struct Names<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    en_us: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ja_jp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zh_cn: Option<&'a str>,
}

impl<'a> Names<'a> {
    /// The names that are set.
    pub(super) fn of(names: &'a I18nNames) -> Self {
        let set = |name: &'a Option<String>| name.as_deref().filter(|name| !name.is_empty());
        Names { en_us: set(&names.en_us), ja_jp: set(&names.ja_jp), zh_cn: set(&names.zh_cn) }
    }

    fn is_empty(&self) -> bool {
        self.en_us.or(self.ja_jp).or(self.zh_cn).is_none()
    }
}

/// The JSON Schema of the payload.
pub(super) fn shape() -> Value {
    schema::<Told<'_>>(true)
}

/// The payload for one app: a chat, the operator and the users concerned.
pub(super) fn told<'a>(to: &Recipient<'_>, chat: &'a Chat, operator: &Party, users: &'a [User]) -> Told<'a> {
    let tenant_key = to.tenant.to_string();
    let user = |user: &'a User| ToldUser {
        name: &user.name,
        tenant_key: tenant_key.clone(),
        user_id: to.user(user.user_no.cast_unsigned(), &user.user_id),
    };
    Told {
        chat_id: chat.chat_id.to_string(),
        external: chat.external,
        i18n_names: Some(Names::of(&chat.i18n_names)).filter(|names| !names.is_empty()),
        name: &chat.name,
        operator_id: to.party(operator),
        operator_tenant_key: tenant_key.clone(),
        users: users.iter().map(user).collect(),
    }
}

/// The receivers of the events of a chat.
pub const LISTENERS: Behaviour = Behaviour {
    name: "event_listeners",
    rule: "An app receives an event if it subscribed to the type, has the bot ability and one of the scopes of the event, and its bot is in the chat after the change. The app that made the call receives it, too. All changes of one call are one event.",
    basis: Assumed,
    switch: false,
};

/// The form of an operator.
pub const OPERATOR: Behaviour = Behaviour {
    name: "event_operator",
    rule: "If the operator is a bot, operator_id has its open_id and union_id, and user_id null. The user_id of a user is null without contact:user.employee_id:readonly.",
    basis: Assumed,
    switch: false,
};

/// The names of a chat in an event.
pub const NAMES: Behaviour = Behaviour {
    name: "event_chat_names",
    rule: "name and i18n_names, and each language of i18n_names, are left out if they are not set.",
    basis: Assumed,
    switch: false,
};

/// The receivers if a bot was added.
pub const BOT_ADDED: Behaviour = Behaviour {
    name: "event_bot_added",
    rule: "If a user adds bots, every bot in the chat, the new ones included, receives one event for each added bot. If a bot adds them, each new bot receives one event, and no other bot does. A bot that joins on its own receives one.",
    basis: Documented,
    switch: false,
};
