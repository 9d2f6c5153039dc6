//! The cluster driver: PostgreSQL.
//!
//! Each run of a unit is a transaction on a connection of a small pool; units of different tenants that write at the same
//! time share one. What was not answered in time is given up by
//! dropping the connection, never by cancelling; a COMMIT that was not answered plainly has an unknown outcome.

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

/// Settings of a session that decide how its statements are planned: once for any parameters, and as walks along indexes, since
/// every statement reads few rows of one tenant. Estimates are bound to be wrong (a tenant may have one row or all of a
/// table's), so nothing is left to them that would cost much: no table is read whole, nothing is hashed or compiled.
pub const PLANNING: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off; \
     SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_sort = off; SET jit = off; \
     SET max_parallel_workers_per_gather = 0";

/// How long it may take to connect, and to be greeted.
pub(crate) const CONNECT: Duration = Duration::from_secs(2);

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
    /// Writing units that committed.
    pub commits: u64,
    /// Transactions that several of them shared.
    pub groups: u64,
    /// Such transactions that were undone, after which each unit was run by itself.
    pub groups_undone: u64,
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
    scheduler: Arc<Scheduler>,
    place: String,
    /// When a write last found no room.
    no_room: Arc<Mutex<Option<Instant>>>,
}

/// For how long a write that found no room speaks for those that come.
const RECENT: Duration = Duration::from_secs(3);

/// Why a database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// It cannot be reached, or does not answer, now.
    Away(StoreError),
    /// It will not do, and waiting does not change that: the address, a certificate, what the server or the database is.
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
    /// Connects to a database, and refuses one that cannot hold the data.
    ///
    /// `url` is `postgres://user:password@host1,host2:5433/database`. Of several hosts, each connection goes to the one
    /// that takes writes; they are asked in random order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason, in words for the operator. It never holds the password.
    pub async fn open(url: &str, options: &Options) -> Result<Self, StoreError> {
        Ok(Self::try_open(url, options).await?)
    }

    /// As [`Postgres::open`], and tells what may pass from what will not.
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

    /// Where it is, for people: hosts and database, without user and password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What was done so far, for metrics.
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

    /// Refuses units from now on and lets go of the connections that are not in use.
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
            "this is no address of a PostgreSQL database ({why}): write postgres://user:password@host/database"
        ))
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
            .map(|_| "a write found no room on the disk of PostgreSQL a moment ago".to_owned())
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
}
