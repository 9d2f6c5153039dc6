//! The embedded driver: SQLite with group commit.
//!
//! One thread writes. Units that wait for it run one after another as savepoints of one transaction, which is committed
//! once, with one sync; only then is anybody answered. A few threads read beside it, and one moves the write-ahead log
//! into the database file off the commit path.

mod checkpoint;
mod errors;
mod files;
mod queue;
mod readers;
mod session;
mod trouble;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use larkspur_contract::Effect;
use larkspur_store::{BoxFuture, Driver, StoreError, Unit};
use tokio::sync::oneshot;

use checkpoint::CheckpointSignal;
pub use files::OpenError;
use files::{Lock, failed};
use queue::{Job, Queue};
use session::UnitConnection;
use trouble::Trouble;
use writer::{Log, Writer};

/// What can be tuned. The defaults suit nearly everybody.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads that read; at least one. Default 2: the read model above the driver answers most reads.
    pub readers: usize,
    /// The size at which the writer itself empties the write-ahead log, making writes wait. Only under a long reader,
    /// such as a backup, does the log grow further. Default 256 MiB.
    pub wal_limit_bytes: u64,
    /// The most units in one commit. Default 512.
    pub batch_limit: usize,
    /// Whether units share commits. Off, each has its own: slow, and the yardstick of the benchmark. Default on.
    pub group_commit: bool,
    /// The most that the writer caches of the file; it grows on demand. Default 8 MiB.
    pub writer_cache_bytes: u64,
    /// The most that each reader caches of the file; it grows on demand, and every commit empties it. Default 2 MiB.
    pub reader_cache_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            readers: 2,
            wal_limit_bytes: 256 << 20,
            batch_limit: 512,
            group_commit: true,
            writer_cache_bytes: 8 << 20,
            reader_cache_bytes: 2 << 20,
        }
    }
}

/// What the driver has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions made durable: each one sync.
    pub commits: u64,
    /// Units in those transactions: over `commits`, the size of a batch.
    pub operations: u64,
    /// Units that ran on readers.
    pub reads: u64,
    /// Runs that collided and were run again, or given up.
    pub collisions: u64,
    /// Checkpoints done.
    pub checkpoints: u64,
    /// The present size of the write-ahead log, as of the last commit.
    pub wal_bytes: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) operations: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) collisions: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
}

/// A store in one SQLite file, or in memory.
pub struct Sqlite {
    writes: Arc<Queue>,
    /// None in memory, where there is one connection and it reads, too.
    reads: Option<Arc<Queue>>,
    /// Of a store without a writer: whatever a unit is said to do, it runs where nothing can be written.
    reading: Option<Reading>,
    signal: Arc<CheckpointSignal>,
    counters: Arc<Counters>,
    wal_bytes: Arc<AtomicU64>,
    trouble: Trouble,
    threads: Mutex<Threads>,
}

/// The lock of a directory that is only read, where it could be taken.
struct Reading(Option<Lock>);

/// What [`Sqlite::close`] ends.
#[derive(Default)]
struct Threads {
    /// The readers and the checkpointing thread.
    others: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

impl Sqlite {
    /// Opens the store in a directory, which is made if need be and belongs to this process until it is closed.
    ///
    /// Only one process has it at a time: another is refused with [`OpenError::InUse`].
    pub fn open(directory: &Path, options: &Options) -> Result<Self, OpenError> {
        let lock = files::lock(directory)?;
        let path = files::database(directory)?;
        Self::start(Some((&path, lock)), options)
    }

    /// Opens the store in a directory to read it, also on a disk that is full or read-only; nothing is written. Units that
    /// write fail.
    ///
    /// Only one process has it at a time, as with [`Sqlite::open`].
    pub fn open_to_read(directory: &Path, options: &Options) -> Result<Self, OpenError> {
        let path = files::present(directory)?;
        let lock = files::lock_to_read(directory)?;
        Self::start_reading(&path, lock, options)
    }

    /// Opens the store in a file to look at it, whether a server runs on it or not; nothing is written.
    pub fn look(file: &Path) -> Result<Self, OpenError> {
        files::must_be_there(file)?;
        Self::start_reading(file, None, &Options { readers: 1, ..Options::default() })
    }

    /// Refuses a directory whose store is gone: there is no database, or an empty one, and a log of it or one of these
    /// files says that there was a store.
    pub fn lost(directory: &Path, witnesses: &[&str]) -> Result<(), OpenError> {
        files::lost(directory, witnesses)
    }

    fn start_reading(path: &Path, lock: Option<Lock>, options: &Options) -> Result<Self, OpenError> {
        // Told here rather than at the first call.
        drop(files::open_reader(path, options.reader_cache_bytes).map_err(failed(path))?);
        let store = Sqlite::unstarted(true, Some(Reading(lock)));
        store.start_readers(path, options)?;
        Ok(store)
    }

    /// A store that is nowhere on disk and ends with the process.
    pub fn memory() -> Result<Self, OpenError> {
        // There is no sync to share, and a batch of one means that a reading unit never sees what may yet be undone.
        Self::start(None, &Options { group_commit: false, ..Options::default() })
    }

    fn start(place: Option<(&Path, Lock)>, options: &Options) -> Result<Self, OpenError> {
        let (path, lock) = place.unzip();
        let name = path.unwrap_or(Path::new(":memory:"));
        let mut connection = files::open_writer(path, options).map_err(failed(name))?;
        let mut store = Sqlite::unstarted(path.is_some(), None);
        store.trouble = path.map_or_else(|| Ok(Trouble::default()), Trouble::of).map_err(failed(name))?;
        let log = match path {
            None => None,
            Some(path) => {
                checkpoint::watch(&mut connection, store.wal_bytes.clone()).map_err(failed(path))?;
                store.start_beside(path, options)?;
                let (signal, bytes) = (store.signal.clone(), store.wal_bytes.clone());
                Some(Log { signal, bytes, limit: options.wal_limit_bytes })
            }
        };
        let writer = Writer {
            connection: UnitConnection::new(connection),
            queue: store.writes.clone(),
            counters: store.counters.clone(),
            batch_limit: if options.group_commit { options.batch_limit.max(1) } else { 1 },
            log,
            _lock: lock,
        };
        let thread = spawn("larkspur-write", move || writer.run()).map_err(failed(name))?;
        store.threads.lock().unwrap_or_else(PoisonError::into_inner).writer = Some(thread);
        Ok(store)
    }

    /// A store without threads.
    fn unstarted(has_readers: bool, reading: Option<Reading>) -> Self {
        Sqlite {
            writes: Arc::default(),
            reads: has_readers.then(Arc::default),
            reading,
            signal: Arc::default(),
            counters: Arc::default(),
            wal_bytes: Arc::default(),
            trouble: Trouble::default(),
            threads: Mutex::default(),
        }
    }

    /// Starts the threads that read. They open their connections when they first have work.
    fn start_readers(&self, path: &Path, options: &Options) -> Result<(), OpenError> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..options.readers.max(1) {
            let Some(queue) = self.reads.clone() else { break };
            let (counters, file, cache) =
                (self.counters.clone(), path.to_owned(), options.reader_cache_bytes);
            let open = move || files::open_reader(&file, cache);
            let thread = spawn("larkspur-read", move || readers::run(&queue, &counters, open));
            threads.others.push(thread.map_err(failed(path))?);
        }
        Ok(())
    }

    /// Starts the threads beside the writer.
    fn start_beside(&self, path: &Path, options: &Options) -> Result<(), OpenError> {
        self.start_readers(path, options)?;
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let (signal, counters, file) = (self.signal.clone(), self.counters.clone(), PathBuf::from(path));
        let log = checkpoint::File { path: files::log_of(path), bytes: self.wal_bytes.clone() };
        let open = move || files::open_checkpointer(&file);
        let thread = spawn("larkspur-log", move || checkpoint::run(&signal, &counters, &log, open));
        threads.others.push(thread.map_err(failed(path))?);
        Ok(())
    }

    /// Whether a directory has a store. Not being allowed to look is an error.
    pub fn exists(directory: &Path) -> Result<bool, OpenError> {
        files::exists(directory)
    }

    /// Copies the store in a directory to a new file: one consistent snapshot, whether a server runs on it or not.
    ///
    /// The file holds secrets, as the store does, and is made readable by its owner only.
    pub fn backup(directory: &Path, to: &Path) -> Result<(), OpenError> {
        files::backup(directory, to)
    }

    /// Makes a copy from [`Sqlite::backup`] the store of a directory that has none. The copy is examined first.
    pub fn restore(from: &Path, directory: &Path) -> Result<(), OpenError> {
        files::restore(from, directory)
    }

    /// Makes the file of the store in a directory as small as what is in it: what was deleted leaves room in it, which is
    /// used again and otherwise kept. Returns the bytes before and after. Needs as much room again while it works, and
    /// that no process has the directory: another is told by [`OpenError::InUse`].
    pub fn compact(directory: &Path) -> Result<(u64, u64), OpenError> {
        files::compact(directory)
    }

    /// The file that [`Sqlite::backup`] writes before it has its name: its size tells how far a backup is.
    pub fn unfinished(to: &Path) -> PathBuf {
        files::unfinished(to)
    }

    /// The file of the store in a directory.
    pub fn file(directory: &Path) -> PathBuf {
        files::file(directory)
    }

    /// Looks for damage in the store of a directory, whether a server runs on it or not. Nothing found is an empty list.
    pub fn check(directory: &Path) -> Result<Vec<String>, OpenError> {
        files::check(directory)
    }

    /// What was done so far, for metrics.
    pub fn stats(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            commits: read(&self.counters.commits),
            operations: read(&self.counters.operations),
            reads: read(&self.counters.reads),
            collisions: read(&self.counters.collisions),
            checkpoints: read(&self.counters.checkpoints),
            wal_bytes: read(&self.wal_bytes),
        }
    }

    /// Serves what waits, empties the log and lets go of the directory. It blocks, and later calls do nothing; so does
    /// dropping the store, which is the same. Units that come later are told that the store is unavailable.
    pub fn close(&self) {
        // Taken out, so that no lock is held while joining: the last unit may itself hold the store and close it.
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(reads) = &self.reads {
            reads.close();
        }
        self.signal.close();
        // The writer last: the log can be emptied only when nobody reads it.
        for thread in threads.others {
            join(thread);
        }
        self.writes.close();
        if let Some(Reading(Some(lock))) = &self.reading {
            lock.release();
        }
        if let Some(writer) = threads.writer {
            join(writer);
        }
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.close();
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)
}

/// Waits for a thread to end, unless it is this one: a unit may hold the last reference to the store.
fn join(thread: JoinHandle<()>) {
    if thread.thread().id() != thread::current().id() {
        // These threads end by themselves; one that panicked has ended, too.
        drop(thread.join());
    }
}

impl Driver for Sqlite {
    fn transact(&self, effect: Effect, unit: Arc<dyn Unit>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let queue = match (effect, &self.reads) {
                (effect, Some(reads)) if effect == Effect::Reads || self.reading.is_some() => reads,
                _ => &self.writes,
            };
            let (reply, answer) = oneshot::channel();
            if !queue.push(Job { effect, unit, reply }) {
                return Err(StoreError::Unavailable("the store is closed".to_owned()));
            }
            let outcome = answer.await.unwrap_or_else(|_| {
                Err(StoreError::UnknownOutcome("the thread that ran the unit gave no answer".to_owned()))
            });
            self.trouble.note(effect, &outcome);
            outcome
        })
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.now()
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn name(&self) -> &'static str {
        "sqlite"
    }
}
