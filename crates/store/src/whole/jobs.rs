//! Periodic jobs of the whole store: the process that first claims a slot runs them.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;

use crate::clock::system_millis;
use crate::driver::StoreError;
use crate::events::{outbox, subscriptions};
use crate::oauth::KEPT_MS;
use crate::whole::deleted_worlds;
use crate::{Engine, Ids, Value, docx_media, frequency};

/// How many rows one statement deletes at most.
const BATCH: u32 = 500;
/// How many such statements of one kind and tenant a sweep runs; the next one continues.
const ROUNDS: usize = 20;
/// Tenants per page.
const PAGE: i64 = 100;
/// For how long a count of calls is kept after the last one, in milliseconds: well above the longest window.
const IDLE_MS: i64 = 600_000;

/// Claims a slot of a job; false if it was claimed before.
pub async fn claim(engine: &Engine, job: &'static str, slot: i64) -> Result<bool, StoreError> {
    let sql =
        "INSERT INTO job_slot (job, slot) VALUES ($1, $2) ON CONFLICT (job, slot) DO NOTHING RETURNING slot";
    Ok(!engine.driver.query(Effect::Writes, sql, vec![job.into(), slot.into()]).await?.is_empty())
}

/// Deletes a job's slots before one.
pub async fn forget(engine: &Engine, job: &'static str, before: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM job_slot WHERE job = $1 AND slot < $2";
    engine.driver.query(Effect::Writes, sql, vec![job.into(), before.into()]).await.map(drop)
}

/// Rows of a tenant that expire at `$2`, in the tenant's time.
const ENDED: [(&str, i64); 5] = [
    (
        "DELETE FROM message_uuid WHERE tenant = $1 AND name IN \
         (SELECT name FROM message_uuid WHERE tenant = $1 AND until < $2 LIMIT CAST($3 AS BIGINT)) RETURNING 1",
        0,
    ),
    (
        "DELETE FROM idempotency WHERE tenant = $1 AND name IN \
         (SELECT name FROM idempotency WHERE tenant = $1 AND expires_at < $2 LIMIT CAST($3 AS BIGINT)) RETURNING 1",
        0,
    ),
    (
        "DELETE FROM card_token WHERE tenant = $1 AND token IN \
         (SELECT token FROM card_token WHERE tenant = $1 AND expires_at < $2 LIMIT CAST($3 AS BIGINT)) RETURNING 1",
        0,
    ),
    (
        "DELETE FROM oauth_code WHERE tenant = $1 AND code_hash IN \
         (SELECT code_hash FROM oauth_code WHERE tenant = $1 AND expires_at < $2 LIMIT CAST($3 AS BIGINT)) RETURNING 1",
        KEPT_MS,
    ),
    (
        "DELETE FROM oauth_refresh WHERE tenant = $1 AND token_hash IN \
         (SELECT token_hash FROM oauth_refresh WHERE tenant = $1 AND expires_at < $2 LIMIT CAST($3 AS BIGINT)) RETURNING 1",
        KEPT_MS,
    ),
];

/// Deletes expired rows of every tenant in small transactions, and returns their number. `now_ms` is the real time.
pub async fn sweep(engine: &Arc<Engine>, now_ms: i64) -> Result<usize, StoreError> {
    deleted_worlds::sweep(engine, now_ms).await?;
    // Counts without a tenant.
    let mut deleted = sweep_one(engine, frequency::ALL_TENANTS, now_ms, now_ms).await?;
    let mut last = Value::from("");
    loop {
        let sql = "SELECT tenant, clock_offset_ms FROM tenant WHERE tenant > $1 ORDER BY tenant LIMIT CAST($2 AS BIGINT)";
        let page = engine.driver.query(Effect::Reads, sql, vec![last, PAGE.into()]).await?;
        let mut tenant = None;
        for mut row in page {
            let (key, offset) = (row.id(0, TenantKey::parse)?, row.int(1)?);
            let now = now_ms.saturating_add(offset);
            deleted += sweep_one(engine, key, now_ms, now).await?;
            deleted += docx_media::sweep(engine, key, now.saturating_sub(docx_media::UNUSED_MS)).await?;
            subscriptions::mend(engine, key).await?;
            tenant = Some(key);
        }
        let Some(tenant) = tenant else { return Ok(deleted) };
        last = tenant.into();
    }
}

async fn sweep_one(engine: &Engine, tenant: TenantKey, real: i64, now: i64) -> Result<usize, StoreError> {
    let counts = "DELETE FROM call_count WHERE tenant = $1 AND (app_id, operation) IN \
                  (SELECT app_id, operation FROM call_count WHERE tenant = $1 AND seen_at < $2 LIMIT CAST($3 AS BIGINT)) RETURNING 1";
    let events = "DELETE FROM event_delivery WHERE tenant = $1 AND number IN \
                  (SELECT number FROM event_delivery WHERE tenant = $1 AND number < $2 LIMIT CAST($3 AS BIGINT)) RETURNING 1";
    let connections = "DELETE FROM app_connection WHERE tenant = $1 AND (app_id, server) IN \
                       (SELECT app_id, server FROM app_connection WHERE tenant = $1 AND lease_until < $2 LIMIT CAST($3 AS BIGINT)) RETURNING 1";
    let relays = "DELETE FROM callback_relay WHERE tenant = $1 AND id IN \
                  (SELECT id FROM callback_relay WHERE tenant = $1 AND lease_until < $2 LIMIT CAST($3 AS BIGINT)) RETURNING 1";
    // Numbers follow the machine's time, whatever the store's clock.
    let old = Ids::first_at(system_millis().saturating_sub(outbox::KEPT_MS));
    let ended = ENDED.iter().map(|(sql, kept)| (*sql, now.saturating_sub(*kept)));
    let mut deleted = 0;
    let idle = real.saturating_sub(IDLE_MS);
    for (sql, before) in ended.chain([(counts, idle), (connections, idle), (relays, idle), (events, old)]) {
        for _ in 0..ROUNDS {
            let params: Vec<Value> = vec![tenant.into(), before.into(), i64::from(BATCH).into()];
            let gone = engine.driver.query(Effect::Writes, sql, params).await?.len();
            deleted += gone;
            if gone < BATCH as usize {
                break;
            }
        }
    }
    Ok(deleted)
}
