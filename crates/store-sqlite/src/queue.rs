//! The queue in which units wait for a thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use larkspur_contract::Effect;
use larkspur_store::{StoreError, Unit};
use tokio::sync::oneshot;

/// A unit and its caller.
pub(crate) struct Job {
    pub(crate) effect: Effect,
    pub(crate) unit: Arc<dyn Unit>,
    pub(crate) reply: Reply,
}

/// Where the answer goes. The caller may have gone; that undoes nothing.
pub(crate) type Reply = oneshot::Sender<Result<(), StoreError>>;

/// First come, first served. Unbounded: the admission of requests limits how many wait here.
#[derive(Default)]
pub(crate) struct Queue {
    line: Mutex<Line>,
    arrival: Condvar,
}

#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job; false after [`Queue::close`].
    pub(crate) fn push(&self, job: Job) -> bool {
        let mut line = self.line();
        if line.closed {
            return false;
        }
        line.jobs.push_back(job);
        drop(line);
        self.arrival.notify_one();
        true
    }

    /// Waits for a job. `None` once the queue is closed and empty: accepted jobs are always served.
    pub(crate) fn take(&self) -> Option<Job> {
        let mut line = self.line();
        loop {
            if let Some(job) = line.jobs.pop_front() {
                return Some(job);
            }
            if line.closed {
                return None;
            }
            line = self.arrival.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A job that is waiting now, if any.
    pub(crate) fn try_take(&self) -> Option<Job> {
        self.line().jobs.pop_front()
    }

    /// Refuses further jobs.
    pub(crate) fn close(&self) {
        self.line().closed = true;
        self.arrival.notify_all();
    }
}
