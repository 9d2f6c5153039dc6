//! The files of a store: opens and locks them, copies them, checks them for damage.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::Options;

const DATABASE: &str = "larkspur.db";
const LOCK: &str = "larkspur.lock";
/// The suffixes of the files that SQLite leaves beside a database that was not closed.
const REMAINS: [&str; 2] = ["-wal", "-journal"];

/// How long a statement waits for another process, such as an operator's `sqlite3`, to release the database.
pub(crate) const BUSY: Duration = Duration::from_secs(2);
/// Statements kept prepared on each connection: more than the product has.
const STATEMENTS: usize = 256;

/// Why the files of a store cannot be used.
#[derive(Debug)]
pub enum OpenError {
    /// Another process has the data directory.
    InUse(PathBuf),
    /// The store, or the file, does not exist.
    Missing(PathBuf),
    /// The database is gone, but this other file shows that it existed.
    Lost(PathBuf, PathBuf),
    /// It exists already and is not overwritten.
    Exists(PathBuf),
    /// The file is not a healthy database. The problems, at most a hundred lines.
    Damaged(PathBuf, Vec<String>),
    /// The operating system denied this user access: the file, what was tried, and the reason.
    Denied(PathBuf, String),
    /// The operating system or SQLite refused: the file, what was tried, and the reason.
    Failed(PathBuf, String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::InUse(directory) => {
                write!(f, "the data directory {} is in use by another larkspur process", directory.display())
            }
            OpenError::Missing(path) => write!(f, "{} does not exist", path.display()),
            OpenError::Lost(path, witness) => write!(
                f,
                "{} is missing or empty, and {} says that there was one",
                path.display(),
                witness.display()
            ),
            OpenError::Exists(path) => write!(f, "{} exists already and is not overwritten", path.display()),
            OpenError::Damaged(path, problems) => {
                let first = problems.first().map_or("", String::as_str);
                write!(f, "{} is damaged ({} problems): {first}", path.display(), problems.len())
            }
            OpenError::Denied(path, why) | OpenError::Failed(path, why) => {
                write!(f, "{}: {why}", path.display())
            }
        }
    }
}

impl std::error::Error for OpenError {}

/// Turns a failure on a file into an [`OpenError`].
pub(crate) fn failed<E: Failure>(path: &Path) -> impl Fn(E) -> OpenError {
    move |error| {
        let denied = error.is_denied(path);
        let why = error.to_string();
        if denied { OpenError::Denied(path.to_owned(), why) } else { OpenError::Failed(path.to_owned(), why) }
    }
}

/// A failure on a file.
pub(crate) trait Failure: fmt::Display {
    /// Whether this user was denied access.
    fn is_denied(&self, _path: &Path) -> bool {
        false
    }
}

impl Failure for &str {}

impl Failure for io::Error {
    fn is_denied(&self, _path: &Path) -> bool {
        matches!(self.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
    }
}

impl Failure for rusqlite::Error {
    /// SQLite does not say why it could not open a file. Since it could not, opening it here is safe: closing a second
    /// descriptor of a file that SQLite has open would drop SQLite's locks.
    fn is_denied(&self, path: &Path) -> bool {
        match self.sqlite_error_code() {
            Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => true,
            Some(ErrorCode::CannotOpen) => File::open(path).is_err_and(|error| error.is_denied(path)),
            _ => false,
        }
    }
}

/// Whether a file exists. If access is denied, the answer is an error, not false.
fn is_file(path: &Path) -> Result<bool, OpenError> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.is_file()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(error) => Err(failed(path)(error)),
    }
}

pub(crate) fn must_be_there(path: &Path) -> Result<(), OpenError> {
    if is_file(path)? { Ok(()) } else { Err(OpenError::Missing(path.to_owned())) }
}

/// The lock of a data directory, held by this process until it is dropped.
pub(crate) struct Lock(File);

impl Lock {
    fn take(file: File, path: &Path, directory: &Path) -> Result<Self, OpenError> {
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(directory.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(path)(error)),
        }
    }

    /// Releases the lock. Closing the file is not enough: a program that is being started may briefly have a copy of
    /// it.
    pub(crate) fn release(&self) {
        drop(self.0.unlock());
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.release();
    }
}

/// Locks the data directory. Creates it if necessary, private to its owner: the master key is in the database.
pub(crate) fn lock(directory: &Path) -> Result<Lock, OpenError> {
    if !directory.is_dir() {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(directory).map_err(failed(directory))?;
        sync_directory(directory.parent().unwrap_or(directory))?;
    }
    let path = directory.join(LOCK);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    // Access to the file is enough to take the lock.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Lock::take(options.open(&path).map_err(failed(&path))?, &path, directory)
}

/// Locks a data directory that is only read. `None` if there is no lock file and none can be created: then no process
/// can write there either.
pub(crate) fn lock_to_read(directory: &Path) -> Result<Option<Lock>, OpenError> {
    let path = directory.join(LOCK);
    let file = match lock(directory) {
        Ok(file) => return Ok(Some(file)),
        Err(OpenError::InUse(directory)) => return Err(OpenError::InUse(directory)),
        // It may exist and not be writable.
        Err(_) => File::open(&path),
    };
    let Ok(file) = file else { return Ok(None) };
    Lock::take(file, &path, directory).map(Some)
}

/// The database file of a data directory, which must exist.
pub(crate) fn present(directory: &Path) -> Result<PathBuf, OpenError> {
    let path = file(directory);
    must_be_there(&path)?;
    Ok(path)
}

/// See [`crate::Sqlite::lost`].
pub(crate) fn lost(directory: &Path, witnesses: &[&str]) -> Result<(), OpenError> {
    let path = file(directory);
    if has_content(&path) {
        return Ok(());
    }
    let mut files = witnesses.iter().map(|name| directory.join(name));
    let witness = left_in_log(&path).or_else(|| files.find(|file| has_content(file)));
    witness.map_or(Ok(()), |witness| Err(OpenError::Lost(path, witness)))
}

/// The database file of a data directory; an empty one is created if it is new. Call it only under the lock and before
/// SQLite opens the file: closing a second descriptor would drop SQLite's own locks.
pub(crate) fn database(directory: &Path) -> Result<PathBuf, OpenError> {
    let path = directory.join(DATABASE);
    if !path.exists() {
        create_private(&path)?;
        sync_directory(directory)?;
    }
    Ok(path)
}

/// See [`crate::Sqlite::exists`].
pub(crate) fn exists(directory: &Path) -> Result<bool, OpenError> {
    is_file(&file(directory))
}

/// See [`crate::Sqlite::file`].
pub(crate) fn file(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// The write-ahead log of a database file.
pub(crate) fn log_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// See [`crate::Sqlite::compact`].
pub(crate) fn compact(directory: &Path) -> Result<(u64, u64), OpenError> {
    let path = file(directory);
    must_be_there(&path)?;
    let _lock = lock(directory)?;
    let size = || fs::metadata(&path).map(|file| file.len()).map_err(failed(&path));
    let work = || -> rusqlite::Result<Connection> {
        let connection = open_writer(Some(&path), &Options::default())?;
        // Include what a kill left in the log in the size before.
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(connection)
    };
    let connection = work().map_err(failed(&path))?;
    let before = size()?;
    connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)").map_err(failed(&path))?;
    Ok((before, size()?))
}

fn create_private(path: &Path) -> Result<(), OpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(OpenError::Exists(path.to_owned())),
        Err(error) => Err(failed(path)(error)),
    }
}

/// The connection that writes. `None` for `path` opens a database in memory.
pub(crate) fn open_writer(path: Option<&Path>, options: &Options) -> rusqlite::Result<Connection> {
    let connection = match path {
        Some(path) => Connection::open_with_flags(path, writable())?,
        None => Connection::open_in_memory()?,
    };
    prepare(&connection, options.writer_cache_bytes)?;
    if path.is_some() {
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            let why = format!("the file system does not support a write-ahead log (the mode is {mode})");
            return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(1), Some(why)));
        }
        connection.execute_batch("PRAGMA wal_autocheckpoint = 0")?;
    }
    Ok(connection)
}

/// A connection of a reading thread.
pub(crate) fn open_reader(path: &Path, cache_bytes: u64) -> rusqlite::Result<Connection> {
    let connection = read_only(path)?;
    prepare(&connection, cache_bytes)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

/// The connection of the checkpointing thread.
pub(crate) fn open_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, writable())?;
    prepare(&connection, 64 << 10)?;
    connection.execute_batch("PRAGMA wal_autocheckpoint = 0")?;
    Ok(connection)
}

fn writable() -> OpenFlags {
    // No CREATE: `database` makes the file. No URI: a path is a path.
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// A connection that only reads. If nothing can be written (a read-only or full disk), SQLite cannot create its
/// shared-memory file. Then the database is opened as immutable, provided that the log has nothing that the database
/// lacks.
fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // The first read of the file shows it.
    let Err(error) = connection.query_row("PRAGMA schema_version", [], |_| Ok(())) else {
        return Ok(connection);
    };
    let unwritable = [
        ErrorCode::CannotOpen,
        ErrorCode::ReadOnly,
        ErrorCode::SystemIoFailure,
        ErrorCode::DiskFull,
        ErrorCode::PermissionDenied,
    ];
    if !error.sqlite_error_code().is_some_and(|code| unwritable.contains(&code)) {
        return Err(error);
    }
    drop(connection);
    if let Some(left) = left_in_log(path) {
        let why = format!(
            "{error}: the directory is not writable, and {} was not emptied by a clean shutdown: copy the directory to a \
             writable place, and use the copy",
            left.display()
        );
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
            Some(why),
        ));
    }
    Connection::open_with_flags(immutable(path)?, flags | OpenFlags::SQLITE_OPEN_URI)
}

/// The log of a database, if it is not empty: readers may leave an empty one.
fn left_in_log(path: &Path) -> Option<PathBuf> {
    let name = |end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    REMAINS.iter().map(name).find(|log| has_content(log))
}

fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

/// A path as a URI that tells SQLite that the file does not change.
fn immutable(path: &Path) -> rusqlite::Result<String> {
    let text = path.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(path.to_owned()))?;
    let mut address = "file:".to_owned();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                address.push(char::from(byte));
            }
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address.push_str("?immutable=1");
    Ok(address)
}

fn prepare(connection: &Connection, cache_bytes: u64) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans depend on the text alone. Otherwise SQLite prepares statements again whenever a bound value might change
    // the plan, which is most of their cost.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A memory map would be dropped at every commit of another connection and cost more than it saves.
    connection.execute_batch(&format!(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; \
         PRAGMA cache_size = -{}",
        cache_bytes >> 10
    ))
}

/// See [`crate::Sqlite::backup`].
pub(crate) fn backup(directory: &Path, to: &Path) -> Result<(), OpenError> {
    let from = directory.join(DATABASE);
    // Checked before anything is created, so that a missing or inaccessible file is reported under its own name.
    must_be_there(&from)?;
    let temporary = Temporary::beside(to)?;
    copy(&from, &temporary)?;
    temporary.become_file(to)
}

/// See [`crate::Sqlite::restore`].
pub(crate) fn restore(from: &Path, directory: &Path) -> Result<(), OpenError> {
    let problems = damage(from)?;
    if !problems.is_empty() {
        return Err(OpenError::Damaged(from.to_owned(), problems));
    }
    let _lock = lock(directory)?;
    let to = directory.join(DATABASE);
    // A log without its database is part of a store, too, and SQLite would replay it into the restored one.
    let log = || left_in_log(&to);
    if let Some(path) = Some(to.clone()).filter(|path| path.exists()).or_else(log) {
        return Err(OpenError::Exists(path));
    }
    let temporary = Temporary::beside(&to)?;
    copy(from, &temporary)?;
    temporary.become_file(&to)
}

/// See [`crate::Sqlite::check`].
pub(crate) fn check(directory: &Path) -> Result<Vec<String>, OpenError> {
    damage(&directory.join(DATABASE))
}

fn damage(path: &Path) -> Result<Vec<String>, OpenError> {
    must_be_there(path)?;
    let examine = || -> rusqlite::Result<Vec<String>> {
        let connection = read_only(path)?;
        connection.busy_timeout(BUSY)?;
        let mut found = Vec::new();
        let mut integrity = connection.prepare("PRAGMA integrity_check(100)")?;
        let lines = integrity.query_map([], |row| row.get::<_, String>(0))?;
        for line in lines {
            found.push(line?);
        }
        found.retain(|line| line != "ok");
        let mut references = connection.prepare("PRAGMA foreign_key_check")?;
        let lines = references.query_map([], |row| {
            Ok(format!(
                "{} row {} refers to a missing row of {}",
                row.get::<_, String>(0)?,
                row.get::<_, Option<i64>>(1)?.unwrap_or_default(),
                row.get::<_, String>(2)?
            ))
        })?;
        for line in lines {
            found.push(line?);
        }
        Ok(found)
    };
    match examine() {
        // Damage in the wrong place stops the check itself: this is a finding, not a failure.
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Ok(vec![error.to_string()]),
            _ => Err(failed(path)(error)),
        },
        Ok(found) => Ok(found),
    }
}

/// Copies one snapshot, including the log, whatever is written meanwhile.
fn copy(from: &Path, to: &Temporary) -> Result<(), OpenError> {
    must_be_there(from)?;
    let name = to.0.to_str().ok_or_else(|| failed(&to.0)("the path is not UTF-8"))?;
    let connection = read_only(from).map_err(failed(from))?;
    connection.busy_timeout(BUSY).map_err(failed(from))?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(failed(from))?;
    Ok(())
}

/// See [`crate::Sqlite::unfinished`].
pub(crate) fn unfinished(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    name.into()
}

/// A temporary file, removed unless it is renamed.
struct Temporary(PathBuf);

impl Temporary {
    fn beside(to: &Path) -> Result<Self, OpenError> {
        if to.exists() {
            return Err(OpenError::Exists(to.to_owned()));
        }
        let path = unfinished(to);
        create_private(&path)?;
        Ok(Temporary(path))
    }

    /// Makes it durable under its final name.
    fn become_file(self, to: &Path) -> Result<(), OpenError> {
        // SQLite does not sync what VACUUM INTO writes, and has closed it.
        File::options()
            .write(true)
            .open(&self.0)
            .and_then(|file| file.sync_all())
            .map_err(failed(&self.0))?;
        // A link, unlike a rename, fails if the file was created meanwhile.
        match fs::hard_link(&self.0, to) {
            Ok(()) => {}
            Err(_) if to.exists() => return Err(OpenError::Exists(to.to_owned())),
            // Not every file system has hard links.
            Err(_) => fs::rename(&self.0, to).map_err(failed(to))?,
        }
        sync_directory(to.parent().unwrap_or(to))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename it is already gone.
        drop(fs::remove_file(&self.0));
    }
}

fn sync_directory(directory: &Path) -> Result<(), OpenError> {
    // The parent of a bare file name is the empty path.
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    // Only Unix can sync directories; other systems do this themselves.
    if cfg!(unix) {
        File::open(directory).and_then(|file| file.sync_all()).map_err(failed(directory))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn statements_are_prepared_once_whatever_is_bound() {
        let connection = open_writer(None, &Options::default()).expect("opens");
        let tables =
            "CREATE TABLE t (a TEXT NOT NULL, b TEXT NOT NULL, c BIGINT NOT NULL, PRIMARY KEY (a, b, c))";
        connection.execute_batch(tables).expect("a table");
        for sql in [
            "SELECT c FROM t WHERE a = $1 AND b = $2 ORDER BY c",
            "SELECT c FROM t WHERE a = $1 AND b LIKE $2",
            "SELECT c FROM t WHERE a = $1 ORDER BY a, b, c LIMIT $2",
        ] {
            for value in [1, 2, 3] {
                let mut statement = connection.prepare_cached(sql).expect("prepares");
                let mut rows = statement.query(("a", value)).expect("runs");
                assert!(rows.next().expect("answers").is_none());
                drop(rows);
                assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
            }
        }
    }
}
