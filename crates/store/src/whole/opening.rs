//! Opens a store, or migrates one.

use std::sync::Arc;

use crate::clock::Clock;
use crate::driver::{Driver, StoreError};
use crate::lanes::Lanes;
use crate::pace::Pace;
use crate::transaction::Blobs;
use crate::whole::state::{self, Schema};
use crate::whole::{migrate, nodes};
use crate::{Attempts, Engine, Ids, Keys, Memory, Notices, Wakeup};

/// Options for opening a store.
#[derive(Default, Clone)]
pub struct EngineOptions {
    /// The most bytes of tags that are kept in memory.
    pub tag_bytes: usize,
    /// On a store that others write to: for how many milliseconds reads may use cached values. 0 turns caching off.
    pub stale_ms: u32,
    /// Where files are kept; `None` to keep them in their rows.
    pub blobs: Option<Arc<dyn Blobs>>,
    /// Whether to write nothing to the store: it must have a schema that this program can serve.
    pub read_only: bool,
}

impl Engine {
    /// Opens a store: applies missing migrations and reads the master key, which is made for a new store.
    ///
    /// Refuses a store that is newer than this program, or that has lost its master key.
    pub async fn open(
        driver: Arc<dyn Driver>,
        clock: Arc<dyn Clock>,
        tag_bytes: usize,
    ) -> Result<Arc<Self>, StoreError> {
        Self::open_with(driver, clock, EngineOptions { tag_bytes, ..EngineOptions::default() }).await
    }

    /// As [`Engine::open`], with options.
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
        let engine = Arc::new(Engine {
            driver,
            memory,
            ids,
            keys,
            wakeup: Wakeup::default(),
            lanes: Lanes::default(),
            notices: Notices::default(),
            attempts: Attempts::default(),
            pace: Pace::default(),
            clock,
            blobs,
            read_only,
        });
        if !read_only {
            nodes::hold_node(&engine).await?;
        }
        Ok(engine)
    }

    /// Migrates a store to this program's schema, and does nothing else: no node number is taken, since no ids are
    /// made.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub async fn migrate(driver: &Arc<dyn Driver>) -> Result<(), StoreError> {
        migrate::open(driver).await.map(drop)
    }
}

/// The master key of a store that must not be written to.
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
