//! What a server does by itself: it keeps its node number and does the jobs that are due.

use std::sync::{Arc, Weak};
use std::time::Duration;

use larkspur_store::{Engine, StoreError, jobs, nodes};
use tokio::task::AbortHandle;
use tokio::time::sleep;

/// The name of the job that deletes what has ended.
const SWEEP: &str = "sweep";
/// How often it is due, in milliseconds.
const SWEEP_MS: i64 = 600_000;
/// How often jobs that are due are looked for.
const LOOK: Duration = Duration::from_secs(30);
/// After a renewal that failed, the next one comes sooner.
const AGAIN: Duration = Duration::from_secs(2);
/// Slots of a job that are remembered after it.
const SLOTS: i64 = 100;

/// Work beside the calls. It ends when this is dropped.
pub struct Upkeep(Vec<AbortHandle>);

impl Upkeep {
    /// Keeps the node number, if the store is shared.
    pub fn of_the_node(engine: &Arc<Engine>) -> Self {
        let mut tasks = Vec::new();
        if engine.driver.is_shared() {
            tasks.push(tokio::spawn(hold(Arc::downgrade(engine))).abort_handle());
        }
        Upkeep(tasks)
    }

    /// Keeps the node number and does the jobs.
    pub fn of(engine: &Arc<Engine>) -> Self {
        let mut upkeep = Upkeep::of_the_node(engine);
        upkeep.0.push(tokio::spawn(work(Arc::downgrade(engine))).abort_handle());
        upkeep
    }
}

impl Drop for Upkeep {
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
        pause = match engine.hold_node().await {
            Ok(()) => renewal,
            Err(error) => {
                tracing::warn!(%error, "cannot renew the lease of the node number; without one, no ids are made");
                AGAIN
            }
        };
    }
}

/// Does what is due until the engine is gone.
async fn work(engine: Weak<Engine>) {
    loop {
        let Some(held) = engine.upgrade() else { return };
        if let Err(error) = look(&held).await {
            tracing::warn!(%error, "a job was not done");
        }
        drop(held);
        sleep(LOOK).await;
    }
}

/// Does the jobs whose slot nobody has entered.
async fn look(engine: &Arc<Engine>) -> Result<(), StoreError> {
    let now = engine.clock.now_ms();
    let slot = now.div_euclid(SWEEP_MS);
    if jobs::claim(engine, SWEEP, slot).await? {
        let deleted = jobs::sweep(engine, now).await?;
        jobs::forget(engine, SWEEP, slot.saturating_sub(SLOTS)).await?;
        tracing::debug!(deleted, "swept what has ended");
    }
    Ok(())
}
