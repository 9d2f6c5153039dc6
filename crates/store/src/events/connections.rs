//! Which apps have long connections, and to which server. Each server stores its own rows, and renews them while it runs.

use std::collections::HashSet;

use larkspur_contract::ids::{AppId, TenantKey};

use super::claims::NOT_CONNECTED;
use crate::driver::StoreError;
use crate::tx::{PIECE, in_list};
use crate::{Hook, Root, Tx, Value, apps};

/// How long a server's rows are valid, in real milliseconds.
pub const LEASE_MS: i64 = 30_000;
/// How often they must be renewed, in real milliseconds.
pub const RENEWAL_MS: i64 = 10_000;

/// Stores how many connections an app made in the transaction's tenant has to a server; 0 deletes the row.
pub async fn set(
    tx: &mut Tx,
    app_id: AppId,
    server: &str,
    connections: i64,
    real_now: i64,
) -> Result<(), StoreError> {
    if connections == 0 {
        let sql = "DELETE FROM app_connection WHERE tenant = $1 AND app_id = $2 AND server = $3";
        return tx.rows(sql, [app_id.into(), server.into()]).await.map(drop);
    }
    let sql = "INSERT INTO app_connection (tenant, app_id, server, connections, lease_until) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (tenant, app_id, server) DO UPDATE SET connections = excluded.connections, lease_until = excluded.lease_until";
    let until = real_now + LEASE_MS;
    tx.rows(sql, [app_id.into(), server.into(), connections.into(), until.into()]).await.map(drop)
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

/// Makes events that failed because an app was not connected due at once, in every tenant.
pub async fn release(root: &mut Root, app_id: AppId, real_now: i64) -> Result<(), StoreError> {
    for home in apps::homes(root, app_id).await? {
        let sql = "UPDATE event_delivery SET due_at = $4 WHERE tenant = $1 AND app_id = $2 AND failure = $3 AND state = 'waiting' \
                   AND attempts > 0 AND lease_until <= $4";
        root.tenant(home).rows(sql, [app_id.into(), NOT_CONNECTED.into(), real_now.into()]).await?;
    }
    let engine = root.engine().clone();
    root.on_commit(Hook { before: Box::new(|| {}), after: Box::new(move || engine.wakeup.wake()) });
    Ok(())
}
