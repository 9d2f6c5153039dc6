//! Node numbers of the processes on a shared store, by lease: they make their snowflakes unique.

use larkspur_contract::Effect;

use crate::clock::system_millis;
use crate::driver::StoreError;
use crate::ids::{NODES, Node, random_bytes};
use crate::{Engine, Value};

/// For how long a number is leased, in milliseconds: a failover blocks writes for half a minute.
const LEASE_MS: i64 = 120_000;
/// How often a lease is to be renewed, in milliseconds.
pub const RENEWAL_MS: i64 = 20_000;
/// A number is free this long after its lease ended, in milliseconds: clocks may differ.
const GRACE_MS: i64 = 10_000;
/// How often another process may take a number first.
const TRIES: usize = 32;

/// Renews the lease of this process's node number, or takes a free number. Does nothing if no other process can use the
/// store.
///
/// A process that keeps an engine must call this every [`RENEWAL_MS`].
///
/// # Errors
/// As [`hold`].
pub async fn hold_node(engine: &Engine) -> Result<(), StoreError> {
    if !engine.driver.is_shared() {
        return Ok(());
    }
    hold(engine, system_millis()).await
}

/// Renews the lease of the engine's number, or takes a free one. `now_ms` is the real time.
///
/// # Errors
/// [`StoreError`]. The number is kept until its lease ends.
pub async fn hold(engine: &Engine, now_ms: i64) -> Result<(), StoreError> {
    let held = engine.ids.node();
    if held.epoch > 0 && renew(engine, held, now_ms).await? {
        return Ok(());
    }
    take(engine, now_ms).await
}

/// Renews a lease; false if another process took the number in the meantime.
async fn renew(engine: &Engine, held: Node, now_ms: i64) -> Result<bool, StoreError> {
    let until_ms = now_ms.saturating_add(LEASE_MS);
    let sql = "UPDATE node_lease SET until_ms = $3 WHERE node_no = $1 AND epoch = $2 RETURNING epoch";
    let params = vec![held.number.into(), held.epoch.into(), until_ms.into()];
    if engine.driver.query(Effect::Writes, sql, params).await?.is_empty() {
        return Ok(false);
    }
    engine.ids.hold(Node { until_ms, ..held }, 0);
    Ok(true)
}

/// A free number: its epoch, 0 if it was never leased, and until when it was leased.
#[derive(Clone, Copy)]
struct Free {
    number: i64,
    epoch: i64,
    until_ms: i64,
}

async fn take(engine: &Engine, now_ms: i64) -> Result<(), StoreError> {
    let owner = format!("{:016x}", u64::from_le_bytes(random_bytes()));
    let until_ms = now_ms.saturating_add(LEASE_MS);
    for _ in 0..TRIES {
        let free = free(engine, now_ms).await?;
        // A random one: processes that start together should not all try the same.
        let draw = usize::from(u16::from_le_bytes(random_bytes()));
        let Some(chosen) = free.get(draw % free.len().max(1)).copied() else {
            return Err(StoreError::Unavailable(format!(
                "all {NODES} node numbers are held by other servers"
            )));
        };
        let sql = "INSERT INTO node_lease (node_no, owner, epoch, until_ms) VALUES ($1, $2, 1, $3) ON CONFLICT (node_no) DO UPDATE \
                   SET owner = excluded.owner, epoch = node_lease.epoch + 1, until_ms = excluded.until_ms \
                   WHERE node_lease.epoch = $4 RETURNING epoch";
        let params: Vec<Value> =
            vec![chosen.number.into(), owner.as_str().into(), until_ms.into(), chosen.epoch.into()];
        if let Some(row) = engine.driver.query(Effect::Writes, sql, params).await?.into_iter().next() {
            let node = Node { number: chosen.number, epoch: row.int(0)?, until_ms };
            engine.ids.hold(node, chosen.until_ms);
            return Ok(());
        }
    }
    Err(StoreError::Unavailable("lost the race for every free node number".to_owned()))
}

/// The free numbers.
async fn free(engine: &Engine, now_ms: i64) -> Result<Vec<Free>, StoreError> {
    let sql = "SELECT node_no, epoch, until_ms FROM node_lease ORDER BY node_no";
    let mut all: Vec<Free> = (0..NODES).map(|number| Free { number, epoch: 0, until_ms: 0 }).collect();
    for row in engine.driver.query(Effect::Reads, sql, vec![]).await? {
        let (number, epoch, until_ms) = (row.int(0)?, row.int(1)?, row.int(2)?);
        if let Some(known) = usize::try_from(number).ok().and_then(|index| all.get_mut(index)) {
            *known = Free { number, epoch, until_ms };
        }
    }
    all.retain(|known| known.until_ms.saturating_add(GRACE_MS) < now_ms);
    Ok(all)
}
