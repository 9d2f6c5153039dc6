//! Deletes a world, and later what calls in progress wrote for it meanwhile.
//!
//! If units run concurrently, a call that began before its world was deleted may write after it. A lock against that
//! would cost every call a statement. The rows are deleted again instead, once no call of that time can still run. They
//! are invisible until then, since no call enters a world that does not exist.

use std::collections::HashSet;
use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};

use crate::driver::StoreError;
use crate::tenants::TABLES;
use crate::{Engine, Hook, Root, Value, apps};

/// The prefix of a world in the table of job slots, and the bounds of those of worlds and apps ([`apps::DELETED`]).
const WORLD: &str = "gone world ";
const ALL: (&str, &str) = ("gone ", "gone!");
/// Longer than any call takes, in milliseconds.
const WAIT_MS: i64 = 600_000;
/// Worlds and apps that one sweep handles; the next one continues.
const MOST: i64 = 1000;

/// Deletes a tenant and all of its rows. Its apps are also uninstalled from other tenants.
pub async fn delete(root: &mut Root, tenant: TenantKey) -> Result<(), StoreError> {
    let apps = delete_apps(root, tenant).await?;
    delete_rows(root, tenant).await?;
    remember_world(root, tenant).await?;
    remember_apps(root, &apps).await?;
    forget(root, tenant, apps);
    Ok(())
}

/// Deletes the rows of the apps that a tenant made, in all tenants.
async fn delete_apps(root: &mut Root, tenant: TenantKey) -> Result<HashSet<AppId>, StoreError> {
    let made = apps::made_by(root, tenant).await?;
    let apps: HashSet<AppId> = made.into_iter().map(|app| app.app_id).collect();
    for app in &apps {
        delete_rows_of_app(root, *app).await?;
    }
    Ok(apps)
}

/// Has memory forget a tenant and its apps around the commit.
pub(crate) fn forget(root: &mut Root, tenant: TenantKey, apps: HashSet<AppId>) {
    let forget = Arc::new(move |engine: &Engine| {
        engine.lanes.close_all();
        engine.memory.tenants.forget(&tenant);
        // For every tenant: it is unknown which of them had an app of this one.
        engine.memory.subscribers.forget_where(|key| *key == tenant || !apps.is_empty());
        engine.memory.installs.forget_where(|key| key.0 == tenant || apps.contains(&key.1));
        engine.memory.grants.forget_where(|key| key.0 == tenant || apps.contains(&key.1));
        engine.memory.tags.forget_where(|key| key.0 == tenant);
    });
    let (before, after) = (root.engine().clone(), root.engine().clone());
    let again = forget.clone();
    root.on_commit(Hook {
        before: Box::new(move || forget(&before)),
        after: Box::new(move || again(&after)),
    });
}

async fn delete_rows(root: &mut Root, tenant: TenantKey) -> Result<(), StoreError> {
    for table in TABLES {
        root.rows(&format!("DELETE FROM {table} WHERE tenant = $1"), &[Value::from(tenant)]).await?;
    }
    Ok(())
}

/// The tables with what tenants have of an app.
const OF_APPS: [&str; 7] = [
    "app_install",
    "app_visible_user",
    "event_subscriber",
    "event_delivery",
    "delivery_steering",
    "token_issue",
    "user_grant",
];

async fn delete_rows_of_app(root: &mut Root, app: AppId) -> Result<(), StoreError> {
    for table in OF_APPS {
        root.rows(&format!("DELETE FROM {table} WHERE app_id = $1"), &[Value::from(app)]).await?;
    }
    Ok(())
}

/// Deletes what one tenant has of an app that another one made.
pub(crate) async fn delete_rows_of_app_in(
    root: &mut Root,
    tenant: TenantKey,
    app: AppId,
) -> Result<(), StoreError> {
    for table in OF_APPS {
        let sql = format!("DELETE FROM {table} WHERE tenant = $1 AND app_id = $2");
        root.rows(&sql, &[tenant.into(), app.into()]).await?;
    }
    let memory = move |engine: &Engine| {
        engine.memory.subscribers.forget(&tenant);
        engine.memory.installs.forget_where(|key| *key == (tenant, app));
        engine.memory.grants.forget_where(|key| (key.0, key.1) == (tenant, app));
    };
    let (before, after) = (root.engine().clone(), root.engine().clone());
    root.on_commit(Hook {
        before: Box::new(move || memory(&before)),
        after: Box::new(move || memory(&after)),
    });
    Ok(())
}

/// Records that a world was deleted.
async fn remember_world(root: &mut Root, tenant: TenantKey) -> Result<(), StoreError> {
    remember(root, format!("{WORLD}{tenant}")).await
}

/// Records that apps were deleted, with their world or by a restore.
pub(crate) async fn remember_apps(root: &mut Root, apps: &HashSet<AppId>) -> Result<(), StoreError> {
    for app in apps {
        remember(root, format!("{}{app}", apps::DELETED)).await?;
    }
    Ok(())
}

async fn remember(root: &mut Root, name: String) -> Result<(), StoreError> {
    if !root.engine().driver.is_shared() {
        return Ok(());
    }
    let now = root.engine().clock.now_ms();
    let sql = "INSERT INTO job_slot (job, slot) VALUES ($1, $2) ON CONFLICT (job, slot) DO NOTHING";
    root.rows(sql, &[name.into(), now.into()]).await.map(drop)
}

/// Deletes rows that were written for worlds and apps after their deletion. Returns how many worlds and apps were
/// checked.
pub(crate) async fn sweep(engine: &Arc<Engine>, now_ms: i64) -> Result<usize, StoreError> {
    let sql = "SELECT job, slot FROM job_slot WHERE job >= $1 AND job < $2 AND slot < $3 \
               ORDER BY job, slot LIMIT CAST($4 AS BIGINT)";
    let params = vec![ALL.0.into(), ALL.1.into(), now_ms.saturating_sub(WAIT_MS).into(), MOST.into()];
    let due = engine.driver.query(Effect::Reads, sql, params).await?;
    let count = due.len();
    for mut row in due {
        let (name, slot) = (row.text(0)?, row.int(1)?);
        engine.run(Effect::Writes, move |root| Box::pin(once_more(root, name.clone(), slot))).await?;
    }
    Ok(count)
}

async fn once_more(root: &mut Root, name: String, slot: i64) -> Result<(), StoreError> {
    // First, as a unit that writes the app anew deletes the same row before it writes ([`apps::keep`]).
    let sql = "DELETE FROM job_slot WHERE job = $1 AND slot = $2 RETURNING slot";
    if root.rows(sql, &[Value::from(name.as_str()), slot.into()]).await?.is_empty() {
        return Ok(());
    }
    if let Some(tenant) = name.strip_prefix(WORLD).and_then(TenantKey::parse) {
        delete_rows(root, tenant).await?;
    }
    if let Some(app) = name.strip_prefix(apps::DELETED).and_then(AppId::parse) {
        delete_rows_of_app(root, app).await?;
    }
    Ok(())
}
