//! Moves the write-ahead log into the database file, off the commit path.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use crate::Counters;

/// A log smaller than this is left alone.
pub(crate) const WORTH_BYTES: u64 = 4 << 20;
/// The shortest time between two checkpoints: each costs two syncs that the writer's own must queue behind.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the writer waits for readers to leave the log when it has reached its limit.
const PATIENCE: Duration = Duration::from_millis(50);
/// What a page costs in the log beyond its own size.
const FRAME_HEADER: u64 = 24;

/// How large the log is. SQLite tells after every commit, and that replaces its own checkpoints.
pub(crate) fn watch(connection: &mut Connection, wal_bytes: Arc<AtomicU64>) -> rusqlite::Result<()> {
    let page_size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let frame = u64::try_from(page_size).unwrap_or(4096) + FRAME_HEADER;
    connection.wal_hook(Some(move |_: &'_ mut rusqlite::hooks::Wal, frames| {
        wal_bytes.store(u64::try_from(frames).unwrap_or(0) * frame, Ordering::Relaxed);
        Ok(())
    }))
}

/// What the writer and the checkpointing thread tell each other.
#[derive(Default)]
pub(crate) struct Bell {
    state: Mutex<State>,
    rung: Condvar,
    turn: Mutex<()>,
}

#[derive(Default)]
struct State {
    wanted: bool,
    closed: bool,
}

impl Bell {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a checkpoint, soon.
    pub(crate) fn ring(&self) {
        self.state().wanted = true;
        self.rung.notify_one();
    }

    /// Held during a checkpoint: SQLite refuses a second one at a time instead of letting it wait.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the thread.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.rung.notify_one();
    }

    /// Whether a checkpoint is wanted; false at the end.
    fn wait(&self) -> bool {
        let waiting = |state: &mut State| !state.wanted && !state.closed;
        let mut state = self.rung.wait_while(self.state(), waiting).unwrap_or_else(PoisonError::into_inner);
        state.wanted = false;
        !state.closed
    }

    fn pause(&self) {
        drop(self.rung.wait_timeout_while(self.state(), PAUSE, |state| !state.closed));
    }
}

/// The checkpointing thread: asleep until the writer rings.
///
/// A failed checkpoint loses nothing (the log stays and is tried again), so nobody is told; a disk that is full or
/// failing is reported by the commits.
pub(crate) fn run(bell: &Bell, counters: &Counters, open: impl Fn() -> rusqlite::Result<Connection>) {
    let mut connection = None;
    while bell.wait() {
        if connection.is_none() {
            connection = open().ok();
        }
        let turn = bell.turn();
        let done = connection.as_ref().is_some_and(|open| checkpoint(open, CheckpointMode::PASSIVE));
        drop(turn);
        if done {
            counters.checkpoints.fetch_add(1, Ordering::Relaxed);
        } else {
            connection = None;
        }
        bell.pause();
    }
}

/// Empties the log from the writer's thread, between batches, so that it begins anew. False if readers still need it.
pub(crate) fn empty(connection: &Connection, mode: CheckpointMode) -> bool {
    let patient = connection.busy_timeout(PATIENCE).is_ok();
    let done = patient && checkpoint(connection, mode);
    // It fails only for a closed connection.
    drop(connection.busy_timeout(crate::files::BUSY));
    done
}

fn checkpoint(connection: &Connection, mode: CheckpointMode) -> bool {
    connection.wal_checkpoint_v2(Some(rusqlite::MAIN_DB), mode).is_ok()
}
