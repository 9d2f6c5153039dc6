//! Idle connections, and a limit on how many exist.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use larkspur_store::StoreError;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connection::Connection;

/// How many connections are tried in search of the newest primary.
const TRIES: usize = 8;

pub(crate) struct Pool {
    config: Config,
    tls: MakeRustlsConnect,
    turns: Semaphore,
    idle: Mutex<Vec<Connection>>,
    /// The newest timeline seen on any connection. A primary of an older one was replaced without knowing it.
    timeline: AtomicU32,
    /// Connections opened so far.
    pub(crate) made: AtomicU64,
    /// Answers awaited.
    pub(crate) round_trips: Arc<AtomicU64>,
}

impl Pool {
    pub(crate) fn new(config: Config, tls: MakeRustlsConnect, connections: usize) -> Self {
        let turns = Semaphore::new(connections.max(1));
        Pool {
            config,
            tls,
            turns,
            idle: Mutex::default(),
            timeline: AtomicU32::new(0),
            made: AtomicU64::new(0),
            round_trips: Arc::default(),
        }
    }

    /// How connections are opened.
    pub(crate) fn way(&self) -> (&Config, &MakeRustlsConnect) {
        (&self.config, &self.tls)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit; its holder may take a connection.
    pub(crate) async fn turn(&self, until: Instant) -> Result<SemaphorePermit<'_>, StoreError> {
        let unavailable = |why: &str| StoreError::Unavailable(why.to_owned());
        let turn = timeout_at(until, self.turns.acquire()).await;
        turn.map_err(|_| unavailable("every connection was in use for too long"))?
            .map_err(|_| unavailable("the store is closed"))
    }

    /// The connection that was used last, and true; or a new one, and false.
    pub(crate) async fn take(&self) -> Result<(Connection, bool), StoreError> {
        let waiting = {
            let mut idle = self.idle();
            std::iter::from_fn(|| idle.pop()).find(|connection| self.is_good(connection))
        };
        if let Some(mut connection) = waiting {
            connection.set_in_use(true);
            connection.renew_plans().await;
            return Ok((connection, true));
        }
        // The hosts are tried in random order.
        for _ in 0..TRIES {
            self.made.fetch_add(1, Ordering::Relaxed);
            let opened = Connection::open(&self.config, &self.tls, self.round_trips.clone()).await?;
            self.timeline.fetch_max(opened.timeline(), Ordering::AcqRel);
            if self.is_good(&opened) {
                return Ok((opened, false));
            }
        }
        Err(StoreError::Unavailable("the primary that answers was replaced by another one".to_owned()))
    }

    /// Whether a connection leads to the newest primary, as far as is known.
    ///
    /// A primary that was replaced but not fenced commits nothing, but still answers reads from its old data. A process
    /// that has seen its successor must not use it again.
    fn is_good(&self, connection: &Connection) -> bool {
        !connection.is_closed() && connection.timeline() >= self.timeline.load(Ordering::Acquire)
    }

    /// Returns a connection on which nothing is open.
    pub(crate) fn give_back(&self, mut connection: Connection) {
        connection.set_in_use(false);
        if self.is_good(&connection) && !self.turns.is_closed() {
            self.idle().push(connection);
        }
    }

    /// Drops every idle connection: one was lost, so the others probably are, too.
    pub(crate) fn forget(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    /// Refuses further callers.
    pub(crate) fn close(&self) {
        self.turns.close();
        self.forget();
    }
}
