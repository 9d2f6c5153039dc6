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
use larkspur_store_postgres as postgres;
use larkspur_store_sqlite as sqlite;
use serde::Deserialize;
use toml::{Table, Value};

use crate::RateLimits;
use crate::delivery::connection::ConnectionOptions;
use crate::http::Limits;
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
    limits: RawLimits,
    drain: RawDrain,
    sqlite: RawSqlite,
    postgres: RawPostgres,
    blobs: RawBlobs,
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
mod tests {
    use super::*;
    use larkspur_api::TagOwner;

    fn load(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("larkspur.toml");
        std::fs::write(&path, file).expect("written");
        let env = env.iter().map(|(key, value)| ((*key).into(), (*value).into()));
        let flags: Vec<_> = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        Config::load(Some(&path), env, &flags)
    }

    fn refused(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
        load(file, env, flags).err().expect("refused").to_string()
    }

    #[test]
    fn the_defaults_are_the_code_s() {
        let config = Config::load(None, [], &[]).expect("sound");
        assert_eq!(config.behaviours, Settings::default());
        assert_eq!(config.events.outbound_ips, Settings::default().outbound_ips);
        assert_eq!(config.rate_limits, RateLimits::default());
        let (limits, defaults) = (config.limits(Duration::ZERO), Limits::default());
        assert_eq!(
            (limits.connections, limits.head, limits.body, limits.drain),
            (defaults.connections, defaults.head, defaults.body, defaults.drain)
        );
        assert_eq!(
            (limits.per_address, limits.write, limits.lame_duck),
            (defaults.per_address, defaults.write, defaults.lame_duck)
        );
        assert_eq!(config.long_connections(), ConnectionOptions::default());
        let store = (config.sqlite(), sqlite::Options::default());
        assert_eq!(store.0.readers, store.1.readers);
        assert_eq!(store.0.wal_limit_bytes, store.1.wal_limit_bytes);
        let store = (config.postgres(), postgres::Options::default());
        assert_eq!((store.0.connections, store.0.deadline), (store.1.connections, store.1.deadline));
        assert_eq!((store.0.tls, store.0.ca), (store.1.tls, store.1.ca));
        assert!(!config.is_on_a_server());
        assert_eq!(config.stale_ms(), 0);
        assert_eq!((config.listen.as_str(), config.rate_limit_status), ("127.0.0.1:5275", 429));
    }

    #[test]
    fn precedence() {
        let file =
            "listen = \"file:1\"\nrate_limits = 2\n[behaviours]\ntag_owner = \"app\"\ncomma_lists = false";
        let config = load(file, &[], &[]).expect("the file");
        assert_eq!((config.listen.as_str(), config.rate_limits), ("file:1", RateLimits::Factor(2.0)));
        assert_eq!((config.behaviours.tag_owner, config.behaviours.comma_lists), (TagOwner::App, false));
        let env = [("LARKSPUR_LISTEN", "env:2"), ("LARKSPUR_BEHAVIOURS_COMMA_LISTS", "true"), ("PATH", "x")];
        let config = load(file, &env, &[]).expect("the environment");
        assert_eq!((config.listen.as_str(), config.behaviours.comma_lists), ("env:2", true));
        let config = load(file, &env, &[("listen", "flag:3"), ("rate_limits", "off")]).expect("flags");
        assert_eq!((config.listen.as_str(), config.rate_limits), ("flag:3", RateLimits::Off));
    }

    #[test]
    fn mistakes_are_named_with_the_nearest_name() {
        let text = refused("lisen = 1", &[], &[]);
        assert!(text.ends_with("lisen is not a setting; did you mean listen?"), "{text}");
        let text = refused("tag_owner = 1", &[], &[]);
        assert!(text.ends_with("; did you mean behaviours.tag_owner?"), "its table was left out: {text}");
        let text = refused("colour = 1", &[], &[]);
        assert!(text.ends_with("colour is not a setting; `larkspur config` prints all settings"), "{text}");
        let text = refused("[behaviours]\ntag_ownr = 1", &[], &[]);
        assert!(
            text.ends_with("behaviours.tag_ownr is not a setting; did you mean behaviours.tag_owner?"),
            "{text}"
        );
        let text = refused("", &[("LARKSPUR_LISTN", "x")], &[]);
        assert!(text.contains("LARKSPUR_LISTN is not a setting; did you mean LARKSPUR_LISTEN?"), "{text}");
        let text = refused("[behaviours]\ntag_owner = \"me\"", &[], &[]);
        assert!(text.contains("behaviours.tag_owner is \"me\": unknown variant"), "{text}");
        let text = refused("", &[], &[("rate_limits", "fast")]);
        assert!(text.starts_with("--rate-limits is \"fast\": "), "{text}");
        let text = refused("", &[("LARKSPUR_RATE_LIMIT_STATUS", "500")], &[]);
        assert!(text.starts_with("LARKSPUR_RATE_LIMIT_STATUS is \"500\": 500 is not 429"), "{text}");
        for wrong in ["-1", "60001", "9999999999"] {
            let text = refused("", &[("LARKSPUR_POSTGRES_STALE_MS", wrong)], &[]);
            let end = format!("{wrong} is not between 0 and 60000");
            assert!(text.starts_with("LARKSPUR_POSTGRES_STALE_MS is") && text.ends_with(&end), "{text}");
        }
        let config = load("[postgres]\nstale_ms = 60000", &[], &[]).expect("the most");
        assert_eq!(config.stale_ms(), 60_000);
        let text = refused("[events]\noutbound_ips = \"10.0.0.1, home\"", &[], &[]);
        assert!(text.ends_with("\"home\" is not an IP address, such as 203.0.113.7"), "{text}");
        let config = load("", &[("LARKSPUR_EVENTS_OUTBOUND_IPS", "10.0.0.1, ::1")], &[]).expect("two");
        assert_eq!(config.events.outbound_ips, ["10.0.0.1", "::1"]);
        let text = refused("\n\nlisten = ", &[], &[]);
        assert!(text.contains("line 3"), "{text}");
    }

    #[test]
    fn a_variable_that_is_no_setting_stops_the_start_only_if_it_is_nearly_one() {
        for near in
            ["LISTN", "LSITEN", "DAT", "DTAA", "LOGS_LEVL", "CONFG", "BEHAVIOURS_TAG_OWNR", "CONTROLKEY"]
        {
            let text = refused("", &[(&format!("LARKSPUR_{near}"), "x")], &[]);
            assert!(text.contains("is not a setting; did you mean LARKSPUR_"), "{text}");
        }
        // Variables of a test run are foreign, too.
        let others = [
            ("LARKSPUR_HOME", "/x"),
            ("LARKSPUR_APP_ID", "cli_1"),
            ("LARKSPUR_DB_SERVICE_HOST", "db"),
            ("LARKSPUR_OBSERVED", "/tmp"),
        ];
        let config = load("", &others, &[]).expect("no hindrance");
        let [warning] = &config.warnings[..] else { panic!("{:?}", config.warnings) };
        for (name, value) in others {
            assert!(warning.contains(name) && !warning.contains(value), "{warning}");
        }
        // The variables that Kubernetes sets for a service of this name cause no warning.
        let own = [("LARKSPUR_SERVICE_HOST", "10.0.0.1"), ("LARKSPUR_PORT", "tcp://x"), ("LARKS", "1")];
        assert_eq!(load("", &own, &[]).expect("ours").warnings, Vec::<String>::new());
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_utf_8_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let odd = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        for (name, value) in [(odd(b"LARKSPUR_DATA"), odd(b"/x\xff")), (odd(b"LARKSPUR_D\xff"), odd(b"x"))] {
            let error = Config::load(None, [(name, value)], &[]).err().expect("refused").to_string();
            assert!(error.contains("LARKSPUR_D") && error.contains("not UTF-8"), "{error}");
        }
        Config::load(None, [(odd(b"PATH"), odd(b"/x\xff"))], &[]).expect("not ours");
    }

    /// For every setting with a range or a fixed set: valid values at its limits, and invalid ones.
    const VALUES: &[(&str, &[&str], &[&str])] = &[
        (
            "listen",
            &["localhost:0", "[::1]:80", "0.0.0.0:65535"],
            &["", "5275", ":80", "here", "h:65536", "h:x"],
        ),
        ("data", &["x"], &[""]),
        ("store", &["", "postgres://h/d"], &[]),
        ("memory", &["true", "false"], &["maybe"]),
        ("read_only", &["true", "false"], &["maybe"]),
        ("ready_file", &["", "x"], &[]),
        ("control_key", &["", "k-1_~"], &["a b", "\u{fc}", "a\n"]),
        ("mode", &["auto", "test", "production"], &["prod", ""]),
        (
            "public_url",
            &["", "https://a.example", "http://[::1]:80"],
            &["a.example", "ftp://a", "https://a/b", "https://a/", "https://", "https://u@a", "https://a b"],
        ),
        (
            "http.hosts",
            &["", "a.example", "a.example, 10.0.0.1,::1", "[::1]"],
            &["a.example:80", "https://a.example", "a/b", "a b", "a,,b", "*"],
        ),
        ("demo", &["auto", "always", "never"], &["yes", ""]),
        ("rate_limits", &["platform", "off", "0.5", "3"], &["0", "-1", "nan", "inf", ""]),
        ("rate_limit_status", &["400", "429"], &["500", "0", "-1"]),
        ("brand", &["feishu", "lark"], &["Feishu", ""]),
        ("behaviours.duplicate_name", &["success", "402"], &["403"]),
        ("behaviours.strict_tag_ids", &["true"], &["2"]),
        ("behaviours.tag_owner", &["tenant", "app"], &["me"]),
        ("behaviours.tags_per_chat", &["0", "4294967295"], &["-1", "4294967296"]),
        ("behaviours.generic_field_validation", &["true"], &["x"]),
        ("behaviours.error_causes", &["false"], &["x"]),
        ("behaviours.comma_lists", &["false"], &["x"]),
        ("behaviours.topic_as_group", &["true"], &["x"]),
        ("behaviours.user_picker", &["auto", "on", "off", "true", "false"], &["yes", ""]),
        ("events.allow_private", &["auto", "on", "off"], &["true"]),
        ("events.outbound_ips", &["", "10.0.0.1", "192.0.2.1, ::1"], &["home", "10.0.0.1 ::1", "10.0.0.0/8"]),
        ("events.ping_interval_seconds", &["1", "86400"], &["0", "86401"]),
        ("events.reconnect_interval_seconds", &["1", "86400"], &["0", "86401"]),
        ("events.reconnect_nonce_seconds", &["0", "86400"], &["-1", "86401"]),
        ("events.reconnect_count", &["-1", "1000000"], &["-2", "1000001"]),
        ("events.split_bytes", &["64", "524288"], &["63", "524289"]),
        ("limits.connections", &["1", "1000000"], &["0", "-1", "1000001", "x"]),
        ("limits.connections_per_address", &["0", "1000000"], &["-1", "1000001"]),
        ("limits.long_connections", &["0", "1000000"], &["-1", "1000001"]),
        ("limits.head_seconds", &["1", "86400"], &["0", "86401"]),
        ("limits.body_seconds", &["1", "86400"], &["0", "86401"]),
        ("limits.write_seconds", &["1", "86400"], &["0", "86401"]),
        ("limits.drain_seconds", &["0", "86400"], &["-1", "86401"]),
        ("drain.lame_duck_seconds", &["auto", "0", "86400"], &["-1", "86401", "long", ""]),
        ("sqlite.readers", &["1", "256"], &["0", "257"]),
        ("sqlite.tag_memory_mb", &["0", "1000000"], &["-1", "1000001"]),
        ("sqlite.wal_limit_mb", &["1", "1000000"], &["0", "1000001"]),
        ("postgres.connections", &["1", "10000"], &["0", "10001"]),
        ("postgres.deadline_ms", &["100", "3600000"], &["99", "3600001"]),
        ("postgres.tls", &["prefer", "require", "verify"], &["disable", ""]),
        ("postgres.ca", &["", "x"], &[]),
        ("postgres.stale_ms", &["0", "60000"], &["-1", "60001"]),
        (
            "blobs.url",
            &["", "memory:", "file:///x", "s3://b/p", "s3://b"],
            &["/x", "file://x", "s3://", "gs://b"],
        ),
        ("blobs.grace_hours", &["1", "87600"], &["0", "87601"]),
        (
            "logs.level",
            &["warn", "info,larkspur_server=debug", "off", "TRACE"],
            &["warning", "", "info,", "x=debug"],
        ),
        ("logs.format", &["auto", "text", "json"], &["xml", ""]),
    ];

    #[test]
    fn every_setting_takes_what_fits_and_nothing_else() {
        let all = names(&parse(DEFAULTS, "").expect("sound"));
        let tried: Vec<&str> = VALUES.iter().map(|(name, ..)| *name).collect();
        for name in &all {
            // A new setting that is missing here must be added above.
            assert!(tried.contains(&name.as_str()), "{name} is not tried");
        }
        for (name, good, wrong) in VALUES {
            let variable = format!("LARKSPUR_{}", layers::shouted(name));
            for value in *good {
                let loaded = load("", &[(&variable, value)], &[]);
                assert!(loaded.is_ok(), "{variable}={value:?}: {}", loaded.err().expect("refused"));
            }
            for value in *wrong {
                let text = refused("", &[(&variable, value)], &[]);
                assert!(text.starts_with(&variable), "{variable}={value:?}: {text}");
            }
        }
        // A list, and one of three values, as in a file.
        let config = load("[behaviours]\nuser_picker = true\n[http]\nhosts = [\"A.example\"]", &[], &[])
            .expect("sound");
        assert_eq!(config.behaviours.user_picker, larkspur_api::UserPicker::On);
        assert_eq!(config.http.hosts, ["A.example"]);
        let text = refused("[http]\nhosts = \"a.example:80\"", &[], &[]);
        assert!(text.contains("leave out the port"), "{text}");
        // Also in a file, where a number is not a text.
        for (table, name, value) in [("limits", "connections", "0"), ("logs", "level", "\"warning\"")] {
            let text = refused(&format!("[{table}]\n{name} = {value}"), &[], &[]);
            assert!(text.contains(&format!("{table}.{name} is {value}: ")), "{text}");
        }
    }

    #[test]
    fn the_manual_and_the_registry_give_a_switch_the_same_basis() {
        let behaviours = crate::REGISTRY.iter().copied().flatten().flat_map(|e| e.spec.behaviours);
        let switches: Vec<_> = behaviours.filter(|behaviour| behaviour.switch).collect();
        assert!(!switches.is_empty());
        for behaviour in switches {
            let (before, _) = DEFAULTS.split_once(&format!("\n{} = ", behaviour.name)).expect(behaviour.name);
            let (_, basis) = before.rsplit_once("# Basis: ").expect("a basis");
            let word = format!("{:?}", behaviour.basis).to_lowercase();
            let first = basis.split(';').next().unwrap_or_default();
            assert!(
                first.contains(&word),
                "{}: {word} in the registry, {basis:?} in the manual",
                behaviour.name
            );
        }
    }
}
