//! Runs units and statements on connections of the pool, and retries them until the outcome is certain.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::Ordering;
use std::time::Duration;

use larkspur_contract::Effect;
use larkspur_store::{Row, StoreError, Unit, Value};
use tokio::time::{Instant, sleep};

use crate::counters::Counters;
use crate::execution::{self, Member, Ran};
use crate::pool::Pool;
use crate::transaction::begin;

/// How often a colliding unit is run in all.
const RUNS: u32 = 12;
/// The longest pause between two runs of a colliding unit.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs units and statements.
pub(crate) struct Attempts {
    pub(crate) pool: Pool,
    pub(crate) deadline: Duration,
    pub(crate) counters: Counters,
}

impl Attempts {
    /// Runs a unit alone.
    pub(crate) async fn transact(
        &self,
        effect: Effect,
        unit: &dyn Unit,
        until: Instant,
    ) -> Result<(), StoreError> {
        let mut runs = 0;
        loop {
            let (ran, used) =
                self.attempt(effect, &[vec![Member { unit, until, only_adds: false }]], until).await?;
            // The connection died while it waited in the pool; nothing was lost with it.
            if ran.untouched && used && Instant::now() < until {
                continue;
            }
            let outcome = ran.outcomes.and_then(|mut outcomes| outcomes.pop());
            match outcome.unwrap_or(Err(StoreError::Collided)) {
                Err(StoreError::Collided) => self.collided(&mut runs, until).await?,
                outcome => return outcome,
            }
        }
    }

    /// Runs units once, on a connection of the pool. Returns whether the connection was used before.
    pub(crate) async fn attempt(
        &self,
        effect: Effect,
        chains: &[Vec<Member<'_>>],
        until: Instant,
    ) -> Result<(Ran, bool), StoreError> {
        let turn = self.pool.turn(until).await?;
        let (connection, used) = self.pool.take().await?;
        let mut ran = execution::execute(connection, effect, chains).await;
        match ran.connection.take() {
            Some(connection) => self.pool.give_back(connection),
            None => self.pool.forget(),
        }
        drop(turn);
        Ok((ran, used))
    }

    /// Runs a statement outside of any transaction.
    pub(crate) async fn query(
        &self,
        effect: Effect,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let until = Instant::now() + self.deadline;
        let mut runs = 0;
        loop {
            let turn = self.pool.turn(until).await?;
            let (connection, used) = self.pool.take().await?;
            let outcome = match effect {
                Effect::Reads => {
                    connection.query(None, sql, params, until, effect).await.map(|(rows, _)| rows)
                }
                Effect::Writes => connection.write(begin(effect), sql, params, until).await,
            };
            let lost = outcome.as_ref().is_err_and(|failure| failure.lost);
            if lost {
                drop(connection);
                self.pool.forget();
            } else {
                self.pool.give_back(connection);
            }
            drop(turn);
            let error = match outcome {
                Ok(rows) => return Ok(rows),
                Err(failure) => failure.error,
            };
            // The connection died while it waited in the pool.
            if lost && used && matches!(error, StoreError::Unavailable(_)) && Instant::now() < until {
                continue;
            }
            if error != StoreError::Collided {
                return Err(error);
            }
            self.collided(&mut runs, until).await?;
        }
    }

    /// Counts a collision and pauses, or gives up.
    async fn collided(&self, runs: &mut u32, until: Instant) -> Result<(), StoreError> {
        *runs += 1;
        self.counters.collisions.fetch_add(1, Ordering::Relaxed);
        if *runs == RUNS || Instant::now() >= until {
            return Err(StoreError::Unavailable(format!("collided {runs} times")));
        }
        sleep(pause(*runs)).await;
        Ok(())
    }
}

/// A random pause that grows with the number of collisions.
fn pause(runs: u32) -> Duration {
    let longest = Duration::from_millis(1 << runs.min(10)).min(PAUSE);
    // The standard library's randomness, which needs no crate; only the pause depends on it.
    let draw = RandomState::new().hash_one(runs) % 1024;
    longest * u32::try_from(draw).unwrap_or(0) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_short_and_differ() {
        let pauses: Vec<Duration> = (1..=RUNS).map(pause).collect();
        assert!(pauses.iter().all(|pause| *pause <= PAUSE));
        assert!((0..50).map(|_| pause(10)).collect::<std::collections::HashSet<_>>().len() > 10);
    }
}
