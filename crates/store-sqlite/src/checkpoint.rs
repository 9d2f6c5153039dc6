//! Moves the write-ahead log into the database file, off the commit path.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use crate::Counters;

/// A smaller log is not checkpointed.
pub(crate) const WORTH_BYTES: u64 = 4 << 20;
/// The shortest time between two checkpoints: each costs two syncs that the writer's own must queue behind.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the writer waits for readers to leave the log once it has reached its limit.
const PATIENCE: Duration = Duration::from_millis(50);
/// The log file is truncated when it is larger than this. Below, overwriting is cheaper than growing the file again.
const KEPT_BYTES: u64 = 16 << 20;
/// How long after a large log file was found it is checked again. If nothing was committed meanwhile, it is truncated.
const QUIET: Duration = Duration::from_millis(250);
/// How long commits may delay that. Truncating blocks commits for as long as a checkpoint takes.
const OVERDUE: Duration = Duration::from_secs(5);
/// What a page costs in the log beyond its own size.
const FRAME_HEADER: u64 = 24;

/// Tracks the size of the log. SQLite reports it after every commit, which replaces automatic checkpoints.
pub(crate) fn watch(connection: &mut Connection, wal_bytes: Arc<AtomicU64>) -> rusqlite::Result<()> {
    let page_size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let frame = u64::try_from(page_size).unwrap_or(4096) + FRAME_HEADER;
    connection.wal_hook(Some(move |_: &'_ mut rusqlite::hooks::Wal, frames| {
        wal_bytes.store(u64::try_from(frames).unwrap_or(0) * frame, Ordering::Relaxed);
        Ok(())
    }))
}

/// The log as the checkpointing thread knows it.
pub(crate) struct File {
    /// Its path.
    pub(crate) path: PathBuf,
    /// How much of it is in use, as of the last commit.
    pub(crate) bytes: Arc<AtomicU64>,
}

/// State shared by the writer and the checkpointing thread.
#[derive(Default)]
pub(crate) struct CheckpointSignal {
    state: Mutex<State>,
    changed: Condvar,
    turn: Mutex<()>,
}

#[derive(Default)]
struct State {
    wanted: bool,
    closed: bool,
}

impl CheckpointSignal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests a checkpoint.
    pub(crate) fn request(&self) {
        self.state().wanted = true;
        self.changed.notify_one();
    }

    /// Locked during a checkpoint: SQLite refuses a concurrent one instead of letting it wait.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the thread.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_one();
    }

    /// Waits until a checkpoint is wanted or, if the log file has to be truncated, for a while; false at the end.
    fn wait(&self, owing: bool) -> bool {
        let waiting = |state: &mut State| !state.wanted && !state.closed;
        let mut state = if owing {
            let waited = self.changed.wait_timeout_while(self.state(), QUIET, waiting);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            self.changed.wait_while(self.state(), waiting).unwrap_or_else(PoisonError::into_inner)
        };
        state.wanted = false;
        !state.closed
    }

    fn pause(&self) {
        drop(self.changed.wait_timeout_while(self.state(), PAUSE, |state| !state.closed));
    }
}

/// The checkpointing thread: sleeps until the writer asks for a checkpoint or the log file has to be truncated.
///
/// A failed checkpoint loses nothing (the log stays and the checkpoint is retried), so it is not reported. A full or
/// failing disk is reported by the commits.
pub(crate) fn run(
    signal: &CheckpointSignal,
    counters: &Counters,
    log: &File,
    open: impl Fn() -> rusqlite::Result<Connection>,
) {
    let mut connection = None;
    // Since when the file has been too large, and the number of commits at the last check.
    let mut owing: Option<(Instant, u64)> = None;
    while signal.wait(owing.is_some()) {
        if connection.is_none() {
            connection = open().ok();
        }
        let commits = counters.commits.load(Ordering::Relaxed);
        let due = owing.is_some_and(|(since, then)| commits == then || since.elapsed() >= OVERDUE);
        let turn = signal.turn();
        let done = connection.as_ref().is_some_and(|open| {
            // The first does the work concurrently with the writer; the second, for which the writer waits, finds
            // little left.
            checkpoint(open, CheckpointMode::PASSIVE) && (!due || empty(open, CheckpointMode::TRUNCATE))
        });
        drop(turn);
        let large = std::fs::metadata(&log.path).is_ok_and(|file| file.len() > KEPT_BYTES);
        if due && done {
            log.bytes.store(0, Ordering::Relaxed);
        }
        // A reader of an old snapshot, or the writer, is in the way: retry.
        owing =
            large.then(|| (owing.filter(|_| !due).map_or_else(Instant::now, |(since, _)| since), commits));
        if done {
            counters.checkpoints.fetch_add(1, Ordering::Relaxed);
        } else if !due {
            connection = None;
        }
        signal.pause();
    }
}

/// Empties the log so that it starts again. False if a reader still needs it after a moment.
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
