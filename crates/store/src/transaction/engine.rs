//! One opened store: a driver, what is remembered above it, and the sources of ids, secrets and time.

use std::sync::Arc;

use larkspur_contract::Effect;

use super::driver::{BoxFuture, Driver, Session, StoreError, Unit, Verdict};
use crate::blobs::Blobs;
use crate::clock::{Clock, system_millis};
use crate::whole::state::{self, Schema};
use crate::whole::{migrate, nodes};
use crate::{Bell, Ids, Keys, Memory, Root};

/// How an engine is put on a store.
#[derive(Default, Clone)]
pub struct EngineOptions {
    /// The most bytes of tags that are kept in memory.
    pub tag_bytes: usize,
    /// On a store that others write to: for how many milliseconds reads may go by what was read before. 0 means not at all.
    pub stale_ms: u32,
    /// Where files are kept; none for in their rows.
    pub blobs: Option<Arc<dyn Blobs>>,
    /// Whether nothing is written to the store: it must have a schema that this program can serve.
    pub read_only: bool,
}

/// An opened store.
pub struct Engine {
    /// The driver below.
    pub driver: Arc<dyn Driver>,
    /// The read model above it.
    pub memory: Memory,
    /// Fresh identifiers.
    pub ids: Ids,
    /// Secrets.
    pub keys: Keys,
    /// Rung for the worker that delivers events.
    pub bell: Bell,
    /// The real time.
    pub clock: Arc<dyn Clock>,
    /// Where files are kept; none for in their rows.
    pub blobs: Option<Arc<dyn Blobs>>,
    /// Whether nothing is written to the store, be it that nothing can be. Then it makes no ids for shared stores, and no
    /// jobs are done.
    pub read_only: bool,
}

impl Engine {
    /// Opens a store: applies the migrations that are missing and reads the master key, which a new store is given.
    ///
    /// A database that is newer than this program is refused, as is one that has lost its master key.
    pub async fn open(
        driver: Arc<dyn Driver>,
        clock: Arc<dyn Clock>,
        tag_bytes: usize,
    ) -> Result<Arc<Self>, StoreError> {
        Self::open_with(driver, clock, EngineOptions { tag_bytes, ..EngineOptions::default() }).await
    }

    /// As [`Engine::open`], made to order.
    pub async fn open_with(
        driver: Arc<dyn Driver>,
        clock: Arc<dyn Clock>,
        options: EngineOptions,
    ) -> Result<Arc<Self>, StoreError> {
        let EngineOptions { tag_bytes, stale_ms, blobs, read_only } = options;
        let shared = driver.is_shared();
        let master = if read_only { served(&driver).await? } else { migrate::open(&driver).await? };
        let keys = Keys::derive(&master);
        let memory = match (shared, stale_ms) {
            (false, _) => Memory::new(tag_bytes),
            (true, 0) => Memory::off(),
            (true, limit_ms) => Memory::stale(tag_bytes, limit_ms, clock.clone()),
        };
        let ids = if shared { Ids::without_a_node() } else { Ids::new(0) };
        let engine =
            Arc::new(Engine { driver, memory, ids, keys, bell: Bell::default(), clock, blobs, read_only });
        if !read_only {
            engine.hold_node().await?;
        }
        Ok(engine)
    }

    /// Brings a store to this program's schema, and leaves no more behind: whoever makes no ids needs no node number.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub async fn migrate(driver: &Arc<dyn Driver>) -> Result<(), StoreError> {
        migrate::open(driver).await.map(drop)
    }

    /// Renews the lease of this process's node number, or takes a number that nobody holds. Where no other process uses
    /// the store, there is nothing to do.
    ///
    /// Whoever keeps an engine for long calls this every [`RENEWAL_MS`](nodes::RENEWAL_MS).
    pub async fn hold_node(&self) -> Result<(), StoreError> {
        if !self.driver.is_shared() {
            return Ok(());
        }
        nodes::hold(self, system_millis()).await
    }

    /// Runs `body` in one transaction over all tenants and returns what it returns.
    ///
    /// For the gateway's own look-ups and for start-up; operations run as units of their own.
    pub async fn run<T, F>(self: &Arc<Self>, effect: Effect, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Root) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync + 'static,
    {
        let unit =
            Arc::new(Closure { engine: self.clone(), effect, body, result: std::sync::Mutex::new(None) });
        self.driver.transact(effect, unit.clone()).await?;
        let result = unit.result.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        result.ok_or_else(|| StoreError::Broken("the driver did not run the unit".to_owned()))
    }
}

/// The master key of a store that is not written to.
async fn served(driver: &Arc<dyn Driver>) -> Result<String, StoreError> {
    let state = state::look(driver).await?;
    let schema = state.schema;
    state.served()?.ok_or_else(|| {
        let found = match schema {
            Schema::Older(schema) => format!("it has the older schema {schema}"),
            _ => "it has no tables".to_owned(),
        };
        state::refused(format!(
            "{found}, and a server that only reads changes nothing: run `larkspur migrate`"
        ))
    })
}

struct Closure<T, F> {
    engine: Arc<Engine>,
    effect: Effect,
    body: F,
    result: std::sync::Mutex<Option<T>>,
}

impl<T, F> Unit for Closure<T, F>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a mut Root) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync + 'static,
{
    fn run(&self, session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        Box::pin(async move {
            let mut root = Root::new(session, self.engine.clone(), self.effect);
            let result = (self.body)(&mut root).await;
            root.outcome()?;
            *self.result.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(result?);
            Ok(Verdict::Commit)
        })
    }
}
