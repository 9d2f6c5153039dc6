//! Events: the payload of each, for each app that receives it. One file per event.
//!
//! To add an event:
//!
//! 1. Write its constant into `larkspur_contract::events`, and add it to `ALL` there: name, form, scopes, page.
//! 2. Write its file here: a struct with what happened, and an [`Event`] whose `told` makes the payload for one app. Make
//!    IDs of users and bots with [`Recipient::party`], since each app has its own.
//! 3. Emit it where it happens, in the operation's transaction: [`listeners`] (from memory; stop if it is empty, as in most
//!    worlds), [`Listeners::retain`] for the apps concerned, then [`emit`]. For the bots of a chat, `chat.rs` has both.
//! 4. Name it in `SPEC.emits` of each operation that emits it; in debug builds an operation that emits others fails.
//! 5. Provoke each pair of operation and event in a scenario; the coverage check counts them like codes.
//!
//! Nothing is sent here: a worker of the server finds the row, adds the envelope (`delivery/message.rs`) and sends it.

pub mod app_ticket;
pub mod bot_menu;
pub mod bot_p2p_chat_entered;
pub mod chat;
pub mod chat_disbanded;
pub mod chat_member_bot_added;
pub mod chat_member_bot_deleted;
pub mod chat_member_user_added;
pub mod chat_member_user_deleted;
pub mod chat_member_user_withdrawn;
pub mod chat_updated;
pub mod message_reaction;
pub mod message_reaction_created;
pub mod message_reaction_deleted;
pub mod message_read;
pub mod message_recalled;
pub mod message_receive;
pub mod p2p_chat_create;
pub mod url_verification;

use std::sync::Arc;

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::model::{AppKind, InstallStatus};
use larkspur_contract::{EventType, Scope, events, scopes};
use larkspur_store::apps::{Install, Scopes};
use larkspur_store::events::outbox;
use larkspur_store::events::subscriptions::{self, Subscriber};
use larkspur_store::users::User;
use larkspur_store::{Keys, Scoped, StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{Actor, Call};

/// Something that happened.
pub trait Event: Sync {
    /// Its type.
    const TYPE: &'static EventType;

    /// The payload for one app: `event` of the envelope. Keys keep their order; empty ones are left out.
    fn told(&self, to: &Recipient<'_>) -> impl Serialize;
}

/// An app that receives an event.
pub struct Recipient<'a> {
    /// Its ID.
    pub app_id: AppId,
    /// The tenant that made it.
    pub developer: TenantKey,
    /// The tenant where the event happened.
    pub tenant: TenantKey,
    /// Whether it gets the user_ids of users.
    pub user_ids: bool,
    /// Whether it gets the names of users who click its menu.
    pub operator_names: bool,
    /// Whether it is a custom app.
    pub custom: bool,
    /// The keys of IDs.
    pub keys: &'a Keys,
}

/// The IDs of a user or a bot for one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ids {
    /// The ID for this app.
    pub open_id: String,
    /// The ID for all apps of its developer.
    pub union_id: String,
    /// The ID in the tenant; `null` for bots, and for an app without the scope. Source: observed; the key is present.
    pub user_id: Option<String>,
}

/// A user or a bot that an event names, for any app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Party {
    /// A user.
    User {
        /// The number that open_id and union_id are made of.
        number: u64,
        /// The ID in the tenant.
        user_id: String,
    },
    /// The bot of an app.
    Bot(AppId),
}

impl Party {
    /// The caller.
    pub fn of(call: &Call) -> Party {
        match &call.actor {
            Actor::Bot => Party::Bot(call.app_id()),
            Actor::User { number, grant } => Party::User { number: *number, user_id: grant.user_id.clone() },
        }
    }
}

impl From<&User> for Party {
    fn from(user: &User) -> Party {
        Party::User { number: user.user_no.cast_unsigned(), user_id: user.user_id.clone() }
    }
}

impl<'a> Recipient<'a> {
    /// An app in the tenant that made it, for events about the app itself.
    pub fn of_maker(app_id: AppId, developer: TenantKey, keys: &'a Keys) -> Self {
        let (user_ids, operator_names, custom) = (false, false, false);
        Recipient { app_id, developer, tenant: developer, user_ids, operator_names, custom, keys }
    }

    /// A user or a bot.
    pub fn party(&self, party: &Party) -> Ids {
        match party {
            Party::User { number, user_id } => self.user(*number, user_id),
            Party::Bot(app_id) => self.bot(*app_id),
        }
    }

    /// A user, by the number that IDs are made of and the user_id.
    pub fn user(&self, number: u64, user_id: &str) -> Ids {
        Ids { user_id: self.user_ids.then(|| user_id.to_owned()), ..self.subject(number) }
    }

    /// The bot of an app.
    pub fn bot(&self, app_id: AppId) -> Ids {
        self.subject(app_id.0)
    }

    /// A user or a bot, by the number that IDs are made of, without the user_id.
    pub(crate) fn subject(&self, number: u64) -> Ids {
        let open_id = self.keys.open_id(number, self.app_id).to_string();
        Ids { open_id, union_id: self.keys.union_id(number, self.developer).to_string(), user_id: None }
    }
}

/// The apps of a tenant that subscribed to an event and may receive it.
pub struct Listeners {
    apps: Vec<Listener>,
    /// Those that are not told, because they have none of the scopes.
    lacking: Vec<Listener>,
    kind: &'static EventType,
}

/// An app that subscribed to an event.
struct Listener {
    install: Arc<Install>,
    /// Any one of these lets the event through; empty means none is needed.
    any_of: &'static [Scope],
}

impl Listener {
    fn is_allowed(&self) -> bool {
        self.any_of.is_empty() || self.any_of.iter().any(|scope| self.install.scopes.has(scope))
    }
}

impl Listeners {
    /// Whether there are none, nor any that only lack a scope.
    pub fn is_empty(&self) -> bool {
        self.apps.is_empty() && self.lacking.is_empty()
    }

    /// Their IDs.
    pub fn ids(&self) -> impl Iterator<Item = AppId> + '_ {
        self.apps.iter().map(|listener| listener.install.app_id)
    }

    /// Keeps the apps that the event concerns.
    pub fn retain(&mut self, concerned: impl Fn(AppId) -> bool) {
        self.retain_installs(|install| concerned(install.app_id));
    }

    /// Keeps the apps that the event concerns, by how they are installed.
    fn retain_installs(&mut self, concerned: impl Fn(&Install) -> bool) {
        self.apps.retain(|listener| concerned(&listener.install));
        self.lacking.retain(|listener| concerned(&listener.install));
    }

    /// Keeps the apps that the event concerns, each with the scopes that let it through, of events whose scopes depend on the
    /// case. `None` is an app that it does not concern.
    fn narrow(&mut self, scopes: impl Fn(&Install) -> Option<&'static [Scope]>) {
        let all = self.apps.drain(..).chain(self.lacking.drain(..));
        let narrowed = all.filter_map(|Listener { install, .. }| {
            let any_of = scopes(&install)?;
            Some(Listener { install, any_of })
        });
        (self.apps, self.lacking) = narrowed.partition(Listener::is_allowed);
    }

    /// Keeps the custom apps.
    fn retain_custom(&mut self) {
        self.retain_installs(|install| install.kind == AppKind::Custom);
    }
}

/// The apps that may receive an event of the transaction's tenant: enabled, with a bot, subscribed, and with one of the
/// scopes of its type.
///
/// It takes no lock, so operations that only add rows may call it.
///
/// # Errors
/// The store is unavailable.
pub async fn listeners(tx: &mut Tx, kind: &'static EventType) -> Result<Listeners, StoreError> {
    if tx.is_silent() {
        return Ok(Listeners { apps: Vec::new(), lacking: Vec::new(), kind });
    }
    let subscribers = subscriptions::subscribers(tx).await?;
    let apps = subscribers.iter().filter(|subscriber| wants(subscriber, kind));
    let listening =
        |subscriber: &Subscriber| Listener { install: subscriber.install.clone(), any_of: kind.scopes };
    let (apps, lacking) = apps.map(listening).partition(Listener::is_allowed);
    Ok(Listeners { apps, lacking, kind })
}

fn wants(Subscriber { install, types, .. }: &Subscriber, kind: &EventType) -> bool {
    install.bot && install.status == InstallStatus::Enabled && types.has(kind.name)
}

/// Queues an event for each listener, with its own IDs; it is sent after the commit. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn emit<E: Event>(
    tx: &mut Tx,
    event: &E,
    listeners: &Listeners,
    now: i64,
) -> Result<(), StoreError> {
    debug_assert_eq!(listeners.kind.name, E::TYPE.name, "the listeners are those of another event");
    let told = listeners.apps.iter().map(|listener| (listener, true));
    for (Listener { install, any_of }, told) in told.chain(listeners.lacking.iter().map(|one| (one, false))) {
        if !any_of.is_empty() {
            tx.scoped(Scoped { kind: listeners.kind, app_id: install.app_id, any_of, told });
        }
    }
    for Listener { install, .. } in &listeners.apps {
        let engine = tx.engine().clone();
        let recipient = Recipient {
            app_id: install.app_id,
            developer: install.developer,
            tenant: tx.tenant(),
            user_ids: sees_user_ids(&install.scopes),
            operator_names: install.scopes.has(scopes::APPLICATION_BOT_OPERATOR_NAME),
            custom: install.kind == AppKind::Custom,
            keys: &engine.keys,
        };
        tell(tx, event, &recipient, now).await?;
    }
    Ok(())
}

/// Whether an app gets the user_ids of users.
fn sees_user_ids(held: &Scopes) -> bool {
    held.has(scopes::CONTACT_EMPLOYEE_ID)
}

/// The JSON Schema of the payload of an event, as [`Event::told`] makes it; `None` for an event that no operation emits yet.
pub fn shape(kind: &EventType) -> Option<Value> {
    // All of them have the payload of a chat.
    let of_chats = [
        events::CHAT_DISBANDED,
        events::BOT_ADDED,
        events::BOT_DELETED,
        events::USER_ADDED,
        events::USER_DELETED,
        events::USER_WITHDRAWN,
    ];
    let reactions = [events::REACTION_CREATED, events::REACTION_DELETED];
    let mut schema = match kind.name {
        name if of_chats.iter().any(|known| known.name == name) => chat::shape(),
        name if name == events::APP_TICKET.name => app_ticket::shape(),
        name if name == events::BOT_MENU.name => bot_menu::shape(),
        name if name == events::BOT_P2P_CHAT_ENTERED.name => bot_p2p_chat_entered::shape(),
        name if name == events::CHAT_UPDATED.name => chat_updated::shape(),
        name if name == events::P2P_CHAT_CREATE.name => p2p_chat_create::shape(),
        name if name == events::MESSAGE_RECEIVE.name => message_receive::shape(),
        name if name == events::MESSAGE_READ.name => message_read::shape(),
        name if name == events::MESSAGE_RECALLED.name => message_recalled::shape(),
        name if reactions.iter().any(|known| known.name == name) => message_reaction::shape(),
        _ => return None,
    };
    relax(&mut schema);
    Some(schema)
}

/// Requires no field that may be `null`: a check takes such a field for an absent one.
fn relax(schema: &mut Value) {
    let Value::Object(map) = schema else {
        if let Value::Array(all) = schema {
            all.iter_mut().for_each(relax);
        }
        return;
    };
    let may_be_null =
        |field: &Value| field["type"].as_array().is_some_and(|all| all.iter().any(|one| one == "null"));
    let fields = map.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(Value::Array(required)) = map.get_mut("required") {
        required.retain(|name| !name.as_str().and_then(|name| fields.get(name)).is_some_and(may_be_null));
    }
    map.values_mut().for_each(relax);
}

/// Queues an event for one app, whatever it subscribed to: for events about the app itself. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn tell<E: Event>(tx: &mut Tx, event: &E, to: &Recipient<'_>, now: i64) -> Result<(), StoreError> {
    if tx.is_silent() {
        return Ok(());
    }
    let payload = serde_json::to_string(&event.told(to))
        .map_err(|error| StoreError::Broken(format!("an event cannot be written: {error}")))?;
    let (kind, app_id, developer) = (E::TYPE, to.app_id, to.developer);
    outbox::add(tx, &outbox::Event { kind, app_id, developer, payload: &payload, created_at: now }).await
}
