//! Events for operators: listing, sending made-up ones, and sending again.

use larkspur_contract::events::Form;
use larkspur_contract::ids::{AppId, TenantKey};

use crate::driver::StoreError;
use crate::tx::{PIECE, found_rows, wanted};
use crate::{Notice, Row, Tx, Value};

/// The most rows that are read for one page, and to find an event whose ID has no number.
pub const WINDOW: i64 = 500;

/// An event on its way to one app, or one that was delivered or dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its number, which grows with time.
    pub number: i64,
    /// Its ID, the same in every attempt.
    pub event_id: String,
    /// The app.
    pub app_id: AppId,
    /// The tenant that made the app.
    pub developer: TenantKey,
    /// Its type.
    pub event_type: String,
    /// The form of its envelope.
    pub form: Form,
    /// The payload: JSON.
    pub payload: String,
    /// Whether the payload is encrypted in the store.
    pub sealed: bool,
    /// When it happened, in the tenant's time.
    pub created_at: i64,
    /// `waiting`, `held`, `delivered` or `dropped`.
    pub state: String,
    /// The time of the next attempt, in real time, if it waits.
    pub due_at: i64,
    /// How many attempts were made.
    pub attempts: i64,
    /// The HTTP status of the last answer, if there was one.
    pub status: Option<i64>,
    /// Why the last attempt failed; empty if it did not.
    pub failure: String,
}

const COLUMNS: &str = "number, event_id, app_id, developer, event_type, form, sealed, payload, created_at, state, due_at, attempts, \
     status, failure";

/// The last [`WINDOW`] events in the transaction's tenant whose numbers are below `before`, the newest first; only those of
/// one app, if it is given.
pub async fn before(tx: &mut Tx, app_id: Option<AppId>, before: i64) -> Result<Vec<Past>, StoreError> {
    let rows = match app_id {
        None => {
            let sql = format!(
                "SELECT {COLUMNS} FROM event_delivery WHERE tenant = $1 AND number < $2 ORDER BY number DESC LIMIT CAST($3 AS BIGINT)"
            );
            tx.rows(&sql, [before.into(), WINDOW.into()]).await?
        }
        Some(app_id) => {
            let sql = format!(
                "SELECT {COLUMNS} FROM event_delivery WHERE tenant = $1 AND app_id = $2 AND number < $3 \
                 ORDER BY number DESC LIMIT CAST($4 AS BIGINT)"
            );
            tx.rows(&sql, [app_id.into(), before.into(), WINDOW.into()]).await?
        }
    };
    rows.into_iter().map(|row| past(tx, row)).collect()
}

/// The events with these numbers in the transaction's tenant, in any order.
pub async fn numbered(tx: &mut Tx, numbers: &[i64]) -> Result<Vec<Past>, StoreError> {
    let mut found = Vec::with_capacity(numbers.len());
    for piece in numbers.chunks(PIECE) {
        let mut params: Vec<Value> = piece.iter().map(|number| (*number).into()).collect();
        let wanted = wanted(2, "BIGINT", &mut params);
        let sql = format!(
            "SELECT {COLUMNS} FROM {wanted} LEFT JOIN event_delivery e ON e.tenant = $1 AND e.number = w.column1"
        );
        for row in found_rows(tx.rows_of(&sql, params).await?) {
            found.push(past(tx, row)?);
        }
    }
    Ok(found)
}

/// The event with an ID in the transaction's tenant; only one of one app, if it is given. One that an earlier release stored,
/// or whose original was deleted, is found among the last [`WINDOW`].
pub async fn find(tx: &mut Tx, app_id: Option<AppId>, event_id: &str) -> Result<Option<Past>, StoreError> {
    let is_it = |past: &Past| past.event_id == event_id && app_id.is_none_or(|app_id| past.app_id == app_id);
    if let Some(number) = tx.engine().keys.event_number(event_id, tx.tenant()) {
        let sql = format!("SELECT {COLUMNS} FROM event_delivery WHERE tenant = $1 AND number = $2");
        let row = tx.row(&sql, [number.into()]).await?;
        let found = row.map(|row| past(tx, row)).transpose()?.filter(is_it);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(before(tx, app_id, i64::MAX).await?.into_iter().find(is_it))
}

/// Up to 100 events of the transaction's tenant before one with a number, and up to 100 after it.
///
/// # Errors
/// The store is unavailable.
pub async fn around(tx: &mut Tx, number: i64) -> Result<Vec<Past>, StoreError> {
    let before = format!(
        "SELECT {COLUMNS} FROM event_delivery WHERE tenant = $1 AND number < $2 ORDER BY number DESC LIMIT 100"
    );
    let after = format!(
        "SELECT {COLUMNS} FROM event_delivery WHERE tenant = $1 AND number > $2 ORDER BY number LIMIT 100"
    );
    let mut rows = tx.rows(&before, [number.into()]).await?;
    rows.extend(tx.rows(&after, [number.into()]).await?);
    rows.into_iter().map(|row| past(tx, row)).collect()
}

fn past(tx: &Tx, mut row: Row) -> Result<Past, StoreError> {
    let (sealed, payload) = (row.flag(6)?, row.text(7)?);
    let payload = match sealed {
        // It is shown without its payload if that was encrypted with another key.
        true => tx.engine().keys.open(&payload).unwrap_or_default(),
        false => payload,
    };
    Ok(Past {
        number: row.int(0)?,
        event_id: row.text(1)?,
        app_id: row.id(2, AppId::parse)?,
        developer: row.id(3, TenantKey::parse)?,
        event_type: row.text(4)?,
        form: row.id(5, Form::parse)?,
        payload,
        sealed,
        created_at: row.int(8)?,
        state: row.text(9)?,
        due_at: row.int(10)?,
        attempts: row.int(11)?,
        status: row.int_or_null(12)?,
        failure: row.text(13)?,
    })
}

/// An event that an operator sends.
pub struct Made<'a> {
    /// Its ID; `None` for a new one.
    pub event_id: Option<&'a str>,
    /// The app.
    pub app_id: AppId,
    /// The tenant that made the app.
    pub developer: TenantKey,
    /// Its type, known or not.
    pub event_type: &'a str,
    /// The form of its envelope.
    pub form: Form,
    /// The payload: JSON.
    pub payload: &'a str,
    /// Whether the payload is encrypted in the store.
    pub sealed: bool,
    /// When it happened, in the tenant's time.
    pub created_at: i64,
}

/// Adds an event in the transaction's tenant, to be sent at once; returns its ID.
pub async fn send(tx: &mut Tx, made: &Made<'_>) -> Result<String, StoreError> {
    let sql = "INSERT INTO event_delivery (tenant, number, event_id, app_id, developer, event_type, form, sealed, payload, created_at, \
               state, due_at, attempts, owner, lease_until, status, failure) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    let number = tx.next_id();
    let event_id = match made.event_id {
        Some(id) => id.to_owned(),
        None => tx.engine().keys.event_id(number, tx.tenant()),
    };
    let payload = if made.sealed { tx.engine().keys.seal(made.payload) } else { made.payload.to_owned() };
    let row: [Value; 16] = [
        number.into(),
        event_id.as_str().into(),
        made.app_id.into(),
        made.developer.into(),
        made.event_type.into(),
        made.form.as_str().into(),
        i64::from(made.sealed).into(),
        payload.into(),
        made.created_at.into(),
        "waiting".into(),
        tx.engine().clock.now_ms().into(),
        0.into(),
        "".into(),
        0.into(),
        Value::Null,
        "".into(),
    ];
    tx.rows(sql, row).await?;
    tx.notify(Notice::Delivery(number));
    let engine = tx.engine().clone();
    tx.on_commit(|| {}, move || engine.wakeup.wake());
    Ok(event_id)
}
