//! Background work of the server: it renews its node number and runs the jobs that are due.

use std::sync::{Arc, Weak};
use std::time::Duration;

use larkspur_api::events::app_ticket;
use larkspur_store::blobs::{self, Swept};
use larkspur_store::retention::{self, Retention};
use larkspur_store::{Engine, StoreError, jobs, nodes};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::unpanicked::unpanicked;

/// A job of the whole store: its name, and how often it is due, in milliseconds.
struct Job {
    name: &'static str,
    every_ms: i64,
}

/// Deletes expired rows.
const ENDED: Job = Job { name: "sweep", every_ms: 600_000 };
/// Deletes old messages.
const MESSAGES: Job = Job { name: "messages", every_ms: 600_000 };
/// Removes unreferenced files.
const FILES: Job = Job { name: "files", every_ms: 3_600_000 };
/// Files that one run removes, or a few more; the next one continues.
const REMOVALS: u64 = 10_000;
/// How often to check for jobs that are due.
const LOOK: Duration = Duration::from_secs(30);
/// How often to check for tickets that are due: a clock that is moved makes some due at once.
const TICKETS: Duration = Duration::from_secs(1);
/// The pause after a failed renewal, shorter than usual.
const AGAIN: Duration = Duration::from_secs(2);
/// How many past slots of a job are kept.
const SLOTS: i64 = 100;

/// Background tasks. They stop when this is dropped.
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

    /// Keeps the node number and runs the jobs. `grace` is how long unreferenced files are kept, `kept`
    /// how long messages are.
    pub fn of(engine: &Arc<Engine>, grace: Duration, kept: Retention) -> Self {
        let mut jobs = BackgroundJobs::of_the_node(engine);
        // Separate tasks: files may take long.
        jobs.0.push(tokio::spawn(sweep(Arc::downgrade(engine))).abort_handle());
        jobs.0.push(tokio::spawn(send_tickets(Arc::downgrade(engine))).abort_handle());
        if kept.age_ms.is_some() || kept.per_chat.is_some() {
            jobs.0.push(tokio::spawn(sweep_messages(Arc::downgrade(engine), kept)).abort_handle());
        }
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

/// Work that panicked runs again when it is due.
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

/// Deletes old messages, unless another server did in this slot.
async fn sweep_messages(engine: Weak<Engine>, kept: Retention) {
    while let Some(engine) = engine.upgrade() {
        match unpanicked(sweep_messages_if_due(&engine, kept)).await.unwrap_or_else(|why| panicked(&why)) {
            Ok(0) => {}
            Ok(deleted) => tracing::debug!(deleted, "old messages deleted"),
            Err(error) => {
                tracing::warn!(why = %error, "cleanup of old messages failed; retrying in 10 minutes");
            }
        }
        drop(engine);
        sleep(LOOK).await;
    }
}

async fn sweep_messages_if_due(engine: &Arc<Engine>, kept: Retention) -> Result<usize, StoreError> {
    if !enter(engine, &MESSAGES).await? {
        return Ok(0);
    }
    retention::sweep(engine, kept, engine.clock.now_ms()).await
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

/// Deletes expired rows, unless another server did in this slot.
async fn sweep_if_due(engine: &Arc<Engine>) -> Result<(), StoreError> {
    if enter(engine, &ENDED).await? {
        let deleted = jobs::sweep(engine, engine.clock.now_ms()).await?;
        tracing::debug!(deleted, "expired rows deleted");
    }
    Ok(())
}

/// Removes unreferenced files, `most` of them or a few more, unless another server did in this hour; `None` if there
/// was nothing to do.
///
/// # Errors
/// The store or the files are unavailable; the run of the next hour continues.
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
