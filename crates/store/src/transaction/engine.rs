//! One open store: a driver, the memory above it, and the sources of ids, secrets and time.

use std::sync::Arc;

use larkspur_contract::Effect;

use super::blob_store::Blobs;
use super::driver::{self, BoxFuture, Driver, StoreError};
use super::root::Root;
use crate::clock::Clock;
use crate::lanes::Lanes;
use crate::pace::Pace;
use crate::{Attempts, Ids, Keys, Memory, Notices, Wakeup};

/// An open store.
pub struct Engine {
    /// The driver below.
    pub driver: Arc<dyn Driver>,
    /// The read model above it.
    pub memory: Memory,
    /// Fresh identifiers.
    pub ids: Ids,
    /// Secrets.
    pub keys: Keys,
    /// Wakes the worker that delivers events.
    pub wakeup: Wakeup,
    /// Events that need no search.
    pub lanes: Lanes,
    /// Tells this process what changed.
    pub notices: Notices,
    /// The last attempts of this process to deliver an event.
    pub attempts: Attempts,
    /// How fast messages are sent to chats.
    pub pace: Pace,
    /// The real time.
    pub clock: Arc<dyn Clock>,
    /// Where files are kept; `None` to keep them in their rows.
    pub blobs: Option<Arc<dyn Blobs>>,
    /// Whether the server writes nothing to the store, or cannot. Then it makes no ids for shared stores and runs no
    /// jobs.
    pub read_only: bool,
}

impl Engine {
    /// Runs `body` in one transaction over all tenants and returns what it returns.
    ///
    /// For the gateway's own look-ups and for start-up; operations run as units of their own.
    pub async fn run<T, F>(self: &Arc<Self>, effect: Effect, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Root) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync + 'static,
    {
        let (engine, body) = (self.clone(), Arc::new(body));
        driver::run(&*self.driver, effect, move |session| {
            let (engine, body) = (engine.clone(), body.clone());
            Box::pin(async move {
                let mut root = Root::new(session.share(), engine, effect);
                let result = body(&mut root).await;
                root.outcome()?;
                result
            })
        })
        .await
    }
}
