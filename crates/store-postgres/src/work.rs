//! Units and statements, each run until it is certain what became of it.

use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;
use larkspur_store::{Row, StoreError, Unit, Value};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::groups::{GROUP, Groups, Turn, Waiting};
use crate::pool::Pool;
use crate::run::{self, Member, Ran};
use crate::transaction::begin;

/// How often a unit that collides is run in all.
const RUNS: u32 = 12;
/// How long a unit waits for its group until one more lane is started: the one before it takes its time.
const PATIENCE: Duration = Duration::from_millis(10);
/// How often a lane gives way to those who may have more for its next group, as long as some come.
const GATHER: u32 = 8;
/// The longest pause between two runs of a unit that collides.
const PAUSE: Duration = Duration::from_millis(100);

/// What a driver and the tasks it started share.
pub(crate) struct Inner {
    pub(crate) pool: Pool,
    pub(crate) deadline: Duration,
    pub(crate) groups: Groups,
    pub(crate) commits: AtomicU64,
    pub(crate) grouped: AtomicU64,
    pub(crate) undone: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) collisions: AtomicU64,
    pub(crate) unknown_outcomes: AtomicU64,
}

impl Inner {
    /// Runs a unit by itself.
    pub(crate) async fn transact(
        &self,
        effect: Effect,
        unit: &dyn Unit,
        until: Instant,
    ) -> Result<(), StoreError> {
        let mut runs = 0;
        loop {
            let (ran, used) =
                self.run(effect, &[vec![Member { unit, until, only_adds: false }]], until).await?;
            // It died while it waited in the pool; nothing was lost with it.
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

    /// Runs units once, on a connection of the pool, and tells whether that was used before.
    async fn run(
        &self,
        effect: Effect,
        chains: &[Vec<Member<'_>>],
        until: Instant,
    ) -> Result<(Ran, bool), StoreError> {
        let turn = self.pool.turn(until).await?;
        let (connection, used) = self.pool.take().await?;
        let mut ran = run::run(connection, effect, chains).await;
        match ran.connection.take() {
            Some(connection) => self.pool.give_back(connection),
            None => self.pool.forget(),
        }
        drop(turn);
        Ok((ran, used))
    }

    /// Runs a unit that writes the rows of one tenant alone, as one of a group if others wait, too.
    pub(crate) async fn transact_of(
        self: Arc<Self>,
        tenant: TenantKey,
        unit: Arc<dyn Unit>,
    ) -> Result<(), StoreError> {
        let (reply, mut answer) = oneshot::channel();
        let until = Instant::now() + self.deadline;
        match self.groups.enter(Waiting { tenant, unit, until, reply }) {
            Turn::Alone(unit) => drop(tokio::spawn(self.clone().alone(unit))),
            Turn::Lane => drop(tokio::spawn(self.clone().lane())),
            Turn::Later => {}
        }
        let answered = match timeout(PATIENCE, &mut answer).await {
            Ok(answered) => answered,
            Err(_) => {
                if self.groups.hurry(tenant) {
                    drop(tokio::spawn(self.clone().lane()));
                }
                answer.await
            }
        };
        answered.unwrap_or_else(|_| {
            Err(StoreError::UnknownOutcome("the unit was ended with the process".to_owned()))
        })
    }

    /// Runs what waits, group by group.
    async fn lane(self: Arc<Self>) {
        let mut ran = Vec::new();
        loop {
            self.gather().await;
            let group = self.groups.next(&ran);
            ran = group.iter().flatten().map(|unit| unit.tenant).collect();
            if ran.is_empty() {
                return;
            }
            // A lane that ended by a panic would never be free again, and its tenants neither.
            drop(AssertUnwindSafe(self.run_group(group)).catch_unwind().await);
        }
    }

    /// Calls often come together: lets those that are about to hand over their units do so first.
    async fn gather(&self) {
        let mut waiting = self.groups.waiting();
        for _ in 0..GATHER {
            tokio::task::yield_now().await;
            let now = self.groups.waiting();
            if now <= waiting || now >= GROUP {
                return;
            }
            waiting = now;
        }
    }

    async fn run_group(self: &Arc<Self>, group: Vec<Vec<Waiting>>) {
        if group.iter().map(Vec::len).sum::<usize>() > 1 {
            return self.together(group).await;
        }
        for unit in group.into_iter().flatten() {
            self.run_alone(unit).await;
        }
    }

    async fn alone(self: Arc<Self>, unit: Waiting) {
        let tenant = unit.tenant;
        drop(AssertUnwindSafe(self.run_alone(unit)).catch_unwind().await);
        self.groups.ended_alone(tenant);
    }

    async fn run_alone(&self, unit: Waiting) {
        let outcome = self.transact(Effect::Writes, &*unit.unit, unit.until).await;
        self.reply(unit, outcome);
    }

    async fn together(self: &Arc<Self>, group: Vec<Vec<Waiting>>) {
        let member = |unit| {
            let Waiting { unit, until, .. }: &Waiting = unit;
            Member { unit: &**unit, until: *until, only_adds: unit.only_adds() }
        };
        let chains: Vec<Vec<Member<'_>>> =
            group.iter().map(|chain| chain.iter().map(member).collect()).collect();
        let until = chains.iter().flatten().map(|member| member.until).min().unwrap_or_else(Instant::now);
        let ran = self.run(Effect::Writes, &chains, until).await;
        drop(chains);
        self.grouped.fetch_add(1, Ordering::Relaxed);
        let units: Vec<Waiting> = group.into_iter().flatten().collect();
        let outcomes = match ran {
            Ok((ran, _)) => ran.outcomes,
            Err(error) => Some(vec![Err(error); units.len()]),
        };
        let outcomes = outcomes.unwrap_or_else(|| {
            self.undone.fetch_add(1, Ordering::Relaxed);
            vec![Err(StoreError::Collided); units.len()]
        });
        for (unit, outcome) in units.into_iter().zip(outcomes) {
            if outcome == Err(StoreError::Collided) {
                self.groups.goes_alone(unit.tenant);
                drop(tokio::spawn(self.clone().alone(unit)));
            } else {
                self.reply(unit, outcome);
            }
        }
    }

    fn reply(&self, waiting: Waiting, outcome: Result<(), StoreError>) {
        self.count(Effect::Writes, &outcome);
        // Whoever asked may be gone; it was run to its end all the same.
        drop(waiting.reply.send(outcome));
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
            // It died while it waited in the pool.
            if lost && used && matches!(error, StoreError::Unavailable(_)) && Instant::now() < until {
                continue;
            }
            if error != StoreError::Collided {
                return Err(error);
            }
            self.collided(&mut runs, until).await?;
        }
    }

    /// Counts a collision and waits a moment, or gives up.
    async fn collided(&self, runs: &mut u32, until: Instant) -> Result<(), StoreError> {
        *runs += 1;
        self.collisions.fetch_add(1, Ordering::Relaxed);
        if *runs == RUNS || Instant::now() >= until {
            return Err(StoreError::Unavailable(format!("collided {runs} times")));
        }
        sleep(pause(*runs)).await;
        Ok(())
    }

    /// Counts what came of something.
    pub(crate) fn count<T>(&self, effect: Effect, outcome: &Result<T, StoreError>) {
        let counter = match (outcome, effect) {
            (Ok(_), Effect::Writes) => &self.commits,
            (Ok(_), Effect::Reads) => &self.reads,
            (Err(StoreError::UnknownOutcome(_)), _) => &self.unknown_outcomes,
            (Err(_), _) => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A random pause that grows with the number of collisions.
fn pause(runs: u32) -> Duration {
    let longest = Duration::from_millis(1 << runs.min(10)).min(PAUSE);
    // The standard library's source of randomness that needs no crate; nothing depends on it but the pause.
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
