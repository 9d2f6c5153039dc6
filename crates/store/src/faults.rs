//! Faults: the rules of a tenant, and how often each of them was used.
//!
//! The rules are a column of the tenant's row, so that memory keeps them with the tenant. The counts are rows: they are exact
//! for all servers on a store together.

use std::collections::HashMap;
use std::sync::Arc;

use larkspur_contract::ids::{AppId, TenantKey};

use crate::driver::StoreError;
use crate::policies::{self, Policy};
use crate::{Notice, Root, Tx};

/// How often a rule was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// The number of calls that it matched.
    pub seen: i64,
    /// The number of those that it changed.
    pub hits: i64,
}

/// A tenant with its rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruled {
    /// The tenant.
    pub tenant: TenantKey,
    /// How far its clock is ahead of the real time, in milliseconds.
    pub clock_offset_ms: i64,
    /// Its rules as they are stored; empty if there are none.
    pub faults: Arc<str>,
    /// What its edition and its administrators allow.
    pub policy: Arc<Policy>,
}

/// Replaces the rules of the transaction's tenant; an empty text removes them. The caller has locked the tenant's row.
pub async fn set(tx: &mut Tx, faults: &str) -> Result<(), StoreError> {
    tx.rows("UPDATE tenant SET faults = $2 WHERE tenant = $1", [faults.into()]).await?;
    tx.notify(Notice::Faults);
    let key = tx.tenant();
    tx.forget(move |engine| engine.memory.tenants.forget(&key));
    Ok(())
}

/// The counts of the rules of the transaction's tenant.
pub async fn counts(tx: &mut Tx) -> Result<HashMap<String, Count>, StoreError> {
    let sql = "SELECT fault_id, seen, hits FROM fault_count WHERE tenant = $1 ORDER BY fault_id";
    let rows = tx.rows(sql, []).await?;
    rows.into_iter()
        .map(|mut row| Ok((row.text(0)?, Count { seen: row.int(1)?, hits: row.int(2)? })))
        .collect()
}

/// Starts to count a rule, from 0 on. The caller has locked the tenant's row.
pub async fn start(tx: &mut Tx, fault: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO fault_count (tenant, fault_id, seen, hits) VALUES ($1, $2, 0, 0) \
               ON CONFLICT (tenant, fault_id) DO UPDATE SET seen = 0, hits = 0";
    tx.rows(sql, [fault.into()]).await.map(drop)
}

/// Stops counting a rule. The caller has locked the tenant's row.
pub async fn stop(tx: &mut Tx, fault: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM fault_count WHERE tenant = $1 AND fault_id = $2";
    tx.rows(sql, [fault.into()]).await.map(drop)
}

/// Counts a call that a rule matched, and returns the counts with it; `None` if the rule was removed.
pub async fn see(tx: &mut Tx, fault: &str) -> Result<Option<Count>, StoreError> {
    let sql =
        "UPDATE fault_count SET seen = seen + 1 WHERE tenant = $1 AND fault_id = $2 RETURNING seen, hits";
    let row = tx.row(sql, [fault.into()]).await?;
    row.map(|row| Ok(Count { seen: row.int(0)?, hits: row.int(1)? })).transpose()
}

/// Counts a call that a rule changed.
pub async fn hit(tx: &mut Tx, fault: &str) -> Result<(), StoreError> {
    let sql = "UPDATE fault_count SET hits = hits + 1 WHERE tenant = $1 AND fault_id = $2";
    tx.rows(sql, [fault.into()]).await?;
    tx.notify(Notice::FaultHits);
    Ok(())
}

/// The tenant that made an app, with its rules.
pub async fn of_app(root: &mut Root, app_id: AppId) -> Result<Option<Ruled>, StoreError> {
    let sql = "SELECT tenant.tenant, clock_offset_ms, faults, policy FROM app a JOIN tenant ON tenant.tenant = a.tenant WHERE a.app_id = $1";
    let rows = root.rows(sql, &[app_id.into()]).await?;
    let read = |mut row: crate::Row| {
        Ok(Ruled {
            tenant: row.id(0, TenantKey::parse)?,
            clock_offset_ms: row.int(1)?,
            faults: row.text(2)?.into(),
            policy: policies::read(&row.text(3)?)?,
        })
    };
    rows.into_iter().next().map(read).transpose()
}
