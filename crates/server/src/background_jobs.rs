//! Work of the server in the background: it renews its node number and does the jobs that are due.

use std::sync::{Arc, Weak};
use std::time::Duration;

use larkspur_api::events::app_ticket;
use larkspur_store::blobs::{self, Swept};
use larkspur_store::{Engine, StoreError, jobs, nodes};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::unpanicked::unpanicked;

/// A job of the whole store: its name, and how often it is due, in milliseconds.
struct Job {
    name: &'static str,
    every_ms: i64,
}

/// Deletes what has ended.
const ENDED: Job = Job { name: "sweep", every_ms: 600_000 };
/// Removes files that nothing names.
const FILES: Job = Job { name: "files", every_ms: 3_600_000 };
/// Files that one run removes, or a few more: the next one goes on.
const REMOVALS: u64 = 10_000;
/// How often jobs that are due are looked for.
const LOOK: Duration = Duration::from_secs(30);
/// How often tickets that are due are looked for: a clock that is moved brings some at once.
const TICKETS: Duration = Duration::from_secs(1);
/// After a renewal that failed, the next one comes sooner.
const AGAIN: Duration = Duration::from_secs(2);
/// Slots of a job that are remembered after it.
const SLOTS: i64 = 100;

/// Work beside the calls. It ends when this is dropped.
pub struct BackgroundJobs(Vec<AbortHandle>);

impl BackgroundJobs {
    /// Keeps the node number, if the store is shared.
    pub fn of_the_node(engine: &Arc<Engine>) -> Self {
        let mut tasks = Vec::new();
        if engine.driver.is_shared() {
            tasks.push(tokio::spawn(hold(Arc::downgrade(engine))).abort_handle());
        }
        BackgroundJobs(tasks)
    }

    /// Keeps the node number and does the jobs. `grace` is for how long files that nothing names are kept.
    pub fn of(engine: &Arc<Engine>, grace: Duration) -> Self {
        let mut jobs = BackgroundJobs::of_the_node(engine);
        // Each by itself: files may take long.
        jobs.0.push(tokio::spawn(sweep(Arc::downgrade(engine))).abort_handle());
        jobs.0.push(tokio::spawn(send_tickets(Arc::downgrade(engine))).abort_handle());
        if engine.blobs.is_some() {
            jobs.0.push(tokio::spawn(sweep_files(Arc::downgrade(engine), grace)).abort_handle());
        }
        jobs
    }
}

impl Drop for BackgroundJobs {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// Renews the lease of the node number until the engine is gone.
async fn hold(engine: Weak<Engine>) {
    let renewal = Duration::from_millis(nodes::RENEWAL_MS.unsigned_abs());
    let mut pause = renewal;
    loop {
        sleep(pause).await;
        let Some(engine) = engine.upgrade() else { return };
        pause = match unpanicked(nodes::hold_node(&engine)).await.unwrap_or_else(|why| panicked(&why)) {
            Ok(()) => renewal,
            Err(error) => {
                tracing::warn!(why = %error, "cannot renew the lease of the node number; no ids are created without it");
                AGAIN
            }
        };
    }
}

/// Work that panicked is done again when it is due.
fn panicked<T>(why: &str) -> Result<T, StoreError> {
    Err(StoreError::Broken(format!("it panicked: {why}")))
}

async fn sweep(engine: Weak<Engine>) {
    while let Some(engine) = engine.upgrade() {
        if let Err(error) = unpanicked(sweep_if_due(&engine)).await.unwrap_or_else(|why| panicked(&why)) {
            tracing::warn!(why = %error, "cleanup of expired rows failed; retrying in 10 minutes");
        }
        drop(engine);
        sleep(LOOK).await;
    }
}

/// Sends ISV apps the tickets that are due.
async fn send_tickets(engine: Weak<Engine>) {
    while let Some(engine) = engine.upgrade() {
        let now = engine.clock.now_ms();
        let sent = unpanicked(app_ticket::send_due(&engine, now)).await.unwrap_or_else(|why| panicked(&why));
        let pause = match sent {
            Ok(_) => TICKETS,
            Err(error) => {
                tracing::warn!(why = %error, "tickets that are due were not sent; retrying in 30 seconds");
                LOOK
            }
        };
        drop(engine);
        sleep(pause).await;
    }
}

async fn sweep_files(engine: Weak<Engine>, grace: Duration) {
    while let Some(engine) = engine.upgrade() {
        match unpanicked(sweep_files_if_due(&engine, grace, REMOVALS))
            .await
            .unwrap_or_else(|why| panicked(&why))
        {
            Ok(None) => {}
            Ok(Some(swept)) => {
                tracing::debug!(seen = swept.seen, removed = swept.removed, "unused files removed");
            }
            Err(error) => {
                tracing::warn!(why = %error, "cleanup of unused files failed; retrying in an hour");
            }
        }
        drop(engine);
        sleep(LOOK).await;
    }
}

/// Claims the current slot of a job; false if another server did.
async fn enter(engine: &Engine, job: &Job) -> Result<bool, StoreError> {
    let slot = engine.clock.now_ms().div_euclid(job.every_ms);
    let entered = jobs::claim(engine, job.name, slot).await?;
    if entered {
        jobs::forget(engine, job.name, slot.saturating_sub(SLOTS)).await?;
    }
    Ok(entered)
}

/// Deletes what has ended, unless some server did in this slot.
async fn sweep_if_due(engine: &Arc<Engine>) -> Result<(), StoreError> {
    if enter(engine, &ENDED).await? {
        let deleted = jobs::sweep(engine, engine.clock.now_ms()).await?;
        tracing::debug!(deleted, "expired rows deleted");
    }
    Ok(())
}

/// Sweeps the files that are kept apart, unless some server did in this hour, and removes `most` of them or a few more;
/// `None` if there was nothing to do.
///
/// # Errors
/// The store or the files are unavailable; the next hour goes on.
pub async fn sweep_files_if_due(
    engine: &Arc<Engine>,
    grace: Duration,
    most: u64,
) -> Result<Option<Swept>, StoreError> {
    let Some(files) = &engine.blobs else { return Ok(None) };
    if !enter(engine, &FILES).await? {
        return Ok(None);
    }
    let grace_ms = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
    blobs::sweep(engine, &**files, grace_ms, most).await.map(Some)
}
