//! Which apps have long connections, and to which server. Each server stores its own rows, and renews them while it runs.

use std::collections::HashSet;

use larkspur_contract::events::Form;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::model::InstallStatus;

use super::claims::NOT_CONNECTED;
use crate::driver::StoreError;
use crate::tx::{PIECE, in_list};
use crate::{Hook, Root, Tx, Value, apps};

/// How long a server's rows are valid, in real milliseconds.
pub const LEASE_MS: i64 = 30_000;
/// How often they must be renewed, in real milliseconds.
pub const RENEWAL_MS: i64 = 10_000;

/// Stores how many connections an app made in the transaction's tenant has to a server, and what is known of them as JSON; 0
/// deletes the row.
pub async fn set(
    tx: &mut Tx,
    app_id: AppId,
    server: &str,
    (connections, details): (i64, &str),
    real_now: i64,
) -> Result<(), StoreError> {
    if connections == 0 {
        let sql = "DELETE FROM app_connection WHERE tenant = $1 AND app_id = $2 AND server = $3";
        return tx.rows(sql, [app_id.into(), server.into()]).await.map(drop);
    }
    let sql = "INSERT INTO app_connection (tenant, app_id, server, connections, lease_until, details) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (tenant, app_id, server) DO UPDATE SET connections = excluded.connections, lease_until = excluded.lease_until, \
               details = excluded.details";
    let until = real_now + LEASE_MS;
    let row = [app_id.into(), server.into(), connections.into(), until.into(), details.into()];
    tx.rows(sql, row).await.map(drop)
}

/// What is known of an app's connections to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The server's name: random, made at its start.
    pub server: String,
    /// JSON, as the server stored it; empty from a server of an earlier release.
    pub details: String,
}

/// The connections of an app made in the transaction's tenant, by server.
pub async fn list(tx: &mut Tx, app_id: AppId, real_now: i64) -> Result<Vec<Known>, StoreError> {
    let sql = "SELECT server, details FROM app_connection WHERE tenant = $1 AND app_id = $2 AND lease_until > $3 ORDER BY server";
    let rows = tx.rows(sql, [app_id.into(), real_now.into()]).await?;
    rows.into_iter().map(|mut row| Ok(Known { server: row.text(0)?, details: row.text(1)? })).collect()
}

/// Asks the servers to close connections of an app made in the transaction's tenant: the one with an ID, or all that are open
/// now. Each server does so within a second or two.
pub async fn cut(tx: &mut Tx, app_id: AppId, id: Option<&str>, real_now: i64) -> Result<(), StoreError> {
    match id {
        None => {
            let sql = "UPDATE app_connection SET cut_before = $3 WHERE tenant = $1 AND app_id = $2";
            tx.rows(sql, [app_id.into(), real_now.into()]).await.map(drop)
        }
        // The oldest requests were handled long ago.
        Some(id) => {
            let sql = "UPDATE app_connection SET cut_ids = CASE WHEN LENGTH(cut_ids) > 1000 THEN '' ELSE cut_ids END || ' ' || CAST($3 AS TEXT) \
                       WHERE tenant = $1 AND app_id = $2";
            tx.rows(sql, [app_id.into(), id.into()]).await.map(drop)
        }
    }
}

/// Which connections of an app a server is to close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The app.
    pub app_id: AppId,
    /// Those that were opened until then, in real time.
    pub before: i64,
    /// Those with these IDs, separated by blanks.
    pub ids: String,
}

/// What a server is to close, a row for each of its rows: an app without one was deleted with its world, or its row was swept.
pub async fn cuts(root: &mut Root, server: &str) -> Result<Vec<Cut>, StoreError> {
    let sql = "SELECT app_id, cut_before, cut_ids FROM app_connection WHERE server = $1";
    let rows = root.rows(sql, &[server.into()]).await?;
    rows.into_iter()
        .map(|mut row| Ok(Cut { app_id: row.id(0, AppId::parse)?, before: row.int(1)?, ids: row.text(2)? }))
        .collect()
}

/// Whether an app made in the transaction's tenant may be connected: it exists there and is enabled.
pub async fn may_connect(tx: &mut Tx, app_id: AppId) -> Result<bool, StoreError> {
    let install = apps::stored_install(tx, app_id).await?;
    Ok(install.is_some_and(|install| install.status == InstallStatus::Enabled))
}

/// Renews a server's rows for the apps made in the transaction's tenant; returns the apps that have one.
pub async fn renew(tx: &mut Tx, server: &str, real_now: i64) -> Result<Vec<AppId>, StoreError> {
    let sql = "UPDATE app_connection SET lease_until = $3 WHERE tenant = $1 AND server = $2 RETURNING app_id";
    let rows = tx.rows(sql, [server.into(), (real_now + LEASE_MS).into()]).await?;
    rows.into_iter().map(|mut row| row.id(0, AppId::parse)).collect()
}

/// How many connections an app has, to all servers. `developer` is the tenant that made it, where the rows are.
pub async fn online(
    tx: &mut Tx,
    developer: TenantKey,
    app_id: AppId,
    real_now: i64,
) -> Result<i64, StoreError> {
    count(&mut tx.root().tenant(developer), app_id, real_now).await
}

/// How many connections an app made in the transaction's tenant has to other servers than one. A server that has missed its
/// last renewal does not count: if it was killed, its clients are about to connect to the others.
pub async fn elsewhere(tx: &mut Tx, app_id: AppId, server: &str, real_now: i64) -> Result<i64, StoreError> {
    let sql = "SELECT connections FROM app_connection WHERE tenant = $1 AND app_id = $2 AND lease_until > $3 AND server <> $4";
    let renewed = real_now + LEASE_MS - RENEWAL_MS * 3 / 2;
    let rows = tx.rows(sql, [app_id.into(), renewed.into(), server.into()]).await?;
    rows.iter().map(|row| row.int(0)).sum()
}

async fn count(tx: &mut Tx, app_id: AppId, real_now: i64) -> Result<i64, StoreError> {
    let sql = "SELECT connections FROM app_connection WHERE tenant = $1 AND app_id = $2 AND lease_until > $3";
    let rows = tx.rows(sql, [app_id.into(), real_now.into()]).await?;
    rows.iter().map(|row| row.int(0)).sum()
}

/// Of some apps made in the transaction's tenant, those that are connected to any server.
pub(super) async fn connected(
    tx: &mut Tx,
    apps: &[AppId],
    real_now: i64,
) -> Result<HashSet<AppId>, StoreError> {
    let mut found = HashSet::new();
    for piece in apps.chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|app_id| (*app_id).into()).collect();
        let list = in_list(3, &mut values);
        let sql = format!(
            "SELECT app_id FROM app_connection WHERE tenant = $1 AND lease_until > $2 AND app_id IN {list}"
        );
        values.insert(0, real_now.into());
        for mut row in tx.rows_of(&sql, values).await? {
            found.insert(row.id(0, AppId::parse)?);
        }
    }
    Ok(found)
}

/// Of some apps, those that receive events of a form by long connection and are connected to no server. `developer` is the tenant
/// that made them.
pub async fn lacking(
    tx: &mut Tx,
    (developer, apps): (TenantKey, &[AppId]),
    form: Form,
    real_now: i64,
) -> Result<HashSet<AppId>, StoreError> {
    let mode = if form == Form::Callback { "callback_mode" } else { "mode" };
    let mut maker = tx.root().tenant(developer);
    let mut found = HashSet::new();
    for piece in apps.chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|app_id| (*app_id).into()).collect();
        let list = in_list(3, &mut values);
        let sql = format!(
            "SELECT app_id FROM app_events e WHERE tenant = $1 AND {mode} = 'connection' AND app_id IN {list} AND NOT EXISTS \
             (SELECT 1 FROM app_connection c WHERE c.tenant = $1 AND c.app_id = e.app_id AND c.lease_until > $2)"
        );
        values.insert(0, real_now.into());
        for mut row in maker.rows_of(&sql, values).await? {
            found.insert(row.id(0, AppId::parse)?);
        }
    }
    Ok(found)
}

/// Makes events that failed because an app was not connected due at once, in every tenant.
pub async fn release(root: &mut Root, app_id: AppId, real_now: i64) -> Result<(), StoreError> {
    for home in apps::homes(root, app_id).await? {
        // One attempt is left: an app that connects for a moment, again and again, must not use up the attempts.
        let sql = "UPDATE event_delivery SET due_at = $4, attempts = CASE WHEN attempts > $5 THEN $5 ELSE attempts END \
                   WHERE tenant = $1 AND app_id = $2 AND failure = $3 AND state = 'waiting' AND attempts > 0 AND lease_until <= $4";
        let most = i64::try_from(Form::V2.retries_ms().len()).unwrap_or(1) - 1;
        let params = [app_id.into(), NOT_CONNECTED.into(), real_now.into(), most.into()];
        let mut tx = root.tenant(home);
        tx.close_lane(app_id);
        tx.rows(sql, params).await?;
    }
    let engine = root.engine().clone();
    root.on_commit(Hook { before: Box::new(|| {}), after: Box::new(move || engine.wakeup.wake()) });
    Ok(())
}
