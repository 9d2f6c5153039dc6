//! The writing thread: runs waiting units as savepoints of one transaction and commits once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use larkspur_contract::Effect;
use larkspur_store::{Hook, StoreError, Unit, Verdict};
use rusqlite::wal::CheckpointMode;

use crate::checkpoint::{self, CheckpointSignal};
use crate::files::Lock;
use crate::queue::{Job, Queue, Reply};
use crate::session::UnitConnection;
use crate::{Counters, errors};

/// How often a colliding unit is run in all. Units run one after another, so that only an existing id makes one
/// collide, and a pause between runs would not help.
pub(crate) const RUNS: u32 = 5;

pub(crate) struct Writer {
    pub(crate) connection: Arc<UnitConnection>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) batch_limit: usize,
    /// `None` in memory, where there is no log.
    pub(crate) log: Option<Log>,
    /// Kept to the very end, also if this thread outlives the store. `None` in memory.
    pub(crate) _lock: Option<Lock>,
}

/// The writer's view of the write-ahead log.
pub(crate) struct Log {
    pub(crate) signal: Arc<CheckpointSignal>,
    pub(crate) bytes: Arc<AtomicU64>,
    pub(crate) limit: u64,
}

/// A unit within the open transaction.
enum Ran {
    Kept(Vec<Hook>),
    Undone(Result<(), StoreError>),
    /// The transaction is gone, and with it everything before this unit.
    Lost(StoreError),
}

impl Writer {
    /// Serves until the queue is closed and empty.
    pub(crate) fn run(&self) {
        let mut limit = self.log.as_ref().map_or(u64::MAX, |log| log.limit);
        while let Some(first) = self.queue.take() {
            // Expected panics are caught where they happen. This catches the others: the outcome is unknown to callers
            // in the batch, and the next batch gets a clean connection.
            drop(catch_unwind(AssertUnwindSafe(|| self.batch(first))));
            limit = self.tend_log(limit);
        }
        if self.log.is_some()
            && self.connection.with(|connection| checkpoint::empty(connection, CheckpointMode::TRUNCATE))
        {
            self.counters.checkpoints.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn batch(&self, first: Job) {
        if let Err(error) = self.begin() {
            // Units that wait now would each wait as long again for the same answer.
            let error = errors::of_statement(&error, "BEGIN");
            let waiting = std::iter::from_fn(|| self.queue.try_take()).take(self.batch_limit);
            for job in std::iter::once(first).chain(waiting) {
                answer(job.reply, Err(error.clone()));
            }
            return;
        }
        let mut answers: Vec<(Reply, Result<(), StoreError>)> = Vec::new();
        let mut hooks = Vec::new();
        let mut kept: u64 = 0;
        let mut next = Some(first);
        while let Some(Job { effect, unit, reply }) = next {
            let ran = self.unit(effect, &*unit);
            // Before the reply, so that what the unit owns is mostly dropped by its caller; and the drop may panic.
            drop(catch_unwind(AssertUnwindSafe(|| drop(unit))));
            match ran {
                Ran::Kept(more) => {
                    hooks.extend(more);
                    kept += 1;
                    answers.push((reply, Ok(())));
                }
                Ran::Undone(outcome) => answers.push((reply, outcome)),
                Ran::Lost(error) => {
                    answers.push((reply, Ok(())));
                    return self.fail(answers, &error);
                }
            }
            next = if answers.len() < self.batch_limit { self.queue.try_take() } else { None };
        }
        match self.commit(kept, hooks) {
            Ok(after) => {
                for hook in after {
                    // The commit stands. Memory was invalidated before and is only missing this hook's update, which is
                    // safe.
                    drop(catch_unwind(AssertUnwindSafe(hook)));
                }
                for (reply, outcome) in answers {
                    answer(reply, outcome);
                }
            }
            Err(error) => self.fail(answers, &error),
        }
    }

    fn begin(&self) -> rusqlite::Result<()> {
        if self.connection.in_transaction() {
            self.connection.control("ROLLBACK")?;
        }
        self.connection.control("BEGIN IMMEDIATE")
    }

    /// Runs one unit in its own savepoint, and retries it while it collides.
    fn unit(&self, effect: Effect, unit: &dyn Unit) -> Ran {
        for _ in 0..RUNS {
            if let Err(error) = self.connection.control("SAVEPOINT unit") {
                return Ran::Lost(errors::of_statement(&error, "SAVEPOINT"));
            }
            let (outcome, hooks) = self.connection.run(effect, unit);
            if !self.connection.in_transaction() {
                let why = outcome.err().unwrap_or_else(|| StoreError::Broken("a unit ended it".to_owned()));
                return Ran::Lost(StoreError::Unavailable(format!("the transaction was rolled back: {why}")));
            }
            let outcome = match (outcome, effect) {
                (Ok(Verdict::Commit), Effect::Writes) => match self.connection.control("RELEASE unit") {
                    Ok(()) => return Ran::Kept(hooks),
                    Err(error) => Err(errors::of_statement(&error, "RELEASE")),
                },
                (Ok(_), _) => Ok(()),
                (Err(error), _) => Err(error),
            };
            if let Err(error) = self.undo() {
                return Ran::Lost(errors::of_statement(&error, "ROLLBACK TO"));
            }
            if outcome != Err(StoreError::Collided) {
                return Ran::Undone(outcome);
            }
            self.counters.collisions.fetch_add(1, Ordering::Relaxed);
        }
        Ran::Undone(Err(collided_too_often()))
    }

    fn undo(&self) -> rusqlite::Result<()> {
        self.connection.control("ROLLBACK TO unit")?;
        self.connection.control("RELEASE unit")
    }

    /// Commits, and returns the hooks to run now that the writes are durable.
    fn commit(&self, kept: u64, hooks: Vec<Hook>) -> Result<Vec<Box<dyn FnOnce() + Send>>, StoreError> {
        if kept == 0 {
            // Undone savepoints leave dirty pages behind, which a COMMIT would write and sync needlessly.
            self.connection.control("ROLLBACK").map_err(|error| errors::of_statement(&error, "ROLLBACK"))?;
            return Ok(Vec::new());
        }
        let mut after = Vec::with_capacity(hooks.len());
        for hook in hooks {
            // Memory that was not invalidated would stay stale forever, so there is no commit.
            if catch_unwind(AssertUnwindSafe(hook.before)).is_err() {
                return Err(StoreError::Unavailable("a hook panicked before the commit".to_owned()));
            }
            after.push(hook.after);
        }
        self.connection.control("COMMIT").map_err(|error| errors::of_commit(&error))?;
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        self.counters.operations.fetch_add(kept, Ordering::Relaxed);
        Ok(after)
    }

    /// The whole batch failed. Units that were undone on their own get the same answer: the cause of their refusal may
    /// have been written by another unit.
    fn fail(&self, answers: Vec<(Reply, Result<(), StoreError>)>, error: &StoreError) {
        if self.connection.in_transaction() {
            // If this fails, too, the next batch retries and refuses units until it succeeds.
            drop(self.connection.control("ROLLBACK"));
        }
        for (reply, _) in answers {
            answer(reply, Err(error.clone()));
        }
    }

    /// Requests a checkpoint when the log is worth one, and empties the log here when it is at its limit. Returns the
    /// size at which to do that next.
    fn tend_log(&self, limit: u64) -> u64 {
        let Some(log) = &self.log else { return limit };
        let bytes = log.bytes.load(Ordering::Relaxed);
        if bytes <= limit {
            if bytes > checkpoint::WORTH_BYTES {
                log.signal.request();
            }
            // It had grown past its limit under a long reader, and is small again: the limit applies again.
            return if bytes <= log.limit { log.limit } else { limit };
        }
        let _turn = log.signal.turn();
        if self.connection.with(|connection| checkpoint::empty(connection, CheckpointMode::TRUNCATE)) {
            self.counters.checkpoints.fetch_add(1, Ordering::Relaxed);
            log.bytes.store(0, Ordering::Relaxed);
            return log.limit;
        }
        // A reader has an old snapshot, for example a backup. Waiting for it after each commit would stop the server.
        bytes + log.limit / 8 + checkpoint::WORTH_BYTES
    }
}

pub(crate) fn collided_too_often() -> StoreError {
    StoreError::Unavailable(format!("collided {RUNS} times"))
}

/// The caller may have gone; what was done stays done.
pub(crate) fn answer(reply: Reply, outcome: Result<(), StoreError>) {
    drop(reply.send(outcome));
}
