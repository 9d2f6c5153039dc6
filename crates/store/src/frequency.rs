//! Counts calls across all processes on a store.

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};

use crate::driver::StoreError;
use crate::{Engine, Tx, Value};

/// A window in which a number of calls is allowed. The default allows any number.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// In milliseconds.
    pub length_ms: i64,
    /// Calls allowed in it.
    pub cap: i64,
}

impl Default for Window {
    fn default() -> Self {
        Window { length_ms: 0, cap: i64::MAX }
    }
}

/// A full window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FullWindow {
    /// Calls allowed in it.
    pub cap: i64,
    /// Milliseconds until it opens again, at least 1.
    pub left_ms: i64,
}

/// The result of [`count`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The full window, if the call was not counted.
    pub full: Option<FullWindow>,
    /// How many calls each window has, with this one if it was counted.
    pub used: [i64; 2],
}

/// The tenant key for calls that are counted per app, across tenants.
pub const ALL_TENANTS: TenantKey = TenantKey(0);

/// The app and the operation whose calls are counted.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The tenant, or [`ALL_TENANTS`].
    pub tenant: TenantKey,
    /// The app.
    pub app_id: AppId,
    /// The operation's id.
    pub operation: &'a str,
}

/// Tolerated clock skew between two servers, in milliseconds: a call from slightly before a window counts in it.
const SKEW: i64 = 1000;
/// How often to count again when a full window has opened in the meantime.
const TRIES: usize = 3;

/// `$4` is now; `$5` and `$6` are the length and the cap of the first window, `$7` and `$8` of the second one.
const COUNT: &str = "INSERT INTO call_count (tenant, app_id, operation, start_1, calls_1, start_2, calls_2, seen_at) \
     VALUES ($1, $2, $3, $4, 1, $4, 1, $9) ON CONFLICT (tenant, app_id, operation) DO UPDATE SET \
     start_1 = CASE WHEN $4 >= call_count.start_1 - $10 AND $4 < call_count.start_1 + $5 THEN call_count.start_1 ELSE $4 END, \
     calls_1 = CASE WHEN $4 >= call_count.start_1 - $10 AND $4 < call_count.start_1 + $5 THEN call_count.calls_1 + 1 ELSE 1 END, \
     start_2 = CASE WHEN $4 >= call_count.start_2 - $10 AND $4 < call_count.start_2 + $7 THEN call_count.start_2 ELSE $4 END, \
     calls_2 = CASE WHEN $4 >= call_count.start_2 - $10 AND $4 < call_count.start_2 + $7 THEN call_count.calls_2 + 1 ELSE 1 END, \
     seen_at = excluded.seen_at \
     WHERE NOT (call_count.calls_1 >= $6 AND $4 >= call_count.start_1 - $10 AND $4 < call_count.start_1 + $5) \
     AND NOT (call_count.calls_2 >= $8 AND $4 >= call_count.start_2 - $10 AND $4 < call_count.start_2 + $7) \
     RETURNING calls_1, calls_2";

/// Whether there is such a tenant. Counts of a tenant that was deleted would stay for ever: sweeps visit tenants that exist.
///
/// # Errors
/// The store is unavailable.
pub async fn has_tenant(engine: &Engine, tenant: TenantKey) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM tenant WHERE tenant = $1";
    Ok(!engine.driver.query(Effect::Reads, sql, vec![tenant.into()]).await?.is_empty())
}

/// Counts a call at the tenant's time `now`, unless a window is full: refused calls do not count. `real_now` records
/// when the count was last used.
///
/// If several windows are full, returns the one that opens last, so that a caller that waits for it succeeds.
pub async fn count(
    engine: &Engine,
    key: Key<'_>,
    windows: [Window; 2],
    now: i64,
    real_now: i64,
) -> Result<Counted, StoreError> {
    let whose = || [Value::from(key.tenant), key.app_id.into(), key.operation.into()];
    // The app id comes from the call, unauthenticated. Nothing is kept for an unknown app, or callers without
    // credentials could fill the table. The operation refuses such a call itself.
    if key.tenant == ALL_TENANTS {
        let known = "SELECT 1 FROM app WHERE app_id = $1";
        if engine.driver.query(Effect::Reads, known, vec![key.app_id.into()]).await?.is_empty() {
            return Ok(Counted { full: None, used: [0; 2] });
        }
    }
    let (mut found, mut used) = (None, [0; 2]);
    for _ in 0..TRIES {
        let mut params = whose().to_vec();
        params.push(now.into());
        params.extend(windows.iter().flat_map(|window| [window.length_ms.into(), window.cap.into()]));
        params.extend([real_now.into(), SKEW.into()]);
        if let Some(row) = engine.driver.query(Effect::Writes, COUNT, params).await?.into_iter().next() {
            return Ok(Counted { full: None, used: [row.int(0)?, row.int(1)?] });
        }
        let sql = "SELECT start_1, calls_1, start_2, calls_2 FROM call_count WHERE tenant = $1 AND app_id = $2 AND operation = $3";
        let rows = engine.driver.query(Effect::Reads, sql, whose().to_vec()).await?;
        // Deleted by a sweep or a failover: there is room.
        let Some(row) = rows.into_iter().next() else { continue };
        for ((window, used), column) in windows.into_iter().zip(&mut used).zip([0, 2]) {
            let (start, calls) = (row.int(column)?, row.int(column + 1)?);
            let left_ms = start.saturating_add(window.length_ms).saturating_sub(now);
            let open = left_ms > 0 && left_ms <= window.length_ms.saturating_add(SKEW);
            *used = if open { calls } else { 0 };
            if open && calls >= window.cap && found.is_none_or(|full: FullWindow| full.left_ms < left_ms) {
                found = Some(FullWindow { cap: window.cap, left_ms });
            }
        }
        if found.is_some() {
            return Ok(Counted { full: found, used });
        }
    }
    // The count failed on a full window each time, and the window was open each time it was read: other calls win.
    Ok(Counted { full: Some(FullWindow { cap: windows[0].cap, left_ms: 1 }), used })
}

/// In place of an app: the calls of months are counted for all apps together.
const MONTHS: AppId = AppId(0);

/// How long the count of a month outlives its last call, in milliseconds of the real time.
const MONTH_KEPT_MS: i64 = 32 * 86_400_000;

/// Counts a call of a tenant in a month, which is named by its first millisecond and the one after its last, unless it has `most`
/// calls already: false. Servers on one store count together.
///
/// # Errors
/// The store is unavailable.
pub async fn count_of_month(
    engine: &Engine,
    tenant: TenantKey,
    (from, to): (i64, i64),
    most: i64,
    real_now: i64,
) -> Result<bool, StoreError> {
    let name = format!("month {from}");
    let key = Key { tenant, app_id: MONTHS, operation: &name };
    let month = Window { length_ms: to.saturating_sub(from), cap: most };
    // Its time is always the first of the month: a clock that is moved back counts in the same window.
    let counted =
        count(engine, key, [month, Window::default()], from, real_now.saturating_add(MONTH_KEPT_MS)).await?;
    Ok(counted.full.is_none())
}

/// Starts to count the calls of months anew in the transaction's tenant.
pub async fn forget_months(tx: &mut Tx) -> Result<(), StoreError> {
    forget(tx, MONTHS).await
}

/// Starts to count the messages of batches anew in the transaction's tenant.
pub async fn forget_batches(tx: &mut Tx) -> Result<(), StoreError> {
    forget(tx, BATCHES).await
}

async fn forget(tx: &mut Tx, app_id: AppId) -> Result<(), StoreError> {
    tx.rows("DELETE FROM call_count WHERE tenant = $1 AND app_id = $2", [app_id.into()]).await.map(drop)
}

/// In place of an app: the messages of batches are counted for each app, which stands in place of an operation.
const BATCHES: AppId = AppId(1);

const COUNT_BATCH: &str = "INSERT INTO call_count (tenant, app_id, operation, start_1, calls_1, start_2, calls_2, seen_at) \
     VALUES ($1, $2, $3, $4, $5, $4, 0, $6) ON CONFLICT (tenant, app_id, operation) DO UPDATE SET start_1 = excluded.start_1, \
     calls_1 = CASE WHEN call_count.start_1 = excluded.start_1 THEN call_count.calls_1 + excluded.calls_1 ELSE excluded.calls_1 END, \
     seen_at = excluded.seen_at \
     WHERE call_count.start_1 <> excluded.start_1 OR call_count.calls_1 + excluded.calls_1 <= $7 RETURNING calls_1";

/// Counts the messages of a batch that an app sends on the day that begins at `day`, unless it would have more than `most` on it:
/// false. Servers on one store count together; a batch that is refused later does not count.
///
/// # Errors
/// The store is unavailable.
pub async fn count_batch(
    tx: &mut Tx,
    app_id: AppId,
    day: i64,
    messages: i64,
    most: i64,
) -> Result<bool, StoreError> {
    if messages > most {
        return Ok(false);
    }
    // The sweep removes what is idle: it has to stay for the day.
    let kept = tx.engine().clock.now_ms().saturating_add(MONTH_KEPT_MS);
    let app = app_id.to_string();
    let params = [BATCHES.into(), app.into(), day.into(), messages.into(), kept.into(), most.into()];
    Ok(tx.row(COUNT_BATCH, params).await?.is_some())
}
