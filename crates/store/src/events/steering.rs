//! What tests want done with the next events for an app: they are dropped, held, delayed or sent twice.
//!
//! Workers look here when they claim events. An event is treated so once, before its first attempt.

use std::collections::{BTreeMap, HashSet};

use larkspur_contract::ids::AppId;

use crate::driver::StoreError;
use crate::tx::{PIECE, in_list};
use crate::{Notice, Tx, Value};

/// Why an event was dropped.
const DROPPED: &str = "dropped as the steering of the app's deliveries says";
/// Why an event is held.
const HELD: &str = "held until the app's deliveries are released";

/// What is done with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is not sent.
    Drop,
    /// It is not sent until it is released.
    Hold,
    /// It is sent later.
    Delay,
    /// It is sent, and a copy with the same ID.
    Repeat,
}

impl Action {
    const ALL: [Action; 4] = [Action::Drop, Action::Hold, Action::Delay, Action::Repeat];

    /// Its name in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Drop => "drop",
            Action::Hold => "hold",
            Action::Delay => "delay",
            Action::Repeat => "repeat",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Action::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// What is done with the next events for an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steering {
    /// What is done with each.
    pub action: Action,
    /// How much later it is sent, in milliseconds, if it is delayed.
    pub delay_ms: i64,
    /// The number of events that are still to be treated so.
    pub left: i64,
}

/// What is done with the next events for an app in the transaction's tenant.
pub async fn get(tx: &mut Tx, app_id: AppId) -> Result<Option<Steering>, StoreError> {
    let sql = "SELECT action, delay_ms, events_left FROM delivery_steering WHERE tenant = $1 AND app_id = $2";
    let row = tx.row(sql, [app_id.into()]).await?;
    let read = |mut row: crate::Row| {
        Ok(Steering { action: row.id(0, Action::parse)?, delay_ms: row.int(1)?, left: row.int(2)? })
    };
    row.map(read).transpose()
}

/// Sets what is done with the next events for an app in the transaction's tenant.
pub async fn set(tx: &mut Tx, app_id: AppId, steering: &Steering) -> Result<(), StoreError> {
    let sql = "INSERT INTO delivery_steering (tenant, app_id, action, delay_ms, events_left) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (tenant, app_id) DO UPDATE SET action = excluded.action, delay_ms = excluded.delay_ms, \
               events_left = excluded.events_left";
    let row =
        [app_id.into(), steering.action.as_str().into(), steering.delay_ms.into(), steering.left.into()];
    tx.rows(sql, row).await.map(drop)
}

/// Ends the steering of an app in the transaction's tenant.
pub async fn remove(tx: &mut Tx, app_id: AppId) -> Result<(), StoreError> {
    let sql = "DELETE FROM delivery_steering WHERE tenant = $1 AND app_id = $2";
    tx.rows(sql, [app_id.into()]).await.map(drop)
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
    let released = tx.rows(sql, [app_id.into(), real_now.into()]).await?.len();
    let engine = tx.engine().clone();
    tx.on_commit(|| {}, move || engine.wakeup.wake());
    tx.notify(Notice::Deliveries);
    Ok(released)
}

/// Treats due events as the steering of their apps says: those without an attempt that were not treated before. Returns the numbers of those that are not to be sent now, and whether
/// anything changed. `real_now` is the real time.
pub(super) async fn apply(
    tx: &mut Tx,
    rows: &[(AppId, i64)],
    real_now: i64,
) -> Result<(HashSet<i64>, bool), StoreError> {
    let mut apps: BTreeMap<AppId, Vec<i64>> = BTreeMap::new();
    for (app_id, number) in rows {
        apps.entry(*app_id).or_default().push(*number);
    }
    let (mut taken, mut changed) = (HashSet::new(), false);
    for (app_id, mut numbers) in apps {
        // It is locked, so that workers do not count the same events twice.
        let sql = "UPDATE delivery_steering SET action = action WHERE tenant = $1 AND app_id = $2 AND events_left > 0 RETURNING 1";
        if tx.row(sql, [app_id.into()]).await?.is_none() {
            continue;
        }
        let Some(mut steering) = get(tx, app_id).await? else { continue };
        numbers.sort_unstable();
        let mut rest = numbers.as_slice();
        while steering.left > 0 && !rest.is_empty() {
            let most = usize::try_from(steering.left).unwrap_or(PIECE).min(PIECE).min(rest.len());
            let (piece, others) = rest.split_at(most);
            rest = others;
            let treated = treat(tx, piece, &steering, real_now).await?;
            steering.left -= i64::try_from(treated.len()).unwrap_or(0);
            changed |= !treated.is_empty();
            match steering.action {
                Action::Repeat => {
                    for number in treated {
                        copy(tx, number, real_now).await?;
                    }
                }
                Action::Drop | Action::Hold | Action::Delay => taken.extend(treated),
            }
        }
        let sql = "UPDATE delivery_steering SET events_left = $3 WHERE tenant = $1 AND app_id = $2";
        tx.rows(sql, [app_id.into(), steering.left.into()]).await?;
    }
    Ok((taken, changed))
}

/// Treats those of some events that no other worker has claimed or treated; returns their numbers.
async fn treat(
    tx: &mut Tx,
    numbers: &[i64],
    steering: &Steering,
    real_now: i64,
) -> Result<Vec<i64>, StoreError> {
    let (state, due_at, failure) = match steering.action {
        Action::Drop => ("dropped", real_now, DROPPED),
        Action::Hold => ("held", real_now, HELD),
        Action::Delay => ("waiting", real_now + steering.delay_ms, ""),
        Action::Repeat => ("waiting", real_now, ""),
    };
    let mut params: Vec<Value> = vec![real_now.into(), state.into(), due_at.into(), failure.into()];
    let mut numbers: Vec<Value> = numbers.iter().map(|number| (*number).into()).collect();
    let list = in_list(params.len() + 2, &mut numbers);
    let sql = format!(
        "UPDATE event_delivery SET steered = 1, state = $3, due_at = $4, failure = $5 WHERE tenant = $1 AND number IN {list} \
         AND state = 'waiting' AND lease_until <= $2 AND due_at <= $2 AND attempts = 0 AND steered = 0 RETURNING number"
    );
    params.append(&mut numbers);
    let rows = tx.rows_of(&sql, params).await?;
    let treated: Vec<i64> = rows.into_iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
    tx.notify_deliveries(&treated);
    Ok(treated)
}

/// Adds a copy of an event, with the same ID, to be sent at once.
async fn copy(tx: &mut Tx, number: i64, real_now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO event_delivery (tenant, number, event_id, app_id, developer, event_type, form, sealed, payload, created_at, \
               state, due_at, attempts, owner, lease_until, status, failure, steered) \
               SELECT tenant, CAST($3 AS BIGINT), event_id, app_id, developer, event_type, form, sealed, payload, created_at, \
               'waiting', CAST($4 AS BIGINT), 0, '', 0, status, '', 1 FROM event_delivery WHERE tenant = $1 AND number = $2";
    let copy = tx.next_id();
    tx.rows(sql, [number.into(), copy.into(), real_now.into()]).await?;
    tx.notify(Notice::Delivery(copy));
    Ok(())
}
