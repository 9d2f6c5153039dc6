//! The outbox: rows are added where events happen, and read to show them.

use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Effect, EventType};

use super::claims::LEASE_MS;
use crate::driver::StoreError;
use crate::lanes::{Handed, Way};
use crate::{Emitted, Notice, Root, Row, Tx, apps};

/// How many of an app's events are shown.
const SHOWN: i64 = 20;
/// How many of an app's events a tenant keeps, waiting ones included.
pub const KEPT: i64 = 10_000;
/// How long a tenant keeps an event, in real milliseconds: 3 days.
pub const KEPT_MS: i64 = 3 * 24 * 3600 * 1000;
/// The most rows that one statement deletes.
pub const BATCH: i64 = 500;

/// An event for one app.
pub struct Event<'a> {
    /// Its type.
    pub kind: &'static EventType,
    /// The app that receives it.
    pub app_id: AppId,
    /// The tenant that made the app, where the app's setting is stored.
    pub developer: TenantKey,
    /// The payload: JSON, without the envelope.
    pub payload: &'a str,
    /// When it happened, in the tenant's time.
    pub created_at: i64,
}

/// An event with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its ID, the same in every attempt.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// `waiting`, `held`, `delivered` or `dropped`.
    pub state: String,
    /// When it happened, in the tenant's time.
    pub created_at: i64,
    /// The time of the next attempt, in real time, if it waits.
    pub due_at: i64,
    /// How many attempts were made.
    pub attempts: i64,
    /// The HTTP status of the last answer, if there was one.
    pub status: Option<i64>,
    /// Why the last attempt failed; empty if it did not.
    pub failure: String,
}

/// Adds an event, to be sent at once. It takes no lock and reads nothing, so operations that only add rows may call it.
pub async fn add(tx: &mut Tx, event: &Event<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO event_delivery (tenant, number, event_id, app_id, developer, event_type, form, sealed, payload, created_at, \
               state, due_at, attempts, owner, lease_until, status, failure) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) RETURNING tenant, number";
    let kind = event.kind;
    let engine = tx.engine().clone();
    let payload = if kind.secret { engine.keys.seal(event.payload) } else { event.payload.to_owned() };
    let (number, now) = (tx.next_id(), engine.clock.now_ms());
    let event_id = engine.keys.event_id(number, tx.tenant());
    let way = engine.lanes.way(event.app_id, kind.form, payload.len(), !kind.secret && has_no_rules(tx));
    let (owner, lease_until) = match &way {
        Some(Way::Handed(seat)) => (seat.owner.clone(), now + LEASE_MS),
        _ => ("".into(), 0),
    };
    let row = vec![
        number.into(),
        event_id.as_str().into(),
        event.app_id.into(),
        event.developer.into(),
        kind.name.into(),
        kind.form.as_str().into(),
        i64::from(kind.secret).into(),
        payload.into(),
        event.created_at.into(),
        "waiting".into(),
        now.into(),
        0.into(),
        (*owner).into(),
        lease_until.into(),
        crate::Value::Null,
        "".into(),
    ];
    tx.insert(sql, row).await?;
    tx.wrote_event(Emitted { kind, app_id: event.app_id, number });
    match way {
        Some(Way::Handed(seat)) => {
            let handed = Handed {
                tenant: tx.tenant(),
                app_id: event.app_id,
                developer: event.developer,
                number,
                event_id,
                kind,
                payload: event.payload.to_owned(),
                created_at: event.created_at,
                seat,
            };
            tx.on_commit(|| {}, move || engine.lanes.hand_over(handed));
        }
        Some(Way::Stored { closing }) => {
            tx.on_commit(|| {}, move || drop(closing));
            tx.on_commit(|| {}, move || engine.wakeup.wake());
        }
        None => tx.on_commit(|| {}, move || engine.wakeup.wake()),
    }
    Ok(())
}

/// Whether the tenant is known to have no fault rules, which every event has to pass.
fn has_no_rules(tx: &Tx) -> bool {
    let known = tx.engine().memory.tenants.get(&tx.tenant(), Effect::Writes);
    known.is_some_and(|tenant| tenant.faults.is_empty())
}

/// The last events of an app in the transaction's tenant, the newest first.
pub async fn last(tx: &mut Tx, app_id: AppId) -> Result<Vec<Sent>, StoreError> {
    let sql = "SELECT event_id, event_type, state, created_at, due_at, attempts, status, failure FROM event_delivery \
               WHERE tenant = $1 AND app_id = $2 ORDER BY number DESC LIMIT CAST($3 AS BIGINT)";
    tx.rows(sql, [app_id.into(), SHOWN.into()]).await?.into_iter().map(sent).collect()
}

fn sent(mut row: Row) -> Result<Sent, StoreError> {
    Ok(Sent {
        event_id: row.text(0)?,
        event_type: row.text(1)?,
        state: row.text(2)?,
        created_at: row.int(3)?,
        due_at: row.int(4)?,
        attempts: row.int(5)?,
        status: row.int_or_null(6)?,
        failure: row.text(7)?,
    })
}

/// Drops the waiting events of an app in the transaction's tenant, with the reason.
pub async fn drop_waiting(tx: &mut Tx, app_id: AppId, why: &str) -> Result<(), StoreError> {
    let sql = "UPDATE event_delivery SET state = 'dropped', failure = $3 WHERE tenant = $1 AND app_id = $2 AND state = 'waiting'";
    tx.rows(sql, [app_id.into(), why.into()]).await?;
    tx.notify(Notice::Deliveries);
    Ok(())
}

/// Drops the waiting challenges of an app made in the transaction's tenant, with the reason. The result of one in progress
/// no longer counts.
pub async fn drop_challenges(tx: &mut Tx, app_id: AppId, why: &str) -> Result<(), StoreError> {
    let sql = "UPDATE event_delivery SET state = 'dropped', failure = $3 WHERE tenant = $1 AND app_id = $2 AND state = 'waiting' \
               AND form = 'challenge'";
    tx.rows(sql, [app_id.into(), why.into()]).await?;
    tx.notify(Notice::Deliveries);
    Ok(())
}

/// Makes events that waited for the verification of an app's URL, in the transaction's tenant, due at once. Those that tests
/// delay or repeat keep their time: if the URL was what they waited for, it is at most a second from now.
pub(super) async fn release(tx: &mut Tx, app_id: AppId, real_now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE event_delivery SET due_at = $3 WHERE tenant = $1 AND app_id = $2 AND state = 'waiting' AND attempts = 0 \
               AND steered = 0";
    tx.close_lane(app_id);
    tx.rows(sql, [app_id.into(), real_now.into()]).await.map(drop)
}

/// Moves the retries and the delayed events in the transaction's tenant after its clock was moved by so many milliseconds, forward or back.
/// `real_now` is the real time.
pub async fn move_clock(tx: &mut Tx, by_ms: i64, real_now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE event_delivery SET due_at = due_at - CAST($2 AS BIGINT) WHERE tenant = $1 AND state = 'waiting' AND attempts > 0";
    tx.rows(sql, [by_ms.into()]).await?;
    let sql = "UPDATE event_delivery SET due_at = due_at - CAST($2 AS BIGINT) WHERE tenant = $1 AND state = 'waiting' AND steered = 1 \
               AND attempts = 0";
    tx.rows(sql, [by_ms.into()]).await?;
    super::tickets::move_clock(tx, by_ms, real_now).await?;
    let engine = tx.engine().clone();
    tx.on_commit(|| {}, move || engine.wakeup.wake());
    tx.notify(Notice::Deliveries);
    Ok(())
}

/// The number of the latest of an app's events in the transaction's tenant that is one too many, if only `kept` are kept. It reads
/// as many entries of an index.
pub async fn excess(tx: &mut Tx, app_id: AppId, kept: i64) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT number FROM event_delivery WHERE tenant = $1 AND app_id = $2 ORDER BY number DESC LIMIT 1 OFFSET $3";
    tx.row(sql, [app_id.into(), kept.into()]).await?.map(|row| row.int(0)).transpose()
}

/// Deletes the oldest of an app's events in the transaction's tenant, of those up to a number; returns how many: [`BATCH`] if there
/// may be more to delete.
pub async fn trim(tx: &mut Tx, app_id: AppId, through: i64) -> Result<i64, StoreError> {
    let sql = "DELETE FROM event_delivery WHERE tenant = $1 AND number IN (SELECT number FROM event_delivery WHERE tenant = $1 AND app_id = $2 \
               AND number <= $3 ORDER BY number LIMIT CAST($4 AS BIGINT)) RETURNING 1";
    let deleted = tx.rows(sql, [app_id.into(), through.into(), BATCH.into()]).await?.len();
    Ok(i64::try_from(deleted).unwrap_or(BATCH))
}

/// Drops the waiting events of an app in every tenant that installed it, with the reason.
pub async fn drop_everywhere(root: &mut Root, app_id: AppId, why: &str) -> Result<(), StoreError> {
    for home in apps::homes(root, app_id).await? {
        drop_waiting(&mut root.tenant(home), app_id, why).await?;
    }
    Ok(())
}
