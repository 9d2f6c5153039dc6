//! A transaction over all tenants: for what has to find the tenant first.
//!
//! The statements that do not name a tenant are the ones in this file, in `apps.rs` (the directory of apps) and in
//! `tenants.rs`; nothing else holds a `Root`.

use std::sync::Arc;

use larkspur_contract::ids::{ChatId, TenantKey};

use crate::driver::{Session, StoreError};
use crate::{Engine, Row, Tx, Value};

/// A transaction that is not bound to a tenant.
pub struct Root {
    session: Box<dyn Session>,
    engine: Arc<Engine>,
    opened: u64,
    failed: Option<StoreError>,
}

impl Root {
    /// Takes a driver's session.
    pub fn new(session: Box<dyn Session>, engine: Arc<Engine>) -> Self {
        let opened = engine.memory.generation();
        Root { session, engine, opened, failed: None }
    }

    /// The store that this runs in.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The memory's generation when this transaction opened.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// The same transaction, bound to a tenant.
    pub fn tenant(&self, tenant: TenantKey) -> Tx {
        Tx::at(self.session.share(), self.engine.clone(), tenant, self.opened)
    }

    /// Fails if any statement failed, whatever was made of its error: such a transaction must not commit.
    pub fn outcome(&self) -> Result<(), StoreError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    pub(crate) async fn rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let result = self.session.query(sql, params).await;
        if let Err(error) = &result {
            self.failed.get_or_insert_with(|| error.clone());
        }
        result
    }

    pub(crate) fn on_commit(&mut self, hook: crate::Hook) {
        self.session.on_commit(hook);
    }

    /// The tenant in which a chat lives.
    pub async fn home_of_chat(&mut self, chat: ChatId) -> Result<Option<TenantKey>, StoreError> {
        let rows = self.rows("SELECT tenant FROM chat WHERE chat_id = $1", &[Value::from(chat)]).await?;
        rows.into_iter().next().map(|mut row| row.id(0, TenantKey::parse)).transpose()
    }
}
