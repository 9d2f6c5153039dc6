//! Settings: the embedded defaults, a file, the environment and the command line, in growing order of weight.

mod layers;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use larkspur_api::Settings;
use larkspur_contract::envelope::Brand;
use larkspur_store_postgres as postgres;
use larkspur_store_sqlite as sqlite;
use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

use crate::RateLimits;
use crate::http::Limits;
use layers::{dashed, merge, names, nearest, set, shouted};

/// Every setting with its default and its explanation: the manual.
pub const DEFAULTS: &str = include_str!("larkspur.default.toml");

/// The settings of a server. It holds the control key, so it has no `Debug`.
#[derive(Clone, Deserialize)]
pub struct Config {
    /// Address and port.
    pub listen: String,
    /// Directory of the data.
    pub data: PathBuf,
    /// Address of a database on a server; empty for the directory of the data.
    pub store: String,
    /// Whether nothing is kept on disk.
    pub memory: bool,
    /// Where to write the ready file; empty for nowhere but the data directory.
    pub ready_file: PathBuf,
    /// What opens the control API; empty for a random one.
    pub control_key: String,
    /// Whether an empty store is given a demo world.
    pub demo: Demo,
    /// Frequency control.
    #[serde(deserialize_with = "rate_limits")]
    pub rate_limits: RateLimits,
    /// HTTP status of a refusal for frequency.
    #[serde(deserialize_with = "rate_limit_status")]
    pub rate_limit_status: u16,
    /// Whose texts and links refusals show.
    #[serde(deserialize_with = "brand")]
    pub brand: Brand,
    /// The switches of the operations.
    pub behaviours: Settings,
    /// Outgoing events.
    pub events: Events,
    limits: RawLimits,
    sqlite: RawSqlite,
    postgres: RawPostgres,
    blobs: RawBlobs,
    /// What is logged, and how.
    pub logs: Logs,
}

/// Whether an empty store is given a demo world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demo {
    /// On loopback addresses only.
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
}

/// Whether events may go to addresses that are not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowPrivate {
    /// Where the server listens on a loopback address.
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
    connections: usize,
    head_seconds: u64,
    body_seconds: u64,
    drain_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct RawSqlite {
    readers: usize,
    tag_memory_mb: usize,
    wal_limit_mb: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct RawPostgres {
    connections: usize,
    deadline_ms: u64,
    #[serde(deserialize_with = "tls")]
    tls: postgres::Tls,
    ca: PathBuf,
    #[serde(deserialize_with = "stale_ms")]
    stale_ms: u32,
}

#[derive(Debug, Clone, Deserialize)]
struct RawBlobs {
    url: String,
    grace_hours: u32,
}

fn rate_limits<'de, D: Deserializer<'de>>(from: D) -> Result<RateLimits, D::Error> {
    match Value::deserialize(from)? {
        Value::String(text) => text.parse().map_err(serde::de::Error::custom),
        Value::Integer(number) => number.to_string().parse().map_err(serde::de::Error::custom),
        Value::Float(number) => number.to_string().parse().map_err(serde::de::Error::custom),
        _ => Err(serde::de::Error::custom("not platform, off or a number above 0")),
    }
}

fn rate_limit_status<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    match u16::deserialize(from)? {
        status @ (400 | 429) => Ok(status),
        other => Err(serde::de::Error::custom(format!("{other} is neither 429 nor 400"))),
    }
}

fn stale_ms<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    match i64::deserialize(from)? {
        asked @ 0..=60_000 => u32::try_from(asked).map_err(serde::de::Error::custom),
        other => Err(serde::de::Error::custom(format!("{other} is not from 0 to 60000 milliseconds"))),
    }
}

fn tls<'de, D: Deserializer<'de>>(from: D) -> Result<postgres::Tls, D::Error> {
    match String::deserialize(from)?.as_str() {
        "prefer" => Ok(postgres::Tls::Prefer),
        "require" => Ok(postgres::Tls::Require),
        "verify" => Ok(postgres::Tls::Verify),
        other => Err(serde::de::Error::custom(format!("{other:?} is neither prefer, require nor verify"))),
    }
}

fn brand<'de, D: Deserializer<'de>>(from: D) -> Result<Brand, D::Error> {
    match String::deserialize(from)?.as_str() {
        "feishu" => Ok(Brand::Feishu),
        "lark" => Ok(Brand::Lark),
        other => Err(serde::de::Error::custom(format!("{other:?} is neither feishu nor lark"))),
    }
}

/// A setting that cannot be used, in one line that says where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Puts the sources together.
    ///
    /// `environment` is every variable of the process; `flags` are the settings of the command line, by their names in
    /// the defaults file.
    ///
    /// # Errors
    /// A file that cannot be read, a name that does not exist, a value that does not fit.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: &[(&str, String)],
    ) -> Result<Self, ConfigError> {
        let mut table = parse(DEFAULTS, "the defaults")?;
        let (defaults, known) = (table.clone(), names(&table));
        let (mut file, mut overrides) = (file.map(Path::to_owned), Vec::new());
        for (name, value) in environment {
            let Some(short) = name.strip_prefix("LARKSPUR_") else { continue };
            // What Kubernetes sets in every pod beside a service called larkspur; and what the test run sets.
            if short.starts_with("SERVICE_")
                || short == "PORT"
                || short.starts_with("PORT_")
                || short == "OBSERVED"
                || short == "TEST_STORE"
            {
                continue;
            }
            if short == "CONFIG" {
                file.get_or_insert_with(|| value.into());
                continue;
            }
            let Some(key) = known.iter().find(|key| shouted(key) == short) else {
                let nearest = nearest(short, known.iter().map(|key| shouted(key)));
                return Err(ConfigError(format!(
                    "the environment variable {name} is no setting; the nearest is LARKSPUR_{nearest}"
                )));
            };
            overrides.push((key.clone(), value, name));
        }
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
            // Each is tried by itself, so that the message names its source.
            try_read(&table).map_err(|why| ConfigError(format!("{source} is {text:?}: {why}")))?;
        }
        try_read(&table).map_err(ConfigError)
    }

    /// The limits of connections.
    pub fn limits(&self) -> Limits {
        Limits {
            connections: self.limits.connections.max(1),
            head: Duration::from_secs(self.limits.head_seconds.max(1)),
            body: Duration::from_secs(self.limits.body_seconds.max(1)),
            drain: Duration::from_secs(self.limits.drain_seconds),
        }
    }

    /// Whether the data are in a database on a server.
    pub fn is_on_a_server(&self) -> bool {
        !self.store.is_empty()
    }

    /// How a database on a server is used.
    pub fn postgres(&self) -> postgres::Options {
        postgres::Options {
            connections: self.postgres.connections,
            deadline: Duration::from_millis(self.postgres.deadline_ms.max(100)),
            tls: self.postgres.tls,
            ca: Some(self.postgres.ca.clone()).filter(|path| !path.as_os_str().is_empty()),
        }
    }

    /// Where uploaded files are kept; empty for in the database.
    pub fn blobs(&self) -> &str {
        &self.blobs.url
    }

    /// How long bytes that nothing names are kept.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(3600 * u64::from(self.blobs.grace_hours.max(1)))
    }

    /// How a data directory is opened.
    pub fn sqlite(&self) -> sqlite::Options {
        sqlite::Options {
            readers: self.sqlite.readers,
            wal_limit_bytes: self.sqlite.wal_limit_mb.saturating_mul(1 << 20),
            ..sqlite::Options::default()
        }
    }

    /// For how long reads may go by what was read before on a database on a server, in milliseconds.
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
        let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
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
        assert_eq!(config.rate_limits, RateLimits::default());
        let (limits, defaults) = (config.limits(), Limits::default());
        assert_eq!(
            (limits.connections, limits.head, limits.body, limits.drain),
            (defaults.connections, defaults.head, defaults.body, defaults.drain)
        );
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
            "listen = \"file\"\nrate_limits = 2\n[behaviours]\ntag_owner = \"app\"\ncomma_lists = false";
        let config = load(file, &[], &[]).expect("the file");
        assert_eq!((config.listen.as_str(), config.rate_limits), ("file", RateLimits::Factor(2.0)));
        assert_eq!((config.behaviours.tag_owner, config.behaviours.comma_lists), (TagOwner::App, false));
        let env = [("LARKSPUR_LISTEN", "env"), ("LARKSPUR_BEHAVIOURS_COMMA_LISTS", "true"), ("PATH", "x")];
        let config = load(file, &env, &[]).expect("the environment");
        assert_eq!((config.listen.as_str(), config.behaviours.comma_lists), ("env", true));
        let config = load(file, &env, &[("listen", "flag"), ("rate_limits", "off")]).expect("flags");
        assert_eq!((config.listen.as_str(), config.rate_limits), ("flag", RateLimits::Off));
    }

    #[test]
    fn mistakes_are_named_with_the_nearest_name() {
        let text = refused("lisen = 1", &[], &[]);
        assert!(text.ends_with("lisen is no setting; the nearest is listen"), "{text}");
        let text = refused("[behaviours]\ntag_ownr = 1", &[], &[]);
        assert!(
            text.ends_with("behaviours.tag_ownr is no setting; the nearest is behaviours.tag_owner"),
            "{text}"
        );
        let text = refused("", &[("LARKSPUR_LISTN", "x")], &[]);
        assert!(text.contains("LARKSPUR_LISTN is no setting; the nearest is LARKSPUR_LISTEN"), "{text}");
        let text = refused("[behaviours]\ntag_owner = \"me\"", &[], &[]);
        assert!(text.contains("behaviours.tag_owner is \"me\": unknown variant"), "{text}");
        let text = refused("", &[], &[("rate_limits", "fast")]);
        assert!(text.starts_with("--rate-limits is \"fast\": "), "{text}");
        let text = refused("", &[("LARKSPUR_RATE_LIMIT_STATUS", "500")], &[]);
        assert!(text.starts_with("LARKSPUR_RATE_LIMIT_STATUS is \"500\": 500 is neither"), "{text}");
        for wrong in ["-1", "60001", "9999999999"] {
            let text = refused("", &[("LARKSPUR_POSTGRES_STALE_MS", wrong)], &[]);
            let end = format!("{wrong} is not from 0 to 60000 milliseconds");
            assert!(text.starts_with("LARKSPUR_POSTGRES_STALE_MS is") && text.ends_with(&end), "{text}");
        }
        let config = load("[postgres]\nstale_ms = 60000", &[], &[]).expect("the most");
        assert_eq!(config.stale_ms(), 60_000);
        let text = refused("\n\nlisten = ", &[], &[]);
        assert!(text.contains("line 3"), "{text}");
        load("", &[("LARKSPUR_SERVICE_HOST", "10.0.0.1"), ("LARKSPUR_PORT", "tcp://x")], &[])
            .expect("passed over");
    }

    #[test]
    fn the_manual_and_the_registry_give_a_switch_the_same_basis() {
        let behaviours = larkspur_api::REGISTRY.iter().copied().flatten().flat_map(|e| e.spec.behaviours);
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
