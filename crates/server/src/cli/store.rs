//! The store that the settings name, with either driver.

use std::sync::Arc;
use std::time::Duration;

use larkspur_store::blobs::{self as kept, Blobs};
use larkspur_store::{Driver, Engine, EngineOptions, StoreError, SystemClock, state};
use larkspur_store_postgres::{OpenError as Unopened, Options, Postgres};
use larkspur_store_sqlite::{OpenError, Sqlite};

use super::waiting::NotOpen;
use crate::blobs::Objects;
use crate::config::Config;
use crate::{StoreStats, ready};

/// The time limit of statements that move whole tables.
const A_DAY: Duration = Duration::from_secs(86_400);

/// An open driver.
pub(super) enum Store {
    /// In a directory or in memory.
    Sqlite(Arc<Sqlite>),
    /// In a PostgreSQL database.
    Postgres(Arc<Postgres>),
}

impl Store {
    /// Opens the configured store: `store` if it is set, else memory or the data directory.
    pub(super) async fn open(config: &Config) -> Result<Self, String> {
        Store::try_open(config).await.map_err(NotOpen::why)
    }

    /// As [`Store::open`], but tells temporary failures from permanent ones.
    pub(super) async fn try_open(config: &Config) -> Result<Self, NotOpen> {
        if config.is_on_a_server() {
            return Self::on_a_server(config, config.postgres()).await;
        }
        Store::on_this_machine(config).map_err(NotOpen::Refused)
    }

    fn on_this_machine(config: &Config) -> Result<Self, String> {
        let opened = if config.memory {
            Sqlite::memory()
        } else if config.read_only {
            Sqlite::open_to_read(&config.data, &config.sqlite())
        } else {
            Sqlite::lost(&config.data, &ready::WITNESSES)
                .and_then(|()| Sqlite::open(&config.data, &config.sqlite()))
        };
        opened.map(|store| Store::Sqlite(Arc::new(store))).map_err(|error| match error {
            OpenError::Denied(..) => format!(
                "{error}: permission denied for the directory: choose another one with --data, or run the command as its owner"
            ),
            OpenError::Failed(..) => format!(
                "{error}: choose a writable directory with --data; if it is writable, run `larkspur check` to look for damage"
            ),
            error => advised(&error),
        })
    }

    /// As [`Store::try_open`], for a command whose statements may take long.
    pub(super) async fn open_at_leisure(config: &Config) -> Result<Self, NotOpen> {
        if !config.is_on_a_server() {
            return Self::try_open(config).await;
        }
        Self::on_a_server(config, Options { connections: 1, deadline: A_DAY, ..config.postgres() }).await
    }

    /// Opens it for reading: a server may use the data directory, or its disk may be read-only.
    pub(super) async fn look(config: &Config) -> Result<Self, String> {
        if config.is_on_a_server() {
            return Self::open(config).await;
        }
        let opened = Sqlite::look(&Sqlite::file(&config.data));
        opened.map(|store| Store::Sqlite(Arc::new(store))).map_err(|error| advised(&error))
    }

    async fn on_a_server(config: &Config, options: Options) -> Result<Self, NotOpen> {
        let opened = Postgres::try_open(&config.store, &options).await;
        opened.map(|store| Store::Postgres(Arc::new(store))).map_err(|error| match error {
            Unopened::Away(error) => NotOpen::Away(plain(&error)),
            Unopened::Unfit(error) => NotOpen::Refused(plain(&error)),
        })
    }

    /// The driver.
    pub(super) fn driver(&self) -> Arc<dyn Driver> {
        match self {
            Store::Sqlite(store) => store.clone(),
            Store::Postgres(store) => store.clone(),
        }
    }

    /// Opens an engine on it, which migrates it to this program's schema.
    pub(super) async fn engine(&self, config: &Config) -> Result<Arc<Engine>, NotOpen> {
        let failed = |error| self.unopened(config, &error);
        // A store that cannot be served is reported by its own fault.
        if state::look(&self.driver()).await.map_err(failed)?.fault().is_none()
            && let Some(why) = without_files(config, &self.driver()).await.map_err(failed)?
        {
            return Err(NotOpen::Refused(why));
        }
        let options = EngineOptions {
            tag_bytes: config.tag_bytes(),
            stale_ms: config.stale_ms(),
            blobs: blobs(config).map_err(NotOpen::Refused)?,
            read_only: config.read_only,
        };
        let engine = Engine::open_with(self.driver(), Arc::new(SystemClock), options).await;
        engine.map_err(|error| self.unopened(config, &error))
    }

    /// Migrates it to this program's schema, and does nothing else.
    pub(super) async fn migrate(&self, config: &Config) -> Result<(), NotOpen> {
        Engine::migrate(&self.driver()).await.map_err(|error| self.unopened(config, &error))
    }

    fn unopened(&self, config: &Config, error: &StoreError) -> NotOpen {
        let hint = match (self, error) {
            (Store::Sqlite(_), _) => "; run `larkspur check` to look for damage",
            (Store::Postgres(_), StoreError::Unavailable(why)) if why.contains("(42501)") => {
                "; give the user of the URL the right to create and alter tables there"
            }
            // The other errors say it themselves.
            (Store::Postgres(_), _) => "",
        };
        let why = format!("cannot open the data in {}: {}{hint}", self.place(config), plain(error));
        let passes = matches!(
            error,
            StoreError::Collided | StoreError::Unavailable(_) | StoreError::UnknownOutcome(_)
        );
        // Only this process uses a data directory: a fault there does not go away.
        if passes && config.is_on_a_server() { NotOpen::Away(why) } else { NotOpen::Refused(why) }
    }

    /// The place, for people. It contains no password.
    pub(super) fn place(&self, config: &Config) -> String {
        match self {
            Store::Sqlite(_) if config.memory => "memory".to_owned(),
            Store::Sqlite(_) => config.data.display().to_string(),
            Store::Postgres(store) => store.place().to_owned(),
        }
    }

    /// The driver's counts.
    pub(super) fn stats(&self) -> StoreStats {
        match self {
            Store::Sqlite(store) => sqlite(store.clone()),
            Store::Postgres(store) => postgres(store.clone()),
        }
    }

    /// Closes it.
    pub(super) fn close(&self) {
        match self {
            Store::Sqlite(store) => store.close(),
            Store::Postgres(store) => store.close(),
        }
    }
}

/// Why a store whose images name files is not served: the settings do not say where the files are, or they are missing
/// there. Uploads would go elsewhere, and existing files would be reported as missing.
pub(super) async fn without_files(
    config: &Config,
    driver: &Arc<dyn Driver>,
) -> Result<Option<String>, StoreError> {
    let empty = Objects::empty_folder(config.blobs());
    let given = !config.blobs().is_empty() && empty.is_none();
    if given || !kept::any(driver).await? {
        return Ok(None);
    }
    Ok(Some(match empty {
        Some(folder) => format!(
            "image files are expected in {}, which is missing or empty: mount its disk, restore it from a backup, or correct blobs.url",
            folder.display()
        ),
        None => "image files are stored outside of the database, and blobs.url is not set: set it as it was when they were \
                 uploaded"
            .to_owned(),
    }))
}

/// Where uploaded files are kept, unless in the database.
pub(super) fn blobs(config: &Config) -> Result<Option<Arc<dyn Blobs>>, String> {
    if config.blobs().is_empty() {
        return Ok(None);
    }
    Ok(Some(Objects::open(config.blobs())?))
}

/// Why files cannot be used, and what to do.
pub(super) fn advised(error: &OpenError) -> String {
    let advice = match error {
        OpenError::InUse(_) => "stop that server, or choose another directory with --data",
        OpenError::Missing(_) => "name an existing file, or an existing directory with --data",
        OpenError::Lost(..) => {
            "restore the database from a backup (`larkspur restore`), or remove that file to start with an empty store; it is not replaced automatically"
        }
        OpenError::Exists(_) => "choose another place",
        OpenError::Damaged(..) => "use an older backup",
        OpenError::Denied(..) => "permission denied: run the command as the owner of the data",
        OpenError::Failed(..) => "check that this user can read and write there, and that the disk has space",
    };
    format!("{error}: {advice}")
}

/// The reason alone, if the kind of error does not help the operator.
pub(super) fn plain(error: &StoreError) -> String {
    match error {
        StoreError::Unavailable(why) => why.clone(),
        other => other.to_string(),
    }
}

const COMMITS: &str = "store_commits_total";
const READS: &str = "store_reads_total";
const COLLISIONS: &str = "store_collisions_total";

fn sqlite(store: Arc<Sqlite>) -> StoreStats {
    Arc::new(move || {
        let stats = store.stats();
        vec![
            (COMMITS, "Transactions committed, each with one sync.", stats.commits),
            (
                "store_units_total",
                "Units in those transactions; divided by the commits, the batch size.",
                stats.operations,
            ),
            (READS, "Units run on readers.", stats.reads),
            (COLLISIONS, "Runs that collided and were retried.", stats.collisions),
            ("store_checkpoints_total", "Checkpoints of the write-ahead log.", stats.checkpoints),
            ("store_wal_bytes", "Size of the write-ahead log.", stats.wal_bytes),
        ]
    })
}

fn postgres(store: Arc<Postgres>) -> StoreStats {
    Arc::new(move || {
        let stats = store.stats();
        vec![
            (COMMITS, "Write units committed.", stats.commits),
            ("store_groups_total", "Transactions shared by several units.", stats.groups),
            (
                "store_groups_undone_total",
                "Shared transactions rolled back; each unit was retried alone.",
                stats.groups_undone,
            ),
            (READS, "Reading transactions.", stats.reads),
            (COLLISIONS, "Runs that collided and were retried.", stats.collisions),
            ("store_unknown_outcomes_total", "Commits with unknown outcome.", stats.unknown_outcomes),
            ("store_connections_total", "Connections opened to PostgreSQL.", stats.connections),
            ("store_round_trips_total", "Round trips to PostgreSQL.", stats.round_trips),
        ]
    })
}
