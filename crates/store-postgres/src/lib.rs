//! The cluster driver: PostgreSQL.
//!
//! Each run of a unit is a transaction on a connection of a small pool. Units of different tenants that write at the
//! same time share one. If there is no answer in time, the connection is dropped, never canceled. A COMMIT without a
//! clear answer has an unknown outcome.

mod attempts;
mod certificate;
mod checks;
mod connection;
mod counters;
mod errors;
mod execution;
mod groups;
mod pool;
mod scheduler;
mod session;
mod tls;
mod transaction;
mod values;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larkspur_contract::Effect;
use larkspur_store::{BoxFuture, Driver, Row, StoreError, Unit, Value};
use tokio::time::Instant;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts, TargetSessionAttrs};

use attempts::Attempts;
use counters::Counters;
use pool::Pool;
use scheduler::Scheduler;
pub use tls::Tls;

/// Session settings for planning: one plan for any parameters, and index scans only, since every statement reads few
/// rows of one tenant. Estimates are often wrong (a tenant may have one row of a table or all of them), so expensive
/// plans are ruled out: no sequential scans, hash joins or JIT.
pub const PLANNING: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off; \
     SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_sort = off; SET jit = off; \
     SET max_parallel_workers_per_gather = 0";

/// The time limit for connecting, including the server's greeting.
pub(crate) const CONNECT: Duration = Duration::from_secs(2);

/// Options of the driver.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most connections at a time; at least one. Default 16.
    pub connections: usize,
    /// The time limit of a unit in all, including waiting and retries. Default 5 s.
    pub deadline: Duration,
    /// How connections are encrypted. Default: if the server offers it.
    pub tls: Tls,
    /// A PEM file of the CA certificates that may vouch for the server. Default: those of the system.
    pub ca: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options { connections: 16, deadline: Duration::from_secs(5), tls: Tls::default(), ca: None }
    }
}

/// Work since the driver was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Writing units that committed.
    pub commits: u64,
    /// Transactions shared by several of them.
    pub groups: u64,
    /// Shared transactions that were undone, after which each unit was retried alone.
    pub groups_undone: u64,
    /// Reading units that ran.
    pub reads: u64,
    /// Runs that collided and were retried or given up.
    pub collisions: u64,
    /// Commits with an unknown outcome.
    pub unknown_outcomes: u64,
    /// Connections made.
    pub connections: u64,
    /// Answers awaited: the cost of a call if PostgreSQL is far away.
    pub round_trips: u64,
}

/// A store in a PostgreSQL database. Other processes may use it, too.
pub struct Postgres {
    scheduler: Arc<Scheduler>,
    place: String,
    /// When a write last failed for lack of space.
    no_room: Arc<Mutex<Option<Instant>>>,
}

/// For how long a write that failed for lack of space predicts the same for others.
const RECENT: Duration = Duration::from_secs(3);

/// Why a database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// It cannot be reached or does not answer now.
    Away(StoreError),
    /// It is unsuitable, and waiting does not help: the URL, a certificate, or the server or database itself.
    Unfit(StoreError),
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Away(error) | OpenError::Unfit(error) => error,
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        OpenError::Away(error)
    }
}

impl Postgres {
    /// Connects to a database, and refuses one that cannot keep the data.
    ///
    /// `url` is `postgres://user:password@host1,host2:5433/database`. With several hosts, each connection goes to the
    /// one that takes writes; they are tried in random order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason, for the operator. It never contains the password.
    pub async fn open(url: &str, options: &Options) -> Result<Self, StoreError> {
        Ok(Self::try_open(url, options).await?)
    }

    /// As [`Postgres::open`], but tells temporary failures from permanent ones.
    ///
    /// # Errors
    /// As [`Postgres::open`].
    pub async fn try_open(url: &str, options: &Options) -> Result<Self, OpenError> {
        let mut config = config(url).map_err(OpenError::Unfit)?;
        let place = place(&config);
        let tls =
            tls::connector(&mut config, options.tls, options.ca.as_deref()).map_err(OpenError::Unfit)?;
        let pool = Pool::new(config, tls, options.connections);
        let connection = match pool.take().await {
            Ok((connection, _)) => connection,
            Err(error) if errors::is_unwritable(&error) => {
                let (config, tls) = pool.way();
                let why = checks::unwritable(config, tls).await;
                return Err(why.map_or(error, StoreError::Unavailable).into());
            }
            Err(error) => return Err(errors::at_start(error).into()),
        };
        checks::check(&connection).await?;
        pool.give_back(connection);
        let attempts = Attempts { pool, deadline: options.deadline, counters: Counters::default() };
        Ok(Postgres { scheduler: Arc::new(Scheduler::new(attempts)), place, no_room: Arc::default() })
    }

    /// Hosts and database, for people, without user and password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Counts so far, for metrics.
    pub fn stats(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Attempts { pool, counters, .. } = &self.scheduler.attempts;
        Stats {
            commits: read(&counters.commits),
            groups: read(&counters.groups),
            groups_undone: read(&counters.groups_undone),
            reads: read(&counters.reads),
            collisions: read(&counters.collisions),
            unknown_outcomes: read(&counters.unknown_outcomes),
            connections: read(&pool.made),
            round_trips: read(&pool.round_trips),
        }
    }

    fn noting<'a, T: 'a>(
        &self,
        effect: Effect,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        let no_room = self.no_room.clone();
        Box::pin(async move {
            let outcome = work.await;
            if let (Effect::Writes, Err(error)) = (effect, &outcome)
                && errors::is_no_room(error)
            {
                *no_room.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            }
            outcome
        })
    }

    /// Refuses further units and closes idle connections.
    pub fn close(&self) {
        self.scheduler.attempts.pool.close();
    }
}

fn config(url: &str) -> Result<Config, StoreError> {
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        let mut why =
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        if url.contains("sslmode=verify-") {
            why.push_str("; certificates are verified by the setting postgres.tls = \"verify\"");
        }
        StoreError::Unavailable(format!(
            "not a PostgreSQL URL ({why}): write postgres://user:password@host/database"
        ))
    })?;
    // In a fixed order, clients would keep returning to an old primary that still answers.
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

/// Runs a future as a task of its own, so that it completes even if its caller has gone.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => Err(StoreError::Broken(format!("the unit panicked: {error}"))),
        Err(_) => Err(StoreError::UnknownOutcome("aborted by shutdown".to_owned())),
    }
}

impl Driver for Postgres {
    fn transact(&self, effect: Effect, unit: Arc<dyn Unit>) -> BoxFuture<'_, Result<(), StoreError>> {
        let scheduler = self.scheduler.clone();
        if let (Effect::Writes, Some(tenant)) = (effect, unit.tenant()) {
            return self.noting(effect, scheduler.transact_of(tenant, unit));
        }
        self.noting(
            effect,
            to_its_end(async move {
                let attempts = &scheduler.attempts;
                let outcome = attempts.transact(effect, &*unit, Instant::now() + attempts.deadline).await;
                attempts.counters.count(effect, &outcome);
                outcome
            }),
        )
    }

    fn query(
        &self,
        effect: Effect,
        sql: &'static str,
        params: Vec<Value>,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        let scheduler = self.scheduler.clone();
        self.noting(
            effect,
            to_its_end(async move {
                let outcome = scheduler.attempts.query(effect, sql, &params).await;
                scheduler.attempts.counters.count(effect, &outcome);
                outcome
            }),
        )
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn trouble(&self) -> Option<String> {
        let no_room = *self.no_room.lock().unwrap_or_else(PoisonError::into_inner);
        no_room
            .filter(|when| when.elapsed() < RECENT)
            .map(|_| "a write failed a moment ago: the disk of PostgreSQL is full".to_owned())
    }

    fn name(&self) -> &'static str {
        "postgres"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_and_shown_without_its_password() {
        let config = config("postgres://me:hunter2@h1,h2:5433,h3/larkspur?keepalives_idle=5").expect("sound");
        assert_eq!(place(&config), "postgres://h1,h2,h3/larkspur");
        assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(config.get_load_balance_hosts(), LoadBalanceHosts::Random);
    }

    #[test]
    fn an_invalid_url_is_refused_without_its_password() {
        for url in [
            "postgres://me:hunter2@h1:port/larkspur",
            "postgres://me:hunter2@h1/db?colour=red",
            "larkspur.db",
        ] {
            let error = config(url).expect_err("refused").to_string();
            assert!(error.contains("not a PostgreSQL URL") && !error.contains("hunter2"), "{error}");
        }
        let error = config("postgres://h/db?sslmode=verify-full").expect_err("refused").to_string();
        assert!(error.contains("postgres.tls = \"verify\""), "{error}");
    }
}
