//! Moves the write-ahead log into the database file, off the commit path.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use crate::Counters;

/// A log smaller than this is left alone.
pub(crate) const WORTH_BYTES: u64 = 4 << 20;
/// The shortest time between two checkpoints: each costs two syncs that the writer's own must queue behind.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the writer waits for readers to leave the log when it has reached its limit.
const PATIENCE: Duration = Duration::from_millis(50);
/// The file of the log is given back when it is larger than this: below, to write over it is cheaper than to grow it anew.
const KEPT_BYTES: u64 = 16 << 20;
/// How long after a large log was met it is looked at again: if nothing was committed meanwhile, its file is given back.
const QUIET: Duration = Duration::from_millis(250);
/// For how long commits may put that off. To give it back they must wait, for as long as a checkpoint takes.
const OVERDUE: Duration = Duration::from_secs(5);
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

/// The log as the checkpointing thread knows it.
pub(crate) struct File {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// How much of it is in use, as of the last commit.
    pub(crate) bytes: Arc<AtomicU64>,
}

/// What the writer and the checkpointing thread tell each other.
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

    /// Asks for a checkpoint, soon.
    pub(crate) fn request(&self) {
        self.state().wanted = true;
        self.changed.notify_one();
    }

    /// Held during a checkpoint: SQLite refuses a second one at a time instead of letting it wait.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the thread.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_one();
    }

    /// Waits until a checkpoint is wanted, or, if the file of the log is to be given back, for a while; false at the end.
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

/// The checkpointing thread: asleep until the writer rings, and for as long as the log's file is not larger than it need be.
///
/// A failed checkpoint loses nothing (the log stays and is tried again), so nobody is told; a disk that is full or
/// failing is reported by the commits.
pub(crate) fn run(
    signal: &CheckpointSignal,
    counters: &Counters,
    log: &File,
    open: impl Fn() -> rusqlite::Result<Connection>,
) {
    let mut connection = None;
    // Since when the file has been too large, and how many commits there were at the last look.
    let mut owing: Option<(Instant, u64)> = None;
    while signal.wait(owing.is_some()) {
        if connection.is_none() {
            connection = open().ok();
        }
        let commits = counters.commits.load(Ordering::Relaxed);
        let due = owing.is_some_and(|(since, then)| commits == then || since.elapsed() >= OVERDUE);
        let turn = signal.turn();
        let done = connection.as_ref().is_some_and(|open| {
            // The first does the work beside the writer; the second, which the writer waits for, finds little left.
            checkpoint(open, CheckpointMode::PASSIVE) && (!due || empty(open, CheckpointMode::TRUNCATE))
        });
        drop(turn);
        let large = std::fs::metadata(&log.path).is_ok_and(|file| file.len() > KEPT_BYTES);
        if due && done {
            log.bytes.store(0, Ordering::Relaxed);
        }
        // A reader of an old snapshot, or the writer, is in the way: it is tried again.
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

/// Empties the log so that it begins anew. False if a reader still needs it after a moment.
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
