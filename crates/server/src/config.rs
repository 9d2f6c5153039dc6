//! Settings: the embedded defaults, a file, the environment and the command line, each overriding those before.

mod environment;
mod layers;
mod values;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use larkspur_api::Settings;
use larkspur_contract::envelope::Brand;
use larkspur_store::retention::Retention;
use larkspur_store_postgres as postgres;
use larkspur_store_sqlite as sqlite;
use serde::Deserialize;
use toml::{Table, Value};

use crate::RateLimits;
use crate::delivery::connection::ConnectionOptions;
use crate::http::Limits;
use crate::traffic::TrafficOptions;
use layers::{dashed, merge, names, set};
use values::within;

/// Every setting with its default and a description.
pub const DEFAULTS: &str = include_str!("larkspur.default.toml");

/// The settings of a server. They contain the control key, so there is no `Debug`.
#[derive(Clone, Deserialize)]
pub struct Config {
    /// Address and port.
    #[serde(deserialize_with = "values::listen")]
    pub listen: String,
    /// The data directory.
    #[serde(deserialize_with = "values::directory")]
    pub data: PathBuf,
    /// URL of a PostgreSQL database; empty for the data directory.
    pub store: String,
    /// Whether all data is kept in memory only.
    pub memory: bool,
    /// Whether the server only reads, so that it can start on a disk that is full or read-only.
    pub read_only: bool,
    /// Where to write the ready file; empty for the data directory only.
    pub ready_file: PathBuf,
    /// The key of the control API; empty for a random one.
    #[serde(deserialize_with = "values::control_key")]
    pub control_key: String,
    /// Test or production mode.
    pub mode: Mode,
    /// The public URL; empty if clients use the address that it listens on.
    #[serde(deserialize_with = "values::public_url")]
    pub public_url: String,
    /// The host names under which it is reached.
    pub http: Http,
    /// Whether an empty store gets a demo world.
    pub demo: Demo,
    /// Rate limits.
    #[serde(deserialize_with = "values::rate_limits")]
    pub rate_limits: RateLimits,
    /// HTTP status of a call over the rate limit.
    #[serde(deserialize_with = "values::rate_limit_status")]
    pub rate_limit_status: u16,
    /// The brand whose texts and links refusals show.
    #[serde(deserialize_with = "values::brand")]
    pub brand: Brand,
    /// The switches of the operations.
    pub behaviours: Settings,
    /// Outgoing events.
    pub events: Events,
    /// The console.
    pub console: Console,
    /// Recorded calls.
    pub traffic: Traffic,
    limits: RawLimits,
    drain: RawDrain,
    sqlite: RawSqlite,
    postgres: RawPostgres,
    blobs: RawBlobs,
    messages: RawMessages,
    /// What is logged, and how.
    pub logs: Logs,
    /// Harmless oddities in the sources of the settings, one sentence each.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// Test or production mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Test on a loopback address, else production.
    Auto,
    /// Open to everyone on this machine: it prints secrets, lets users be picked, and serves private pages only under
    /// the machine's own names.
    Test,
    /// Nothing of that.
    Production,
}

/// The host names under which a server is reached.
#[derive(Debug, Clone, Deserialize)]
pub struct Http {
    /// Host names and addresses besides those of the machine itself, without port.
    #[serde(deserialize_with = "values::hosts")]
    pub hosts: Vec<String>,
}

/// Whether an empty store gets a demo world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demo {
    /// In test mode only.
    Auto,
    /// Yes, and its secrets are printed.
    Always,
    /// No.
    Never,
}

/// Outgoing events.
#[derive(Debug, Clone, Deserialize)]
pub struct Events {
    /// Whether they may go to addresses that are not public.
    pub allow_private: AllowPrivate,
    /// The source addresses of events, as apps are told.
    #[serde(deserialize_with = "values::addresses")]
    pub outbound_ips: Vec<String>,
    #[serde(deserialize_with = "within::<_, _, 1, 86_400>")]
    ping_interval_seconds: u32,
    #[serde(deserialize_with = "within::<_, _, 1, 86_400>")]
    reconnect_interval_seconds: u32,
    #[serde(deserialize_with = "within::<_, _, 0, 86_400>")]
    reconnect_nonce_seconds: u32,
    #[serde(deserialize_with = "within::<_, _, -1, 1_000_000>")]
    reconnect_count: i32,
    #[serde(deserialize_with = "within::<_, _, 64, 524_288>")]
    split_bytes: usize,
}

/// Whether events may go to addresses that are not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowPrivate {
    /// In test mode only.
    Auto,
    /// Yes.
    On,
    /// No.
    Off,
}

/// The console.
#[derive(Debug, Clone, Deserialize)]
pub struct Console {
    /// Whether it is served.
    pub serve: ServeConsole,
    /// The URL whose host alone it answers under; empty for names of this machine.
    #[serde(deserialize_with = "values::public_url")]
    pub url: String,
    /// The folder of its files; empty for the embedded ones.
    pub dir: PathBuf,
}

/// Whether the console is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServeConsole {
    /// In test mode on a loopback address.
    Auto,
    /// Yes.
    On,
    /// No.
    Off,
}

/// Recorded calls.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Traffic {
    /// Whether calls are recorded.
    pub record: Record,
    #[serde(deserialize_with = "within::<_, _, 1, 65_536>")]
    memory_mb: usize,
    #[serde(deserialize_with = "within::<_, _, 1, 1_000_000>")]
    entries: usize,
    #[serde(deserialize_with = "within::<_, _, 0, 20_480>")]
    body_kb: usize,
}

impl Traffic {
    /// How much is recorded, if calls are.
    pub fn options(self) -> TrafficOptions {
        TrafficOptions {
            memory_bytes: self.memory_mb << 20,
            entries: self.entries,
            body_bytes: self.body_kb << 10,
        }
    }
}

/// Whether calls are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// In test mode on a loopback address.
    Auto,
    /// Yes.
    On,
    /// No.
    Off,
}

/// What is logged, and how.
#[derive(Debug, Clone, Deserialize)]
pub struct Logs {
    /// Level or directives.
    #[serde(deserialize_with = "values::log_level")]
    pub level: String,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Clone, Deserialize)]
struct RawLimits {
    #[serde(deserialize_with = "within::<_, _, 1, 1_000_000>")]
    connections: usize,
    #[serde(deserialize_with = "within::<_, _, 0, 1_000_000>")]
    connections_per_address: usize,
    #[serde(deserialize_with = "within::<_, _, 0, 1_000_000>")]
    long_connections: usize,
    #[serde(deserialize_with = "within::<_, _, 1, 86_400>")]
    head_seconds: u64,
    #[serde(deserialize_with = "within::<_, _, 1, 86_400>")]
    body_seconds: u64,
    #[serde(deserialize_with = "within::<_, _, 1, 86_400>")]
    write_seconds: u64,
    #[serde(deserialize_with = "within::<_, _, 0, 86_400>")]
    drain_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct RawDrain {
    #[serde(deserialize_with = "values::seconds_or_auto")]
    lame_duck_seconds: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
struct RawSqlite {
    #[serde(deserialize_with = "within::<_, _, 1, 256>")]
    readers: usize,
    #[serde(deserialize_with = "within::<_, _, 0, 1_000_000>")]
    tag_memory_mb: usize,
    #[serde(deserialize_with = "within::<_, _, 1, 1_000_000>")]
    wal_limit_mb: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct RawPostgres {
    #[serde(deserialize_with = "within::<_, _, 1, 10_000>")]
    connections: usize,
    #[serde(deserialize_with = "within::<_, _, 100, 3_600_000>")]
    deadline_ms: u64,
    #[serde(deserialize_with = "values::tls")]
    tls: postgres::Tls,
    ca: PathBuf,
    #[serde(deserialize_with = "within::<_, _, 0, 60_000>")]
    stale_ms: u32,
}

#[derive(Debug, Clone, Deserialize)]
struct RawBlobs {
    #[serde(deserialize_with = "values::blobs_url")]
    url: String,
    #[serde(deserialize_with = "within::<_, _, 1, 87_600>")]
    grace_hours: u32,
}

#[derive(Debug, Clone, Deserialize)]
struct RawMessages {
    #[serde(deserialize_with = "within::<_, _, 0, 36_500>")]
    keep_days: u32,
    #[serde(deserialize_with = "within::<_, _, 0, 1_000_000_000>")]
    keep_per_chat: u32,
}

/// An unusable setting, in one line that says where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Merges the sources.
    ///
    /// `environment` is every variable of the process; `flags` are the settings from the command line, by their names
    /// in the defaults file.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown name, an invalid value, or a variable `LARKSPUR_…` that is not UTF-8 or
    /// looks like a misspelled setting.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: &[(&str, String)],
    ) -> Result<Self, ConfigError> {
        let mut table = parse(DEFAULTS, "the defaults")?;
        let (defaults, known) = (table.clone(), names(&table));
        let given = environment::read(environment, &known)?;
        let file = file.map(Path::to_owned).or(given.file);
        let mut overrides = given.settings;
        if let Some(path) = file {
            let shown = path.display().to_string();
            let text = std::fs::read_to_string(&path)
                .map_err(|error| ConfigError(format!("cannot read the settings file {shown}: {error}")))?;
            merge(&mut table, parse(&text, &shown)?, "", &known, &shown)?;
        }
        overrides.extend(
            flags.iter().map(|(key, value)| ((*key).to_owned(), value.clone(), format!("--{}", dashed(key)))),
        );
        for (key, text, source) in overrides {
            set(&mut table, &defaults, &key, &text).map_err(|why| ConfigError(format!("{source}: {why}")))?;
            // Each is checked alone, so that the message names its source.
            let shown = if layers::is_secret(&key) { "not usable".to_owned() } else { format!("{text:?}") };
            try_read(&table).map_err(|why| ConfigError(format!("{source} is {shown}: {why}")))?;
        }
        let read = try_read(&table).map_err(ConfigError)?;
        Ok(Config { warnings: given.warnings, ..read })
    }

    /// The limits of connections; `lame_duck` is the default time for which calls are served after SIGTERM.
    pub fn limits(&self, lame_duck: Duration) -> Limits {
        Limits {
            connections: self.limits.connections,
            per_address: self.limits.connections_per_address,
            head: Duration::from_secs(self.limits.head_seconds),
            body: Duration::from_secs(self.limits.body_seconds),
            write: Duration::from_secs(self.limits.write_seconds),
            lame_duck: self.drain.lame_duck_seconds.map_or(lame_duck, Duration::from_secs),
            drain: Duration::from_secs(self.limits.drain_seconds),
        }
    }

    /// How long connections are kept.
    pub fn long_connections(&self) -> ConnectionOptions {
        ConnectionOptions {
            most: self.limits.long_connections,
            ping_interval: self.events.ping_interval_seconds,
            reconnect_interval: self.events.reconnect_interval_seconds,
            reconnect_nonce: self.events.reconnect_nonce_seconds,
            reconnect_count: self.events.reconnect_count,
            split_bytes: self.events.split_bytes,
            ..ConnectionOptions::default()
        }
    }

    /// Whether the data is in a PostgreSQL database.
    pub fn is_on_a_server(&self) -> bool {
        !self.store.is_empty()
    }

    /// Options of the PostgreSQL driver.
    pub fn postgres(&self) -> postgres::Options {
        postgres::Options {
            connections: self.postgres.connections,
            deadline: Duration::from_millis(self.postgres.deadline_ms),
            tls: self.postgres.tls,
            ca: Some(self.postgres.ca.clone()).filter(|path| !path.as_os_str().is_empty()),
        }
    }

    /// Where uploaded files are kept; empty for the database.
    pub fn blobs(&self) -> &str {
        &self.blobs.url
    }

    /// How long unreferenced files are kept.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(3600 * u64::from(self.blobs.grace_hours))
    }

    /// How long messages are kept.
    pub fn retention(&self) -> Retention {
        let RawMessages { keep_days, keep_per_chat } = self.messages;
        Retention {
            age_ms: (keep_days > 0).then_some(24 * 3600 * 1000 * i64::from(keep_days)),
            per_chat: (keep_per_chat > 0).then_some(keep_per_chat),
        }
    }

    /// Options of the SQLite driver.
    pub fn sqlite(&self) -> sqlite::Options {
        sqlite::Options {
            readers: self.sqlite.readers,
            wal_limit_bytes: self.sqlite.wal_limit_mb.saturating_mul(1 << 20),
            ..sqlite::Options::default()
        }
    }

    /// How old cached values may be when a PostgreSQL store is read, in milliseconds.
    pub fn stale_ms(&self) -> u32 {
        self.postgres.stale_ms
    }

    /// Bytes of tags kept in memory.
    pub fn tag_bytes(&self) -> usize {
        self.sqlite.tag_memory_mb.saturating_mul(1 << 20)
    }
}

fn parse(text: &str, source: &str) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        ConfigError(format!("{source}, line {line}: {}", error.message()))
    })
}

fn try_read(table: &Table) -> Result<Config, String> {
    Config::deserialize(Value::Table(table.clone())).map_err(|error| error.message().to_owned())
}

#[cfg(test)]
mod tests;
