//! Tenants; a world is a tenant with its own clock.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use larkspur_contract::ids::TenantKey;

use crate::driver::StoreError;
pub use crate::memory::records::Tenant;
use crate::{Notice, Root, Row, Tx, policies};

/// Every table with rows of a tenant; a new table must be added here, which a test checks.
pub const TABLES: &[&str] = &[
    // No longer used, except by servers of the previous release.
    "event_due",
    "event_outbox",
    "event_delivery",
    "event_subscriber",
    "app_connection",
    "callback_relay",
    "delivery_steering",
    "app_events",
    "app",
    "app_install",
    "app_visible_user",
    "token_issue",
    "users",
    "user_term",
    "user_grant",
    "chat",
    "chat_member",
    "chat_pending",
    "chat_moderator",
    "chat_name_lock",
    "chat_tab",
    "chat_menu",
    "chat_announcement",
    "chat_announcement_edit",
    "docx_announcement",
    "docx_block",
    "docx_block_past",
    "docx_media",
    "chat_term",
    "chat_link",
    "chat_hold",
    "chat_top_notice",
    "chat_hook",
    "tag",
    "chat_tag_binding",
    "card",
    "card_token",
    "ephemeral_card",
    "own_card",
    "image",
    "stored_file",
    "blob",
    "document",
    "document_member",
    "message",
    "message_uuid",
    "message_reaction",
    "message_read",
    "pin",
    "urgent",
    "follow_up",
    "batch_message",
    "batch_part",
    "idempotency",
    "call_count",
    "tenant_limit",
    // No longer used, except by older servers of the same store, like the column `refuses` of `tenant`: a planned refusal is a
    // rule in `faults` of its tenant. Snapshots that were made earlier have its rows.
    "planned_refusal",
    "fault_count",
    "app_sign_in",
    "oauth_code",
    "oauth_refresh",
    "snapshot",
    "snapshot_part",
    "snapshot_blob",
    "tenant",
];

const COLUMNS: &str = "tenant, name, clock_offset_ms, policy, faults";

/// Reads a tenant from a row's columns from `at` on.
pub(crate) fn tenant(row: &mut Row, at: usize) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        tenant: row.id(at, TenantKey::parse)?,
        name: row.text(at + 1)?,
        clock_offset_ms: row.int(at + 2)?,
        policy: policies::read(&row.text(at + 3)?)?,
        faults: faults(row.text(at + 4)?),
    })
}

/// The rules of a tenant; most have none, and share it.
fn faults(text: String) -> Arc<str> {
    static NONE: LazyLock<Arc<str>> = LazyLock::new(|| "".into());
    if text.is_empty() { NONE.clone() } else { text.into() }
}

/// The transaction's tenant; `None` if it was deleted.
pub async fn get(tx: &mut Tx) -> Result<Option<Arc<Tenant>>, StoreError> {
    let key = tx.tenant();
    if let Some(known) = tx.engine().memory.tenants.get(&key, tx.effect()) {
        return Ok(Some(known));
    }
    let row = tx.row(&format!("SELECT {COLUMNS} FROM tenant WHERE tenant = $1"), []).await?;
    let Some(found) = row.map(|mut row| tenant(&mut row, 0)).transpose()? else { return Ok(None) };
    let found = Arc::new(found);
    tx.engine().memory.tenants.fill(tx.may_fill(), key, found.clone());
    Ok(Some(found))
}

/// Locks the tenant's row: until this transaction ends, no other one changes or deletes the tenant.
///
/// Never read from memory: an earlier unit of the same commit may have changed the row.
pub async fn lock(tx: &mut Tx) -> Result<Option<Tenant>, StoreError> {
    let sql = format!("UPDATE tenant SET name = name WHERE tenant = $1 RETURNING {COLUMNS}");
    tx.row(&sql, []).await?.map(|mut row| tenant(&mut row, 0)).transpose()
}

/// Every tenant, in the order of their keys.
pub async fn all(root: &mut Root) -> Result<Vec<Tenant>, StoreError> {
    let rows = root.rows(&format!("SELECT {COLUMNS} FROM tenant ORDER BY tenant"), &[]).await?;
    rows.into_iter().map(|mut row| tenant(&mut row, 0)).collect()
}

/// When each tenant was created, in real time.
///
/// # Errors
/// The store is unavailable.
pub async fn creations(root: &mut Root) -> Result<HashMap<TenantKey, i64>, StoreError> {
    let rows = root.rows("SELECT tenant, created_at FROM tenant ORDER BY tenant", &[]).await?;
    rows.into_iter().map(|mut row| Ok((row.id(0, TenantKey::parse)?, row.int(1)?))).collect()
}

/// When the transaction's tenant was created, in real time; `None` if it was deleted.
///
/// # Errors
/// The store is unavailable.
pub async fn created_at(tx: &mut Tx) -> Result<Option<i64>, StoreError> {
    let row = tx.row("SELECT created_at FROM tenant WHERE tenant = $1", []).await?;
    row.map(|row| row.int(0)).transpose()
}

/// How many rows of a table are counted at most.
pub const COUNTED: i64 = 10_000;

/// The rows of the transaction's tenant in each table that has any; one more than [`COUNTED`] stands for more.
///
/// # Errors
/// The store is unavailable.
pub async fn rows(tx: &mut Tx) -> Result<Vec<(&'static str, i64)>, StoreError> {
    let mut counts = Vec::new();
    for table in TABLES.iter().copied().filter(|table| *table != "tenant" && *table != "event_due") {
        let sql =
            format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE tenant = $1 LIMIT 10001) counted");
        let count = tx.row(&sql, []).await?.map_or(Ok(0), |row| row.int(0))?;
        counts.extend((count > 0).then_some((table, count)));
    }
    Ok(counts)
}

/// Whether there is any tenant.
pub async fn any(root: &mut Root) -> Result<bool, StoreError> {
    Ok(!root.rows("SELECT 1 FROM tenant LIMIT 1", &[]).await?.is_empty())
}

/// Whether a tenant exists, besides the transaction's own: it tells an id of another tenant from an unknown one.
pub async fn is_elsewhere(tx: &mut Tx, tenant: TenantKey) -> Result<bool, StoreError> {
    Ok(tenant != tx.tenant() && get(&mut tx.root().tenant(tenant)).await?.is_some())
}

/// Creates the transaction's tenant; false if it exists.
pub async fn insert(tx: &mut Tx, name: &str, now_ms: i64) -> Result<bool, StoreError> {
    let sql = "INSERT INTO tenant (tenant, name, clock_offset_ms, created_at) VALUES ($1, $2, 0, $3) ON CONFLICT (tenant) DO NOTHING RETURNING tenant";
    Ok(tx.row(sql, [name.into(), now_ms.into()]).await?.is_some())
}

/// Sets how far the tenant's clock is ahead of the real time.
pub async fn set_clock(tx: &mut Tx, offset_ms: i64) -> Result<(), StoreError> {
    tx.rows("UPDATE tenant SET clock_offset_ms = $2 WHERE tenant = $1", [offset_ms.into()]).await?;
    tx.notify(Notice::Clock);
    let key = tx.tenant();
    tx.forget(move |engine| engine.memory.tenants.forget(&key));
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_table_of_the_schema_is_listed() {
        let mut tables: Vec<String> = crate::migrations()
            .flatten()
            .map(|statement| statement.replace("/* UNLOGGED */ ", ""))
            .filter_map(|statement| statement.strip_prefix("CREATE TABLE ").map(str::to_owned))
            .filter_map(|rest| rest.split_whitespace().next().map(str::to_owned))
            // Of all tenants together.
            .filter(|table| !["node_lease", "job_slot"].contains(&table.as_str()))
            .collect();
        tables.sort();
        let mut listed: Vec<&str> = super::TABLES.to_vec();
        listed.sort_unstable();
        assert_eq!(tables, listed);
    }
}
