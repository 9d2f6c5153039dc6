//! Counts of the driver's work, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use larkspur_contract::Effect;
use larkspur_store::StoreError;

/// Counts since the driver was opened. [`crate::Stats`] says what each means.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) groups_undone: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) collisions: AtomicU64,
    pub(crate) unknown_outcomes: AtomicU64,
}

impl Counters {
    /// Counts the outcome of a unit or a statement.
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
