//! Callbacks that one server passes to another, to which the app is connected.
//!
//! The server that wants an answer adds a row, looks for its outcome, and deletes it. The server to which the app is
//! connected takes the row, once, sends the callback, and stores the outcome. Rows that are waited for no longer are swept.

use larkspur_contract::ids::{AppId, TenantKey};

use crate::driver::StoreError;
use crate::{Root, Tx};

/// A callback for another server. The transaction's tenant is the one that made the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Its name, made at random.
    pub id: String,
    /// The app.
    pub app_id: AppId,
    /// The server that is to send it, as in [`super::connections::Known`].
    pub server: String,
    /// The body of the callback.
    pub request: String,
    /// Until when the outcome is waited for, in real milliseconds.
    pub until: i64,
}

/// Asks another server to send a callback.
pub async fn ask(tx: &mut Tx, relay: &Relay) -> Result<(), StoreError> {
    let sql = "INSERT INTO callback_relay (tenant, id, app_id, server, request, state, outcome, lease_until) \
               VALUES ($1, $2, $3, $4, $5, 'waiting', '', $6)";
    let Relay { id, app_id, server, request, until } = relay;
    let row = [
        id.as_str().into(),
        (*app_id).into(),
        server.as_str().into(),
        request.as_str().into(),
        (*until).into(),
    ];
    tx.rows(sql, row).await.map(drop)
}

/// The callbacks that a server is to send: the tenants that made the apps, and the names.
pub async fn waiting(root: &mut Root, server: &str) -> Result<Vec<(TenantKey, String)>, StoreError> {
    let sql =
        "SELECT tenant, id FROM callback_relay WHERE server = $1 AND state = 'waiting' ORDER BY tenant, id";
    let rows = root.rows(sql, &[server.into()]).await?;
    rows.into_iter().map(|mut row| Ok((row.id(0, TenantKey::parse)?, row.text(1)?))).collect()
}

/// Takes a callback, to send it: the app and the body. `None` if it is too late, or if it was taken before.
pub async fn take(tx: &mut Tx, id: &str, real_now: i64) -> Result<Option<(AppId, String)>, StoreError> {
    let sql = "UPDATE callback_relay SET state = 'sent' WHERE tenant = $1 AND id = $2 AND state = 'waiting' \
               RETURNING app_id, request, lease_until";
    let rows = tx.rows(sql, [id.into()]).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(None) };
    let taken = (row.id(0, AppId::parse)?, row.text(1)?);
    Ok((row.int(2)? > real_now).then_some(taken))
}

/// Stores what became of a callback, as JSON. Nothing happens if the row is gone.
pub async fn answer(tx: &mut Tx, id: &str, outcome: &str) -> Result<(), StoreError> {
    let sql = "UPDATE callback_relay SET outcome = $3 WHERE tenant = $1 AND id = $2";
    tx.rows(sql, [id.into(), outcome.into()]).await.map(drop)
}

/// What became of a callback; `None` if it is not known yet.
pub async fn outcome(tx: &mut Tx, id: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT outcome FROM callback_relay WHERE tenant = $1 AND id = $2";
    let rows = tx.rows(sql, [id.into()]).await?;
    let outcome = rows.into_iter().next().map(|mut row| row.text(0)).transpose()?;
    Ok(outcome.filter(|text| !text.is_empty()))
}

/// Takes a callback back, if the other server has not taken it yet.
pub async fn take_back(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM callback_relay WHERE tenant = $1 AND id = $2 AND state = 'waiting' RETURNING 1";
    Ok(!tx.rows(sql, [id.into()]).await?.is_empty())
}

/// Forgets a callback.
pub async fn end(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM callback_relay WHERE tenant = $1 AND id = $2";
    tx.rows(sql, [id.into()]).await.map(drop)
}
