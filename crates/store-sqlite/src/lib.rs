//! The embedded driver: SQLite with group commit.
//!
//! One thread writes. Waiting units run one after another as savepoints of one transaction, which is committed once,
//! with one sync; only then do their callers get answers. A few threads read concurrently, and one moves the
//! write-ahead log into the database file off the commit path.

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

/// Options of the driver. The defaults suit most uses.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads that read; at least one. Default 2: the read model above the driver answers most reads.
    pub readers: usize,
    /// The size at which the writer itself empties the write-ahead log, which makes writes wait. The log grows further
    /// only under a long reader, such as a backup. Default 256 MiB.
    pub wal_limit_bytes: u64,
    /// The most units in one commit. Default 512.
    pub batch_limit: usize,
    /// Whether units share commits. If off, each unit has its own: slow, and the baseline of the benchmark. Default on.
    pub group_commit: bool,
    /// The writer's page cache, at most; it grows on demand. Default 8 MiB.
    pub writer_cache_bytes: u64,
    /// Each reader's page cache, at most; it grows on demand, and every commit empties it. Default 2 MiB.
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

/// Work since the driver was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions made durable, each with one sync.
    pub commits: u64,
    /// Units in those transactions: divided by `commits`, the size of a batch.
    pub operations: u64,
    /// Units that ran on readers.
    pub reads: u64,
    /// Runs that collided and were retried or given up.
    pub collisions: u64,
    /// Checkpoints done.
    pub checkpoints: u64,
    /// The size of the write-ahead log as of the last commit.
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
    /// `None` in memory, where one connection also reads.
    reads: Option<Arc<Queue>>,
    /// For a store without a writer: all units run where nothing can be written.
    reading: Option<Reading>,
    signal: Arc<CheckpointSignal>,
    counters: Arc<Counters>,
    wal_bytes: Arc<AtomicU64>,
    trouble: Trouble,
    threads: Mutex<Threads>,
}

/// The lock of a directory that is only read, if it could be taken.
struct Reading(Option<Lock>);

/// What [`Sqlite::close`] stops.
#[derive(Default)]
struct Threads {
    /// The readers and the checkpointing thread.
    others: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

impl Sqlite {
    /// Opens the store in a directory, which is created if necessary and belongs to this process until the store is
    /// closed.
    ///
    /// Only one process can have it open: another gets [`OpenError::InUse`].
    pub fn open(directory: &Path, options: &Options) -> Result<Self, OpenError> {
        let lock = files::lock(directory)?;
        let path = files::database(directory)?;
        Self::start(Some((&path, lock)), options)
    }

    /// Opens the store in a directory read-only, also on a disk that is full or read-only. Units that write fail.
    ///
    /// Only one process can have it open, as with [`Sqlite::open`].
    pub fn open_to_read(directory: &Path, options: &Options) -> Result<Self, OpenError> {
        let path = files::present(directory)?;
        let lock = files::lock_to_read(directory)?;
        Self::start_reading(&path, lock, options)
    }

    /// Opens the store in a file to inspect it, safe while a server runs; nothing is written.
    pub fn look(file: &Path) -> Result<Self, OpenError> {
        files::must_be_there(file)?;
        Self::start_reading(file, None, &Options { readers: 1, ..Options::default() })
    }

    /// Refuses a directory whose store is gone: the database is missing or empty, but its log or one of these files
    /// shows that there was a store.
    pub fn lost(directory: &Path, witnesses: &[&str]) -> Result<(), OpenError> {
        files::lost(directory, witnesses)
    }

    fn start_reading(path: &Path, lock: Option<Lock>, options: &Options) -> Result<Self, OpenError> {
        // Failures are reported here rather than at the first call.
        drop(files::open_reader(path, options.reader_cache_bytes).map_err(failed(path))?);
        let store = Sqlite::unstarted(true, Some(Reading(lock)));
        store.start_readers(path, options)?;
        Ok(store)
    }

    /// A store in memory that ends with the process.
    pub fn memory() -> Result<Self, OpenError> {
        // There is no sync to share, and with batches of one a reading unit never sees what may still be undone.
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

    /// Starts the reading threads. They open their connections when they first have work.
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

    /// Starts the threads besides the writer.
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

    /// Whether a directory has a store. If access is denied, the answer is an error.
    pub fn exists(directory: &Path) -> Result<bool, OpenError> {
        files::exists(directory)
    }

    /// Copies the store in a directory to a new file: one consistent snapshot, safe while a server runs.
    ///
    /// The file contains secrets, as the store does, and only its owner can read it.
    pub fn backup(directory: &Path, to: &Path) -> Result<(), OpenError> {
        files::backup(directory, to)
    }

    /// Restores a copy from [`Sqlite::backup`] into a directory without a store. The copy is checked first.
    pub fn restore(from: &Path, directory: &Path) -> Result<(), OpenError> {
        files::restore(from, directory)
    }

    /// Shrinks the store's file to the size of its content: deleted rows leave free space, which is reused but
    /// otherwise kept. Returns the bytes before and after. Needs as much free disk space again while it runs. Fails
    /// with [`OpenError::InUse`] if another process has the directory.
    pub fn compact(directory: &Path) -> Result<(u64, u64), OpenError> {
        files::compact(directory)
    }

    /// The file that [`Sqlite::backup`] writes before it gets its name: its size shows the progress.
    pub fn unfinished(to: &Path) -> PathBuf {
        files::unfinished(to)
    }

    /// The file of the store in a directory.
    pub fn file(directory: &Path) -> PathBuf {
        files::file(directory)
    }

    /// Checks the store of a directory for damage, safe while a server runs. An empty list means that there is none.
    pub fn check(directory: &Path) -> Result<Vec<String>, OpenError> {
        files::check(directory)
    }

    /// Counts so far, for metrics.
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

    /// Serves waiting units, empties the log and releases the directory. Blocks; later calls have no effect. Dropping
    /// the store does the same. Later units fail as unavailable.
    pub fn close(&self) {
        // Taken out, so that no lock is held while joining: the last unit may itself own the store and close it.
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(reads) = &self.reads {
            reads.close();
        }
        self.signal.close();
        // The writer last: the log can be emptied only without readers.
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

/// Waits for a thread to end, unless it is this one: a unit may own the last reference to the store.
fn join(thread: JoinHandle<()>) {
    if thread.thread().id() != thread::current().id() {
        // These threads end on their own; one that panicked has ended, too.
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
