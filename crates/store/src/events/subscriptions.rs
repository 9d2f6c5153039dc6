//! How an app receives events, stored in the tenant that made it. Each tenant that installed it has a copy of which apps can
//! receive which events.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::model::SubscriptionMode;

use crate::apps;
use crate::driver::StoreError;
pub use crate::memory::records::{Subscriber, Types};
use crate::{Engine, Keys, Root, Row, Tx, Value};

/// How an app receives what it subscribed to. It holds secrets, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// How it receives events.
    pub events: Channel,
    /// How it receives callbacks.
    pub callbacks: Channel,
    /// The key that encrypts and signs on webhooks; `None` for plain text.
    pub encrypt_key: Option<String>,
    /// The verification token; `None` for the token derived from the app's ID.
    pub verification_token: Option<String>,
    /// When the app gets its next ticket, in real time; `None` for an app without tickets.
    pub ticket_at: Option<i64>,
}

impl Subscription {
    /// The default of a new custom app: every event and callback, by long connection.
    pub fn by_connection() -> Self {
        Subscription {
            events: Channel::connection(),
            callbacks: Channel::connection(),
            ..Subscription::none()
        }
    }

    /// The default of an app without a setting: webhooks without a URL.
    pub fn none() -> Self {
        let none = || Channel::webhook(String::new());
        Subscription {
            events: none(),
            callbacks: none(),
            encrypt_key: None,
            verification_token: None,
            ticket_at: None,
        }
    }
}

/// One of the two channels of an app: for events, or for callbacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// By webhook or by long connection.
    pub mode: Mode,
    /// The URL of the webhook; empty for none.
    pub request_url: String,
    /// The subscribed types.
    pub types: Types,
    /// Whether the URL is verified.
    pub state: AddressState,
    /// Why it is not.
    pub reason: String,
}

impl Channel {
    /// A webhook that is not verified yet; every type.
    pub fn webhook(request_url: String) -> Self {
        let (mode, types, state) = (Mode::Webhook, Types::All, AddressState::Pending);
        Channel { mode, request_url, types, state, reason: String::new() }
    }

    /// Every type, by a long connection.
    pub fn connection() -> Self {
        Channel { mode: Mode::Connection, ..Channel::webhook(String::new()) }
    }

    /// Whether events can be sent there.
    pub fn is_open(&self) -> bool {
        match self.mode {
            Mode::Webhook => !self.request_url.is_empty() && self.state == AddressState::Verified,
            Mode::Connection => true,
        }
    }
}

/// How an app is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// By requests to a URL.
    Webhook,
    /// By a long connection that the app opened.
    Connection,
}

impl From<SubscriptionMode> for Mode {
    fn from(mode: SubscriptionMode) -> Self {
        match mode {
            SubscriptionMode::Webhook => Mode::Webhook,
            SubscriptionMode::Websocket => Mode::Connection,
        }
    }
}

impl From<Mode> for SubscriptionMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Webhook => SubscriptionMode::Webhook,
            Mode::Connection => SubscriptionMode::Websocket,
        }
    }
}

impl Mode {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Webhook => "webhook",
            Mode::Connection => "connection",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Mode::Webhook, Mode::Connection].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// Whether a URL is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressState {
    /// It got no challenge yet.
    Pending,
    /// It returned the challenge.
    Verified,
    /// It did not return the challenge.
    Failed,
}

impl AddressState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            AddressState::Pending => "pending",
            AddressState::Verified => "verified",
            AddressState::Failed => "failed",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [AddressState::Pending, AddressState::Verified, AddressState::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// The columns of a subscription, for [`read`].
pub(super) const COLUMNS: &str = "mode, request_url, types, state, reason, callback_mode, callback_url, callback_types, callback_state, \
     callback_reason, encrypt_key, verification_token, ticket_at";

/// How an app made in the transaction's tenant receives events, if that was set.
pub async fn get(tx: &mut Tx, app_id: AppId) -> Result<Option<Subscription>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM app_events WHERE tenant = $1 AND app_id = $2");
    let row = tx.row(&sql, [app_id.into()]).await?;
    row.map(|mut row| read(&tx.engine().keys, &mut row, 0)).transpose()
}

/// How an app receives events, if that was set. `developer` is the tenant that made it, where the setting is stored.
pub async fn of(
    tx: &mut Tx,
    developer: TenantKey,
    app_id: AppId,
) -> Result<Option<Subscription>, StoreError> {
    get(&mut tx.root().tenant(developer), app_id).await
}

/// A subscription, from a row's columns at `at` and after.
pub(super) fn read(keys: &Keys, row: &mut Row, at: usize) -> Result<Subscription, StoreError> {
    Ok(Subscription {
        events: channel(row, at)?,
        callbacks: channel(row, at + 5)?,
        encrypt_key: open(keys, &row.text(at + 10)?)?,
        verification_token: open(keys, &row.text(at + 11)?)?,
        ticket_at: row.int_or_null(at + 12)?,
    })
}

/// Decrypts a secret in a column; `None` for an empty one.
pub(super) fn open(keys: &Keys, sealed: &str) -> Result<Option<String>, StoreError> {
    if sealed.is_empty() {
        return Ok(None);
    }
    let opened = keys.open(sealed).map(Some);
    opened.ok_or_else(|| StoreError::Broken("a secret was not sealed with this store's key".to_owned()))
}

/// A channel, from a row's columns at `at` and after.
fn channel(row: &mut Row, at: usize) -> Result<Channel, StoreError> {
    Ok(Channel {
        mode: row.id(at, Mode::parse)?,
        request_url: row.text(at + 1)?,
        types: Types::parse(&row.text(at + 2)?),
        state: row.id(at + 3, AddressState::parse)?,
        reason: row.text(at + 4)?,
    })
}

/// Sets how an app made in the transaction's tenant receives events. Call [`announce`] afterwards.
pub async fn set(tx: &mut Tx, app_id: AppId, subscription: &Subscription) -> Result<(), StoreError> {
    let sql = "INSERT INTO app_events (tenant, app_id, mode, request_url, types, state, reason, callback_mode, callback_url, callback_types, \
               callback_state, callback_reason, encrypt_key, verification_token, ticket_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
               ON CONFLICT (tenant, app_id) DO UPDATE SET mode = excluded.mode, request_url = excluded.request_url, types = excluded.types, \
               state = excluded.state, reason = excluded.reason, callback_mode = excluded.callback_mode, callback_url = excluded.callback_url, \
               callback_types = excluded.callback_types, callback_state = excluded.callback_state, callback_reason = excluded.callback_reason, \
               encrypt_key = excluded.encrypt_key, verification_token = excluded.verification_token, ticket_at = excluded.ticket_at";
    let mut params: Vec<Value> = vec![app_id.into()];
    for channel in [&subscription.events, &subscription.callbacks] {
        params.extend([
            channel.mode.as_str().into(),
            channel.request_url.as_str().into(),
            channel.types.to_column().into(),
            channel.state.as_str().into(),
            channel.reason.as_str().into(),
        ]);
    }
    for secret in [&subscription.encrypt_key, &subscription.verification_token] {
        let sealed = secret.as_deref().map(|secret| tx.engine().keys.seal(secret));
        params.push(sealed.unwrap_or_default().into());
    }
    params.push(subscription.ticket_at.into());
    tx.close_lane(app_id);
    tx.rows_of(sql, params).await.map(drop)
}

/// Deletes how an app made in the transaction's tenant receives events. Call [`announce`] afterwards.
pub async fn remove(tx: &mut Tx, app_id: AppId) -> Result<(), StoreError> {
    tx.close_lane(app_id);
    tx.rows("DELETE FROM app_events WHERE tenant = $1 AND app_id = $2", [app_id.into()]).await.map(drop)
}

/// Records whether the URL for events is verified: `failure` is why not. `asked_url` is the URL that got the challenge: if
/// the app has another one by now, this does nothing and returns false. Call [`announce`] afterwards if it returns true.
pub async fn set_verified(
    tx: &mut Tx,
    app_id: AppId,
    asked_url: &str,
    failure: Option<&str>,
) -> Result<bool, StoreError> {
    let state = if failure.is_none() { AddressState::Verified } else { AddressState::Failed };
    let sql = "UPDATE app_events SET state = $3, reason = $4 WHERE tenant = $1 AND app_id = $2 AND request_url = $5 RETURNING 1";
    let params = [app_id.into(), state.as_str().into(), failure.unwrap_or_default().into(), asked_url.into()];
    Ok(tx.row(sql, params).await?.is_some())
}

/// Copies to every tenant that installed an app which events it can receive. Call it after each change of how the app
/// receives events, and after each new installation.
///
/// It locks the app's row in the directory, so no concurrent installation is missed.
pub async fn announce(root: &mut Root, app_id: AppId) -> Result<(), StoreError> {
    let sql = "UPDATE app SET name = name WHERE app_id = $1 RETURNING tenant";
    let Some(mut row) = root.rows(sql, &[app_id.into()]).await?.into_iter().next() else { return Ok(()) };
    let mut maker = root.tenant(row.id(0, TenantKey::parse)?);
    let channel = get(&mut maker, app_id).await?.map(|found| found.events).filter(Channel::is_open);
    for home in apps::homes(root, app_id).await? {
        note(&mut root.tenant(home), app_id, channel.as_ref()).await?;
    }
    Ok(())
}

/// Like [`announce`], for a custom app: it is installed only in the transaction's tenant, which made it.
pub async fn announce_here(
    tx: &mut Tx,
    app_id: AppId,
    subscription: &Subscription,
) -> Result<(), StoreError> {
    let channel = Some(&subscription.events).filter(|channel| channel.is_open());
    note(tx, app_id, channel).await
}

/// Stores in a tenant which events an app can receive there; none without a channel.
async fn note(tx: &mut Tx, app_id: AppId, channel: Option<&Channel>) -> Result<(), StoreError> {
    match channel {
        Some(channel) => {
            let sql = "INSERT INTO event_subscriber (tenant, app_id, types) VALUES ($1, $2, $3) \
                       ON CONFLICT (tenant, app_id) DO UPDATE SET types = excluded.types";
            tx.rows(sql, [app_id.into(), channel.types.to_column().into()]).await?;
        }
        None => {
            let sql = "DELETE FROM event_subscriber WHERE tenant = $1 AND app_id = $2";
            tx.rows(sql, [app_id.into()]).await?;
        }
    }
    let home = tx.tenant();
    tx.forget(move |engine| engine.memory.subscribers.forget(&home));
    Ok(())
}

/// Announces the apps made in a tenant that a tenant with an installation does not know yet: servers of an earlier release
/// install apps without announcing them.
pub(crate) async fn mend(engine: &Arc<Engine>, tenant: TenantKey) -> Result<(), StoreError> {
    let sql =
        "SELECT app_id FROM app_events WHERE tenant = $1 AND (state = 'verified' OR mode = 'connection')";
    for mut row in engine.driver.query(Effect::Reads, sql, vec![tenant.into()]).await? {
        let app_id = row.id(0, AppId::parse)?;
        let sql = "SELECT 1 FROM app_install i LEFT JOIN event_subscriber s ON s.tenant = i.tenant AND s.app_id = i.app_id \
                   WHERE i.app_id = $1 AND s.app_id IS NULL LIMIT 1";
        if !engine.driver.query(Effect::Reads, sql, vec![app_id.into()]).await?.is_empty() {
            engine.run(Effect::Writes, move |root| Box::pin(announce(root, app_id))).await?;
        }
    }
    Ok(())
}

/// The apps of the transaction's tenant that can receive events; from memory, if it caches them.
pub async fn subscribers(tx: &mut Tx) -> Result<Arc<[Subscriber]>, StoreError> {
    let key = tx.tenant();
    if let Some(known) = tx.engine().memory.subscribers.get(&key, tx.effect()) {
        return Ok(known);
    }
    let engine = tx.engine().clone();
    let moment = engine.memory.moment();
    let sql = "SELECT a.app_id, a.tenant, a.kind, a.name, i.status, i.bot, i.external_sharing, i.scopes, i.visible_to, s.types \
               FROM event_subscriber s JOIN app_install i ON i.tenant = s.tenant AND i.app_id = s.app_id \
               JOIN app a ON a.app_id = s.app_id WHERE s.tenant = $1 ORDER BY s.app_id";
    let rows = tx.look_up(sql, []).await?;
    let found = rows.into_iter().map(|mut row| {
        Ok(Subscriber {
            install: Arc::new(apps::read_install(&mut row, 0)?),
            types: Types::parse(&row.text(9)?),
        })
    });
    let found: Arc<[Subscriber]> = found.collect::<Result<Vec<_>, StoreError>>()?.into();
    if tx.effect() == Effect::Reads {
        engine.memory.subscribers.fill(tx.may_fill(), key, found.clone());
    } else if !engine.driver.is_shared() {
        // Only writers look this up, so a writer has to fill the cache. Until it commits, only units of its own batch can
        // write. Their changes are invalidated at the commit, and this value is rejected.
        let value = found.clone();
        tx.on_commit(|| {}, move || engine.memory.subscribers.fill(Some(moment), key, value));
    }
    Ok(found)
}
