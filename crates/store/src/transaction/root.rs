//! A transaction over all tenants, for look-ups that have to find the tenant first.
//!
//! Few statements name no tenant; a test lists them with their reasons.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;

use super::driver::{Hook, Session, StoreError};
use super::engine::Engine;
use super::tx::{Opened, Tx, opened};
use super::value::{Row, Value};
use super::work::{Shared, Work};

/// A transaction that is not bound to a tenant.
pub struct Root {
    session: Box<dyn Session>,
    engine: Arc<Engine>,
    opened: Opened,
    shared: Arc<Shared>,
}

impl Root {
    /// Wraps a driver's session.
    pub fn new(session: Box<dyn Session>, engine: Arc<Engine>, effect: Effect) -> Self {
        let opened = opened(&engine, effect);
        Root::within(session, engine, opened, Arc::default())
    }

    pub(crate) fn within(
        session: Box<dyn Session>,
        engine: Arc<Engine>,
        opened: Opened,
        shared: Arc<Shared>,
    ) -> Self {
        Root { session, engine, opened, shared }
    }

    /// The store that this runs on.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The same transaction, bound to a tenant.
    pub fn tenant(&self, tenant: TenantKey) -> Tx {
        Tx::within(self.session.share(), self.engine.clone(), tenant, self.opened, self.shared.clone())
    }

    /// Fails if any statement failed, even if its error was ignored: such a transaction must not commit.
    pub fn outcome(&self) -> Result<(), StoreError> {
        self.shared.failed.get().cloned().map_or(Ok(()), Err)
    }

    /// What this transaction did.
    pub fn work(&self) -> Work {
        self.shared.work()
    }

    /// From now on, no app is told of what happens in this transaction.
    pub fn silence(&self) {
        self.shared.silent.store(true, Ordering::Relaxed);
    }

    /// This transaction is undone at its end, although it succeeds.
    pub fn discard(&self) {
        self.shared.discarded.store(true, Ordering::Relaxed);
    }

    /// Whether this transaction is to be undone.
    pub fn is_discarded(&self) -> bool {
        self.shared.discarded.load(Ordering::Relaxed)
    }

    pub(crate) async fn rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.shared.counted();
        let result = self.session.query(sql, params).await;
        if let Err(error) = &result {
            let _ = self.shared.failed.set(error.clone());
        }
        result
    }

    pub(crate) fn on_commit(&mut self, hook: Hook) {
        self.session.on_commit(hook);
    }

    /// Locks the row that every process locks to open the store: until this transaction ends, no other one has it.
    pub async fn lock_store(&mut self) -> Result<(), StoreError> {
        let sql = "UPDATE meta SET value = value WHERE name = 'schema_version'";
        self.rows(sql, &[]).await.map(drop)
    }
}
