//! Where apps receive events, and the events that wait for them. Both are kept in the tenant that made the app.
//!
//! What changes a tenant's events takes [`LockedEvents`] first, so that no change is overlooked by the worker that
//! works out when to look again, and so that locks are always taken in the same order.

use larkspur_contract::ids::AppId;

use crate::driver::StoreError;
use crate::{Row, Tx, Value};

/// Milliseconds between two tickets of an app. Source: the page of the app_ticket event ("every hour").
pub const TICKET_EVERY_MS: i64 = 3600 * 1000;
/// How many of an app's events that are done with are kept, to be shown.
const KEPT: i64 = 20;
/// How many of an app's events may wait; the oldest is dropped for a newer one.
const WAITING: i64 = 100;

/// Where an app receives events.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The address that they are posted to.
    pub request_url: String,
    /// What they are encrypted with; `None` for plain text.
    pub encrypt_key: Option<String>,
    /// Whether the address has shown that it wants them.
    pub state: AddressState,
    /// Why it has not.
    pub reason: String,
    /// When the app is sent its next ticket, in the tenant's time; `None` for an app without tickets.
    pub ticket_due: Option<i64>,
}

/// Whether an address has shown that it wants events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressState {
    /// It is still to be asked.
    Pending,
    /// It has.
    Verified,
    /// It was asked and did not.
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

    fn parse(text: &str) -> Option<Self> {
        [AddressState::Pending, AddressState::Verified, AddressState::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// What an app is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// It is asked to send this challenge back.
    UrlVerification(String),
    /// Its ticket with this number.
    AppTicket(i64),
}

impl Subject {
    /// The word for it on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Subject::UrlVerification(_) => VERIFICATION,
            Subject::AppTicket(_) => "app_ticket",
        }
    }

    pub(crate) fn read(kind: &str, detail: String) -> Option<Self> {
        match kind {
            VERIFICATION => Some(Subject::UrlVerification(detail)),
            "app_ticket" => detail.parse().ok().map(Subject::AppTicket),
            _ => None,
        }
    }
}

const VERIFICATION: &str = "url_verification";

/// What became of an event, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its id, the same at every attempt.
    pub event_id: String,
    /// The word for what it tells.
    pub kind: String,
    /// `waiting`, `delivered` or `dropped`.
    pub state: String,
    /// When it happened, in the tenant's time.
    pub created_at: i64,
    /// When it is tried again, in the tenant's time, if it waits.
    pub due_at: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// The HTTP status of the last answer, if there was one.
    pub status: Option<i64>,
    /// Why the last attempt failed; empty if it did not.
    pub failure: String,
}

/// A tenant's events, held: nobody else changes them until the transaction ends.
#[derive(Debug)]
pub struct LockedEvents {
    _made_here: (),
}

/// Holds the tenant's events for a change, after which a worker looks at them.
///
/// `real_now` is the real time, in milliseconds since 1970. The caller holds the tenant's row.
pub async fn lock(tx: &mut Tx, real_now: i64) -> Result<LockedEvents, StoreError> {
    let sql = "INSERT INTO event_due (tenant, due_at) VALUES ($1, $2) ON CONFLICT (tenant) DO UPDATE SET due_at = excluded.due_at";
    tx.rows(sql, [real_now.into()]).await?;
    ring(tx);
    Ok(LockedEvents { _made_here: () })
}

/// As [`lock`], for the worker: `None` if the tenant has no events. It wakes nobody.
pub(crate) async fn hold(tx: &mut Tx) -> Result<Option<LockedEvents>, StoreError> {
    let sql = "UPDATE event_due SET due_at = due_at WHERE tenant = $1 RETURNING due_at";
    Ok(tx.row(sql, []).await?.map(|_| LockedEvents { _made_here: () }))
}

/// Has a worker look at the tenant's events, if it has any: its clock was moved.
pub async fn look_again(tx: &mut Tx, real_now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE event_due SET due_at = $2 WHERE tenant = $1 RETURNING due_at";
    if tx.row(sql, [real_now.into()]).await?.is_some() {
        ring(tx);
    }
    Ok(())
}

fn ring(tx: &mut Tx) {
    let engine = tx.engine().clone();
    tx.on_commit(|| {}, move || engine.bell.ring());
}

/// Where an app receives events, if it said so.
pub async fn subscription(tx: &mut Tx, app_id: AppId) -> Result<Option<Subscription>, StoreError> {
    let sql = "SELECT request_url, encrypt_key, state, reason, ticket_due FROM app_events WHERE tenant = $1 AND app_id = $2";
    let Some(mut row) = tx.row(sql, [app_id.into()]).await? else { return Ok(None) };
    let sealed = row.text(1)?;
    Ok(Some(Subscription {
        request_url: row.text(0)?,
        encrypt_key: open(tx, &sealed)?,
        state: row.id(2, AddressState::parse)?,
        reason: row.text(3)?,
        ticket_due: row.int_or_null(4)?,
    }))
}

/// Opens a key as it is kept.
pub(crate) fn open(tx: &Tx, sealed: &str) -> Result<Option<String>, StoreError> {
    if sealed.is_empty() {
        return Ok(None);
    }
    let opened = tx.engine().keys.open(sealed);
    opened
        .map(Some)
        .ok_or_else(|| StoreError::Broken("an encrypt key was not sealed with this store's key".to_owned()))
}

/// Sets where an app receives events. What waits for an earlier address is dropped.
pub async fn subscribe(
    tx: &mut Tx,
    events: &LockedEvents,
    app_id: AppId,
    subscription: &Subscription,
) -> Result<(), StoreError> {
    drop_waiting(tx, events, app_id, "the request address was set anew").await?;
    let sql = "INSERT INTO app_events (tenant, app_id, request_url, encrypt_key, state, reason, ticket_due) VALUES ($1, $2, $3, $4, $5, $6, $7) \
               ON CONFLICT (tenant, app_id) DO UPDATE SET request_url = excluded.request_url, encrypt_key = excluded.encrypt_key, \
               state = excluded.state, reason = excluded.reason, ticket_due = excluded.ticket_due";
    let sealed = subscription.encrypt_key.as_deref().map(|key| tx.engine().keys.seal(key));
    let params = [
        app_id.into(),
        subscription.request_url.as_str().into(),
        sealed.unwrap_or_default().into(),
        subscription.state.as_str().into(),
        subscription.reason.as_str().into(),
        subscription.ticket_due.into(),
    ];
    tx.rows(sql, params).await.map(drop)
}

/// Forgets where an app receives events. What waits is dropped.
pub async fn unsubscribe(tx: &mut Tx, events: &LockedEvents, app_id: AppId) -> Result<(), StoreError> {
    drop_waiting(tx, events, app_id, "the request address was taken away").await?;
    let sql = "DELETE FROM app_events WHERE tenant = $1 AND app_id = $2";
    tx.rows(sql, [app_id.into()]).await.map(drop)
}

/// Drops what waits for an address that did not show that it wants events.
pub async fn drop_unverified(tx: &mut Tx, events: &LockedEvents, app_id: AppId) -> Result<(), StoreError> {
    drop_waiting(tx, events, app_id, "the request address is not verified").await
}

async fn drop_waiting(
    tx: &mut Tx,
    _events: &LockedEvents,
    app_id: AppId,
    why: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE event_outbox SET state = 'dropped', failure = $3 WHERE tenant = $1 AND app_id = $2 AND state = 'waiting'";
    tx.rows(sql, [app_id.into(), why.into()]).await.map(drop)
}

/// Writes an event of an app down, to be delivered at once. `now_ms` is the tenant's time.
pub async fn insert(
    tx: &mut Tx,
    _events: &LockedEvents,
    app_id: AppId,
    subject: &Subject,
    now_ms: i64,
) -> Result<(), StoreError> {
    let (event_id, number) = (format!("{:032x}", tx.random_id()), tx.next_id());
    let detail = match subject {
        Subject::UrlVerification(challenge) => challenge.clone(),
        Subject::AppTicket(number) => number.to_string(),
    };
    let sql = "INSERT INTO event_outbox (tenant, event_id, number, app_id, kind, subject, created_at, state, due_at, attempts, owner, lease_until, status, failure) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $7, 0, '', 0, NULL, '')";
    let params: [Value; 6] =
        [event_id.into(), number.into(), app_id.into(), subject.kind().into(), detail.into(), now_ms.into()];
    tx.rows(sql, params).await?;
    let sql = "UPDATE event_outbox SET state = 'dropped', failure = 'too many events wait for this app' \
               WHERE tenant = $1 AND app_id = $2 AND state = 'waiting' AND number <= (SELECT number FROM event_outbox \
               WHERE tenant = $1 AND app_id = $2 AND state = 'waiting' ORDER BY number DESC LIMIT 1 OFFSET $3)";
    tx.rows(sql, [app_id.into(), WAITING.into()]).await?;
    let sql = "DELETE FROM event_outbox WHERE tenant = $1 AND app_id = $2 AND state <> 'waiting' AND number <= (SELECT number FROM event_outbox \
               WHERE tenant = $1 AND app_id = $2 AND state <> 'waiting' ORDER BY number DESC LIMIT 1 OFFSET $3)";
    tx.rows(sql, [app_id.into(), KEPT.into()]).await.map(drop)
}

/// The last events of an app, the newest first.
pub async fn last(tx: &mut Tx, app_id: AppId) -> Result<Vec<Sent>, StoreError> {
    let sql = "SELECT event_id, kind, state, created_at, due_at, attempts, status, failure FROM event_outbox \
               WHERE tenant = $1 AND app_id = $2 ORDER BY number DESC LIMIT $3";
    tx.rows(sql, [app_id.into(), KEPT.into()]).await?.into_iter().map(sent).collect()
}

fn sent(mut row: Row) -> Result<Sent, StoreError> {
    Ok(Sent {
        event_id: row.text(0)?,
        kind: row.text(1)?,
        state: row.text(2)?,
        created_at: row.int(3)?,
        due_at: row.int(4)?,
        attempts: row.int(5)?,
        status: row.int_or_null(6)?,
        failure: row.text(7)?,
    })
}
