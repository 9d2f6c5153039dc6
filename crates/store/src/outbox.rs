//! The worker's side of events: finding what is due, claiming it for a while, writing down what became of it.
//!
//! Delivery is at least once: a claim ends by itself, so that what a dead process held is claimed by another.

use larkspur_contract::ids::{AppId, TenantKey};

use crate::driver::StoreError;
use crate::events::{self, AddressState, LockedEvents, Subject, TICKET_EVERY_MS};
use crate::{Root, Row, Tx, oauth};

/// How long a claim holds, in real milliseconds: several times as long as an attempt takes, and a difference between
/// the clocks of two machines.
pub const LEASE_MS: i64 = 30 * 1000;
/// After how many milliseconds of the tenant's time an event is tried again; then it is dropped.
/// Source: the pages on receiving events ("15 s, 5 min, 1 h, 6 h").
pub const RETRIES_MS: [i64; 4] = [15 * 1000, 300 * 1000, 3600 * 1000, 6 * 3600 * 1000];
/// How many events of a tenant are claimed at once, so that one with many does not hold up the others.
const AT_ONCE: i64 = 4;

/// An event to be delivered now. It holds a key, so it has no `Debug`.
#[derive(Clone)]
pub struct Delivery {
    /// The tenant that made the app.
    pub tenant: TenantKey,
    /// The app that is told.
    pub app_id: AppId,
    /// The event's id.
    pub event_id: String,
    /// What it tells.
    pub subject: Subject,
    /// When it happened, in the tenant's time.
    pub created_at: i64,
    /// How often it was tried before.
    pub attempts: i64,
    /// Where to.
    pub request_url: String,
    /// What to encrypt it with.
    pub encrypt_key: Option<String>,
    /// Whose claim it is.
    owner: String,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed; `None` if it did not.
    pub failure: Option<String>,
}

/// What becomes of an event after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It arrived.
    Delivered,
    /// It is tried again later.
    Retried,
    /// It was tried for the last time.
    Dropped,
    /// The claim had ended: somebody else saw to it.
    Lost,
}

/// Tenants with something to look at, those that wait longest first. `real_now` is the real time.
pub async fn due(root: &mut Root, real_now: i64) -> Result<Vec<TenantKey>, StoreError> {
    let sql = "SELECT tenant FROM event_due WHERE due_at <= $1 ORDER BY due_at LIMIT 32";
    let rows = root.rows(sql, &[real_now.into()]).await?;
    rows.into_iter().map(|mut row| row.id(0, TenantKey::parse)).collect()
}

/// Claims what is due in the transaction's tenant; at most a few events at a time.
///
/// Tickets of the hour that has come are written down first, once whoever else looks at the same time.
pub async fn claim(tx: &mut Tx, real_now: i64) -> Result<Vec<Delivery>, StoreError> {
    let Some(events) = events::hold(tx).await? else { return Ok(Vec::new()) };
    let Some(offset) = clock_offset(tx).await? else { return Ok(Vec::new()) };
    let now = real_now + offset;
    tickets(tx, &events, now).await?;
    let owner = format!("{:032x}", tx.random_id());
    let sql = "SELECT e.event_id, e.app_id, e.kind, e.subject, e.created_at, e.attempts, a.request_url, a.encrypt_key \
               FROM event_outbox e JOIN app_events a ON a.tenant = e.tenant AND a.app_id = e.app_id \
               WHERE e.tenant = $1 AND e.state = 'waiting' AND e.due_at <= $2 AND e.lease_until <= $3 \
               AND (a.state = 'verified' OR e.kind = 'url_verification') ORDER BY e.due_at, e.number LIMIT $4";
    let rows = tx.rows(sql, [now.into(), real_now.into(), AT_ONCE.into()]).await?;
    let mut claimed = Vec::with_capacity(rows.len());
    for row in rows {
        let delivery = delivery(tx, row, &owner)?;
        let sql = "UPDATE event_outbox SET owner = $3, lease_until = $4 \
                   WHERE tenant = $1 AND event_id = $2 AND state = 'waiting' AND lease_until <= $5 RETURNING event_id";
        let params = [
            delivery.event_id.as_str().into(),
            owner.as_str().into(),
            (real_now + LEASE_MS).into(),
            real_now.into(),
        ];
        if tx.row(sql, params).await?.is_some() {
            claimed.push(delivery);
        }
    }
    look_later(tx, &events, offset).await?;
    Ok(claimed)
}

fn delivery(tx: &Tx, mut row: Row, owner: &str) -> Result<Delivery, StoreError> {
    let (kind, detail, sealed) = (row.text(2)?, row.text(3)?, row.text(7)?);
    Ok(Delivery {
        tenant: tx.tenant(),
        event_id: row.text(0)?,
        app_id: row.id(1, AppId::parse)?,
        subject: Subject::read(&kind, detail)
            .ok_or_else(|| StoreError::Broken(format!("an event of the unknown kind {kind:?}")))?,
        created_at: row.int(4)?,
        attempts: row.int(5)?,
        request_url: row.text(6)?,
        encrypt_key: events::open(tx, &sealed)?,
        owner: owner.to_owned(),
    })
}

/// Writes a new ticket down for every app whose hour has come.
async fn tickets(tx: &mut Tx, events: &LockedEvents, now: i64) -> Result<(), StoreError> {
    let sql = "SELECT app_id, ticket_due FROM app_events WHERE tenant = $1 AND state = 'verified' AND ticket_due <= $2";
    for mut row in tx.rows(sql, [now.into()]).await? {
        let (app_id, due) = (row.id(0, AppId::parse)?, row.int(1)?);
        // The rhythm stays; hours that nobody looked at are passed over.
        let next = due + ((now - due) / TICKET_EVERY_MS + 1) * TICKET_EVERY_MS;
        set_ticket_due(tx, app_id, next).await?;
        let number = oauth::next_ticket(tx, app_id, now).await?;
        events::insert(tx, events, app_id, &Subject::AppTicket(number), now).await?;
    }
    // A clock that went back would leave an app without a ticket for as long.
    let latest = now + TICKET_EVERY_MS;
    let sql =
        "UPDATE app_events SET ticket_due = $2 WHERE tenant = $1 AND state = 'verified' AND ticket_due > $2";
    tx.rows(sql, [latest.into()]).await.map(drop)
}

async fn set_ticket_due(tx: &mut Tx, app_id: AppId, due: i64) -> Result<(), StoreError> {
    let sql = "UPDATE app_events SET ticket_due = $3 WHERE tenant = $1 AND app_id = $2";
    tx.rows(sql, [app_id.into(), due.into()]).await.map(drop)
}

/// The tenant's clock as it is in the store: an earlier unit of the same commit may have moved it.
async fn clock_offset(tx: &mut Tx) -> Result<Option<i64>, StoreError> {
    let row = tx.row("SELECT clock_offset_ms FROM tenant WHERE tenant = $1", []).await?;
    row.map(|row| row.int(0)).transpose()
}

/// Works out when the tenant's events are to be looked at again.
async fn look_later(tx: &mut Tx, _events: &LockedEvents, offset: i64) -> Result<(), StoreError> {
    let sql = "SELECT MIN(CASE WHEN e.due_at - CAST($2 AS BIGINT) > e.lease_until THEN e.due_at - CAST($2 AS BIGINT) ELSE e.lease_until END) \
               FROM event_outbox e JOIN app_events a ON a.tenant = e.tenant AND a.app_id = e.app_id \
               WHERE e.tenant = $1 AND e.state = 'waiting' AND (a.state = 'verified' OR e.kind = 'url_verification')";
    let event = minimum(tx.row(sql, [offset.into()]).await?)?;
    let sql = "SELECT MIN(ticket_due) FROM app_events WHERE tenant = $1 AND state = 'verified'";
    let ticket = minimum(tx.row(sql, []).await?)?.map(|due| due - offset);
    let Some(next) = event.into_iter().chain(ticket).min() else {
        return tx.rows("DELETE FROM event_due WHERE tenant = $1", []).await.map(drop);
    };
    tx.rows("UPDATE event_due SET due_at = $2 WHERE tenant = $1", [next.into()]).await.map(drop)
}

fn minimum(row: Option<Row>) -> Result<Option<i64>, StoreError> {
    row.map_or(Ok(None), |row| row.int_or_null(0))
}

/// Writes down what an attempt came to. `real_now` is the real time.
pub async fn settle(
    tx: &mut Tx,
    delivery: &Delivery,
    attempt: &Attempt,
    real_now: i64,
) -> Result<Outcome, StoreError> {
    let Some(events) = events::hold(tx).await? else { return Ok(Outcome::Lost) };
    let Some(offset) = clock_offset(tx).await? else { return Ok(Outcome::Lost) };
    let now = real_now + offset;
    let wait = usize::try_from(delivery.attempts).ok().and_then(|before| RETRIES_MS.get(before));
    // The platform asks an address once, while a person waits.
    let wait = wait.filter(|_| matches!(delivery.subject, Subject::AppTicket(_)));
    let (outcome, state, due_at) = match (&attempt.failure, wait) {
        (None, _) => (Outcome::Delivered, "delivered", now),
        (Some(_), Some(wait)) => (Outcome::Retried, "waiting", now + wait),
        (Some(_), None) => (Outcome::Dropped, "dropped", now),
    };
    let sql = "UPDATE event_outbox SET state = $4, due_at = $5, status = $6, failure = $7, attempts = attempts + 1, lease_until = 0 \
               WHERE tenant = $1 AND event_id = $2 AND owner = $3 AND state = 'waiting' RETURNING event_id";
    let params = [
        delivery.event_id.as_str().into(),
        delivery.owner.as_str().into(),
        state.into(),
        due_at.into(),
        attempt.status.map(i64::from).into(),
        attempt.failure.as_deref().unwrap_or_default().into(),
    ];
    if tx.row(sql, params).await?.is_none() {
        return Ok(Outcome::Lost);
    }
    if let Subject::UrlVerification(_) = delivery.subject {
        verified(tx, &events, delivery.app_id, attempt.failure.as_deref()).await?;
    }
    look_later(tx, &events, offset).await?;
    Ok(outcome)
}

/// Writes down whether the address wants events.
async fn verified(
    tx: &mut Tx,
    events: &LockedEvents,
    app_id: AppId,
    failure: Option<&str>,
) -> Result<(), StoreError> {
    let state = if failure.is_none() { AddressState::Verified } else { AddressState::Failed };
    let sql = "UPDATE app_events SET state = $3, reason = $4 WHERE tenant = $1 AND app_id = $2";
    tx.rows(sql, [app_id.into(), state.as_str().into(), failure.unwrap_or_default().into()]).await?;
    if failure.is_some() {
        events::drop_unverified(tx, events, app_id).await?;
    }
    Ok(())
}
