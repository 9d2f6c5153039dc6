//! The cluster driver: PostgreSQL.
//!
//! Each run of a unit is a transaction on a connection of a small pool. What was not answered in time is given up by
//! dropping the connection, never by cancelling; a COMMIT that was not answered plainly has an unknown outcome.

mod checks;
mod connection;
mod errors;
mod pool;
mod session;
mod tls;
mod values;

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use larkspur_contract::Effect;
use larkspur_store::{BoxFuture, Driver, Row, StoreError, Unit, Value};
use tokio::time::{Instant, sleep};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts, TargetSessionAttrs};

use pool::Pool;
pub use tls::Tls;

/// How long it may take to connect, and to be greeted.
pub(crate) const CONNECT: Duration = Duration::from_secs(2);
/// How often a unit that collides is run in all.
const RUNS: u32 = 12;
/// The longest pause between two runs of a unit that collides.
const PAUSE: Duration = Duration::from_millis(100);

/// What can be tuned.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most connections at a time; at least one. Default 16.
    pub connections: usize,
    /// How long a unit may take in all, waiting for its turn and running again included. Default 5 s.
    pub deadline: Duration,
    /// How connections are encrypted. Default: if the server offers it.
    pub tls: Tls,
    /// A PEM file of the authorities that may vouch for the server. Default: those of the system.
    pub ca: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options { connections: 16, deadline: Duration::from_secs(5), tls: Tls::default(), ca: None }
    }
}

/// What the driver has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions that committed.
    pub commits: u64,
    /// Reading units that ran.
    pub reads: u64,
    /// Runs that collided and were run again, or given up.
    pub collisions: u64,
    /// Commits without a plain answer.
    pub unknown_outcomes: u64,
    /// Connections made.
    pub connections: u64,
    /// How often an answer of the server was awaited: what a call costs that PostgreSQL is far from.
    pub round_trips: u64,
}

/// A store in a PostgreSQL database, which other processes may use as well.
pub struct Postgres {
    inner: Arc<Inner>,
    place: String,
}

struct Inner {
    pool: Pool,
    deadline: Duration,
    commits: AtomicU64,
    reads: AtomicU64,
    collisions: AtomicU64,
    unknown_outcomes: AtomicU64,
}

impl Postgres {
    /// Connects to a database, and refuses one that cannot hold the data.
    ///
    /// `url` is `postgres://user:password@host1,host2:5433/database`. Of several hosts, each connection goes to the one
    /// that takes writes; they are asked in random order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason, in words for the operator. It never holds the password.
    pub async fn open(url: &str, options: &Options) -> Result<Self, StoreError> {
        let mut config = config(url)?;
        let place = place(&config);
        let tls = tls::connector(&mut config, options.tls, options.ca.as_deref())?;
        let inner = Inner {
            pool: Pool::new(config, tls, options.connections),
            deadline: options.deadline,
            commits: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            collisions: AtomicU64::new(0),
            unknown_outcomes: AtomicU64::new(0),
        };
        let (connection, _) = inner.pool.take().await?;
        checks::check(&connection).await?;
        inner.pool.give_back(connection);
        Ok(Postgres { inner: Arc::new(inner), place })
    }

    /// Where it is, for people: hosts and database, without user and password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What was done so far, for metrics.
    pub fn stats(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            commits: read(&self.inner.commits),
            reads: read(&self.inner.reads),
            collisions: read(&self.inner.collisions),
            unknown_outcomes: read(&self.inner.unknown_outcomes),
            connections: read(&self.inner.pool.made),
            round_trips: read(&self.inner.pool.round_trips),
        }
    }

    /// Refuses units from now on and lets go of the connections that are not in use.
    pub fn close(&self) {
        self.inner.pool.close();
    }
}

fn config(url: &str) -> Result<Config, StoreError> {
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        let mut why =
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        if url.contains("sslmode=verify-") {
            why.push_str("; certificates are verified by the setting postgres.tls = \"verify\"");
        }
        StoreError::Unavailable(format!("this is no address of a PostgreSQL database ({why})"))
    })?;
    // With a fixed order, clients would keep returning to an old primary that still answers.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite).load_balance_hosts(LoadBalanceHosts::Random);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(1));
    }
    if config.get_application_name().is_none() {
        config.application_name("larkspur");
    }
    Ok(config)
}

fn place(config: &Config) -> String {
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    format!("postgres://{}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}

impl Inner {
    async fn transact(&self, effect: Effect, unit: &dyn Unit) -> Result<(), StoreError> {
        let until = Instant::now() + self.deadline;
        let mut runs = 0;
        loop {
            let turn = self.pool.turn(until).await?;
            let (connection, used) = self.pool.take().await?;
            let ran = session::run(connection, effect, unit, until).await;
            match ran.connection {
                Some(connection) => self.pool.give_back(connection),
                None => self.pool.forget(),
            }
            drop(turn);
            // It died while it waited in the pool; nothing was lost with it.
            if ran.untouched && used && Instant::now() < until {
                continue;
            }
            if ran.outcome != Err(StoreError::Collided) {
                return ran.outcome;
            }
            self.collided(&mut runs, until).await?;
        }
    }

    /// Runs a statement outside of any transaction.
    async fn query(&self, effect: Effect, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let until = Instant::now() + self.deadline;
        let mut runs = 0;
        loop {
            let turn = self.pool.turn(until).await?;
            let (mut connection, used) = self.pool.take().await?;
            let outcome = match effect {
                Effect::Reads => connection.query(None, sql, params, until, effect).await,
                Effect::Writes => connection.write(session::begin(effect), sql, params, until).await,
            };
            let lost = outcome.as_ref().is_err_and(|failure| failure.lost);
            if lost {
                drop(connection);
                self.pool.forget();
            } else {
                self.pool.give_back(connection);
            }
            drop(turn);
            let error = match outcome {
                Ok(rows) => return Ok(rows),
                Err(failure) => failure.error,
            };
            // It died while it waited in the pool.
            if lost && used && matches!(error, StoreError::Unavailable(_)) && Instant::now() < until {
                continue;
            }
            if error != StoreError::Collided {
                return Err(error);
            }
            self.collided(&mut runs, until).await?;
        }
    }

    /// Counts a collision and waits a moment, or gives up.
    async fn collided(&self, runs: &mut u32, until: Instant) -> Result<(), StoreError> {
        *runs += 1;
        self.collisions.fetch_add(1, Ordering::Relaxed);
        if *runs == RUNS || Instant::now() >= until {
            return Err(StoreError::Unavailable(format!("collided {runs} times")));
        }
        sleep(pause(*runs)).await;
        Ok(())
    }

    /// Counts what came of something.
    fn count<T>(&self, effect: Effect, outcome: &Result<T, StoreError>) {
        let counter = match (outcome, effect) {
            (Ok(_), Effect::Writes) => &self.commits,
            (Ok(_), Effect::Reads) => &self.reads,
            (Err(StoreError::UnknownOutcome(_)), _) => &self.unknown_outcomes,
            (Err(_), _) => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A random pause that grows with the number of collisions.
fn pause(runs: u32) -> Duration {
    let longest = Duration::from_millis(1 << runs.min(10)).min(PAUSE);
    // The standard library's source of randomness that needs no crate; nothing depends on it but the pause.
    let draw = RandomState::new().hash_one(runs) % 1024;
    longest * u32::try_from(draw).unwrap_or(0) / 1024
}

/// Runs something as a task of its own, so that it ends properly even if nobody waits for it any more.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => Err(StoreError::Broken(format!("the unit panicked: {error}"))),
        Err(_) => Err(StoreError::UnknownOutcome("the unit was ended with the process".to_owned())),
    }
}

impl Driver for Postgres {
    fn transact(&self, effect: Effect, unit: Arc<dyn Unit>) -> BoxFuture<'_, Result<(), StoreError>> {
        let inner = self.inner.clone();
        Box::pin(to_its_end(async move {
            let outcome = inner.transact(effect, &*unit).await;
            inner.count(effect, &outcome);
            outcome
        }))
    }

    fn query(
        &self,
        effect: Effect,
        sql: &'static str,
        params: Vec<Value>,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        let inner = self.inner.clone();
        Box::pin(to_its_end(async move {
            let outcome = inner.query(effect, sql, &params).await;
            inner.count(effect, &outcome);
            outcome
        }))
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn name(&self) -> &'static str {
        "postgres"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_shown_without_its_password() {
        let config = config("postgres://me:hunter2@h1,h2:5433,h3/larkspur?keepalives_idle=5").expect("sound");
        assert_eq!(place(&config), "postgres://h1,h2,h3/larkspur");
        assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(config.get_load_balance_hosts(), LoadBalanceHosts::Random);
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        for url in [
            "postgres://me:hunter2@h1:port/larkspur",
            "postgres://me:hunter2@h1/db?colour=red",
            "larkspur.db",
        ] {
            let error = config(url).expect_err("refused").to_string();
            assert!(error.contains("no address") && !error.contains("hunter2"), "{error}");
        }
        let error = config("postgres://h/db?sslmode=verify-full").expect_err("refused").to_string();
        assert!(error.contains("postgres.tls = \"verify\""), "{error}");
    }

    #[test]
    fn pauses_are_short_and_differ() {
        let pauses: Vec<Duration> = (1..=RUNS).map(pause).collect();
        assert!(pauses.iter().all(|pause| *pause <= PAUSE));
        assert!((0..50).map(|_| pause(10)).collect::<std::collections::HashSet<_>>().len() > 10);
    }
}
