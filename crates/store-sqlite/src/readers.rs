//! The reading threads, each with its own connection, beside the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use larkspur_contract::Effect;
use larkspur_store::{StoreError, Unit};
use rusqlite::Connection;

use crate::queue::{Job, Queue};
use crate::session::UnitConnection;
use crate::writer::{RUNS, answer, collided_too_often};
use crate::{Counters, errors};

/// One reading thread: runs until the queue is closed and empty. The connection is opened for the first unit.
pub(crate) fn run(queue: &Queue, counters: &Counters, open: impl Fn() -> rusqlite::Result<Connection>) {
    let mut connection: Option<Arc<UnitConnection>> = None;
    while let Some(job) = queue.take() {
        // Panics of a unit are caught where it runs; this catches panics of what is dropped afterwards.
        drop(catch_unwind(AssertUnwindSafe(|| serve(job, &mut connection, counters, &open))));
    }
}

fn serve(
    Job { unit, reply, .. }: Job,
    connection: &mut Option<Arc<UnitConnection>>,
    counters: &Counters,
    open: impl Fn() -> rusqlite::Result<Connection>,
) {
    if reply.is_closed() {
        // No caller is left, and a read has no effect: under overload this is the work to shed.
        return;
    }
    let ready = match connection.take() {
        Some(ready) => Ok(ready),
        None => open().map(UnitConnection::new).map_err(|error| errors::of_statement(&error, "open")),
    };
    let outcome = ready.and_then(|ready| {
        let outcome = read(&ready, counters, &*unit);
        // After an error of the disk or the file a new connection is better than a warm one.
        if !matches!(outcome, Err(StoreError::Unavailable(_))) {
            *connection = Some(ready);
        }
        outcome
    });
    // Before the reply: the caller then has the last reference and closes the store when dropping it, instead of this
    // thread some time later.
    drop(catch_unwind(AssertUnwindSafe(|| drop(unit))));
    answer(reply, outcome);
}

fn read(connection: &Arc<UnitConnection>, counters: &Counters, unit: &dyn Unit) -> Result<(), StoreError> {
    for _ in 0..RUNS {
        // It must be deferred: the unit's first statement takes the snapshot, after the unit has recorded the read
        // model's generation. Otherwise it could fill memory with a row that was replaced in between.
        connection.control("BEGIN").map_err(|error| errors::of_statement(&error, "BEGIN"))?;
        // A reader commits nothing, so its hooks are not needed.
        let (outcome, _) = connection.run(Effect::Reads, unit);
        if connection.in_transaction() {
            connection.control("ROLLBACK").map_err(|error| errors::of_statement(&error, "ROLLBACK"))?;
        }
        if outcome != Err(StoreError::Collided) {
            counters.reads.fetch_add(1, Ordering::Relaxed);
            return outcome.map(drop);
        }
        counters.collisions.fetch_add(1, Ordering::Relaxed);
    }
    Err(collided_too_often())
}
