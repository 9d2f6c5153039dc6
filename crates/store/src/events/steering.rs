//! What the fault rules of a tenant do with events: they are dropped, held, delayed, repeated or corrupted.
//!
//! Workers ask the rules when they claim events. Each event is looked at once, before its first attempt.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};

use super::subscriptions::Mode;
use crate::driver::{BoxFuture, StoreError};
use crate::faults::Ruled;
use crate::tx::{PIECE, found_rows, in_list, wanted};
use crate::{Notice, Root, Tx, Value, policies};

/// Why an event was dropped.
const DROPPED: &str = "dropped by a fault rule of the world";
/// Why an event is held.
const HELD: &str = "held by a fault rule of the world until the app's deliveries are released";

/// What is wrong with an event on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corruption {
    /// Its signature; without an encrypt key, its verification token. Nothing on long connections, which have neither.
    Signature,
    /// Its JSON.
    Json,
}

impl Corruption {
    const fn as_str(self) -> &'static str {
        match self {
            Corruption::Signature => "signature",
            Corruption::Json => "json",
        }
    }

    /// Reads a column.
    pub(super) fn read(text: &str) -> Option<Self> {
        [Corruption::Signature, Corruption::Json].into_iter().find(|one| one.as_str() == text)
    }
}

/// How an event is treated, besides its delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is not sent.
    Drop,
    /// It is not sent until it is released.
    Hold,
    /// It is sent, and a copy.
    Repeat {
        /// Whether the copy has another ID.
        fresh_id: bool,
    },
    /// It is sent with an error.
    Corrupt(Corruption),
}

/// How an event is treated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Treatment {
    /// How much later it is sent, in milliseconds of the tenant's time.
    pub delay_ms: i64,
    /// What else is done.
    pub action: Option<Action>,
}

/// An event before its first attempt.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// Its type.
    pub event_type: String,
    /// The app that receives it.
    pub app_id: AppId,
    /// How the app receives it.
    pub way: Mode,
}

/// The fault rules for events.
pub trait EventRules: Send + Sync {
    /// Whether a tenant has any.
    fn any(&self, ruled: &Ruled) -> bool;
    /// Counts an event for the rules that match it, and says how it is treated. `real_now` is the real time.
    fn decide<'a>(
        &'a self,
        tx: &'a mut Tx,
        ruled: &'a Ruled,
        event: &'a Fresh,
        real_now: i64,
    ) -> BoxFuture<'a, Result<Treatment, StoreError>>;
}

/// No rules.
pub struct NoRules;

impl EventRules for NoRules {
    fn any(&self, _ruled: &Ruled) -> bool {
        false
    }

    fn decide<'a>(
        &'a self,
        _tx: &'a mut Tx,
        _ruled: &'a Ruled,
        _event: &'a Fresh,
        _real_now: i64,
    ) -> BoxFuture<'a, Result<Treatment, StoreError>> {
        Box::pin(async { Ok(Treatment::default()) })
    }
}

/// How many events of an app are held in the transaction's tenant.
pub async fn held(tx: &mut Tx, app_id: AppId) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM event_delivery WHERE tenant = $1 AND app_id = $2 AND state = 'held'";
    let row = tx.row(sql, [app_id.into()]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Makes the held events of an app in the transaction's tenant due at once; returns how many. `real_now` is the real time.
pub async fn release(tx: &mut Tx, app_id: AppId, real_now: i64) -> Result<usize, StoreError> {
    let sql = "UPDATE event_delivery SET state = 'waiting', due_at = $3, failure = '' WHERE tenant = $1 AND app_id = $2 AND state = 'held' \
               RETURNING 1";
    tx.close_lane(app_id);
    let released = tx.rows(sql, [app_id.into(), real_now.into()]).await?.len();
    let engine = tx.engine().clone();
    tx.on_commit(|| {}, move || engine.wakeup.wake());
    tx.notify(Notice::Deliveries);
    Ok(released)
}

/// The tenants of a list that have fault rules, from memory where that is exact.
pub(super) async fn ruled(root: &mut Root, tenants: &[TenantKey]) -> Result<Vec<Ruled>, StoreError> {
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for tenant in tenants {
        match root.engine().memory.tenants.get(tenant, Effect::Writes) {
            Some(known) => {
                found.push(Ruled {
                    tenant: *tenant,
                    clock_offset_ms: known.clock_offset_ms,
                    faults: known.faults.clone(),
                    policy: known.policy.clone(),
                });
            }
            None => unknown.push(Value::from(*tenant)),
        }
    }
    for piece in unknown.chunks(PIECE) {
        let mut values = piece.to_vec();
        let wanted = wanted(1, "TEXT", &mut values);
        let sql = format!(
            "SELECT t.tenant, t.clock_offset_ms, t.faults, t.policy FROM {wanted} LEFT JOIN tenant t ON t.tenant = w.column1 AND t.faults <> ''"
        );
        for mut row in found_rows(root.rows(&sql, &values).await?) {
            let tenant = row.id(0, TenantKey::parse)?;
            let (clock_offset_ms, faults) = (row.int(1)?, row.text(2)?.into());
            found.push(Ruled { tenant, clock_offset_ms, faults, policy: policies::read(&row.text(3)?)? });
        }
    }
    found.retain(|one| !one.faults.is_empty());
    Ok(found)
}

/// Treats due events of the transaction's tenant as its rules say: those without an attempt that were not looked at before. Returns
/// the numbers of those that are not to be sent now, and whether anything changed. `real_now` is the real time.
pub(super) async fn apply(
    tx: &mut Tx,
    (rules, ruled): (&Arc<dyn EventRules>, &Ruled),
    rows: &BTreeMap<i64, (AppId, Mode)>,
    real_now: i64,
) -> Result<(HashSet<i64>, bool), StoreError> {
    let (mut taken, mut changed) = (HashSet::new(), false);
    let numbers: Vec<i64> = rows.keys().copied().collect();
    for piece in numbers.chunks(PIECE) {
        for (number, event_type) in look_at(tx, piece, real_now).await? {
            let Some((app_id, way)) = rows.get(&number).copied() else { continue };
            changed = true;
            let event = Fresh { event_type, app_id, way };
            let treatment = rules.decide(tx, ruled, &event, real_now).await?;
            if treat(tx, number, treatment, real_now).await? {
                taken.insert(number);
            }
        }
    }
    Ok((taken, changed))
}

/// Marks those of some events that no other worker has claimed or looked at; returns their numbers with their types, in order.
async fn look_at(tx: &mut Tx, numbers: &[i64], real_now: i64) -> Result<BTreeMap<i64, String>, StoreError> {
    let mut params: Vec<Value> = vec![real_now.into()];
    let mut numbers: Vec<Value> = numbers.iter().map(|number| (*number).into()).collect();
    let list = in_list(params.len() + 2, &mut numbers);
    let sql = format!(
        "UPDATE event_delivery SET steered = 1 WHERE tenant = $1 AND number IN {list} \
         AND state = 'waiting' AND lease_until <= $2 AND due_at <= $2 AND attempts = 0 AND steered = 0 RETURNING number, event_type"
    );
    params.append(&mut numbers);
    let rows = tx.rows_of(&sql, params).await?;
    rows.into_iter().map(|mut row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// Treats an event; says whether it is not to be sent now.
async fn treat(
    tx: &mut Tx,
    number: i64,
    Treatment { delay_ms, action }: Treatment,
    real_now: i64,
) -> Result<bool, StoreError> {
    let due_at = real_now.saturating_add(delay_ms);
    let (state, failure, corrupted) = match action {
        Some(Action::Drop) => ("dropped", DROPPED, ""),
        Some(Action::Hold) => ("held", HELD, ""),
        Some(Action::Corrupt(how)) => ("waiting", "", how.as_str()),
        Some(Action::Repeat { fresh_id }) => {
            copy(tx, number, fresh_id, due_at).await?;
            ("waiting", "", "")
        }
        None => ("waiting", "", ""),
    };
    if delay_ms == 0 && (action.is_none() || matches!(action, Some(Action::Repeat { .. }))) {
        return Ok(false);
    }
    let sql = "UPDATE event_delivery SET state = $3, due_at = $4, failure = $5, corrupted = $6 WHERE tenant = $1 AND number = $2";
    let params = [number.into(), state.into(), due_at.into(), failure.into(), corrupted.into()];
    tx.rows(sql, params).await?;
    tx.notify(Notice::Delivery(number));
    Ok(state != "waiting" || delay_ms > 0)
}

/// Adds a copy of an event.
async fn copy(tx: &mut Tx, number: i64, fresh_id: bool, due_at: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO event_delivery (tenant, number, event_id, app_id, developer, event_type, form, sealed, payload, created_at, \
               state, due_at, attempts, owner, lease_until, status, failure, steered) \
               SELECT tenant, CAST($3 AS BIGINT), COALESCE(CAST($5 AS TEXT), event_id), app_id, developer, event_type, form, sealed, payload, \
               created_at, 'waiting', CAST($4 AS BIGINT), 0, '', 0, status, '', 1 FROM event_delivery WHERE tenant = $1 AND number = $2";
    let copy = tx.next_id();
    let event_id = fresh_id.then(|| tx.engine().keys.event_id(copy, tx.tenant()));
    tx.rows(sql, [number.into(), copy.into(), due_at.into(), event_id.into()]).await?;
    tx.notify(Notice::Delivery(copy));
    Ok(())
}
