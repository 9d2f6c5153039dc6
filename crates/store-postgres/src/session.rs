//! A unit's handle on its transaction.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larkspur_contract::ids::TenantKey;
use larkspur_store::{BoxFuture, Hook, Row, Session, StoreError, Value, tenant_locks};
use tokio::time::Instant;

use crate::connection::is_definition;
use crate::errors::Failure;
use crate::transaction::Transaction;

/// The time limit of a statement that creates or changes a table, and of its transaction.
const DEFINITION: Duration = Duration::from_secs(3600);

/// One unit's part of a transaction.
pub(crate) struct Part {
    transaction: Arc<Transaction>,
    /// Its deadline.
    until: Instant,
    /// Whether the connection was lost at the first statement.
    pub(crate) untouched: bool,
    /// Whether it wrote a row.
    pub(crate) wrote: bool,
    /// Whether it may only add rows, and whether one of its rows was not added.
    only_adds: bool,
    not_added: bool,
    /// Whether it asked for more than that.
    pub(crate) overstepped: bool,
    /// The first failure. After it PostgreSQL refuses every statement and turns a COMMIT into a ROLLBACK.
    pub(crate) failure: Option<Failure>,
}

/// What a unit asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Any statement.
    Anything,
    /// A read of rows that no unit of a group changes.
    LookUp,
    /// To add a row.
    Row,
}

/// A unit's handle. It may outlive its unit: it then fails.
#[derive(Clone)]
pub(crate) struct Handle {
    part: Arc<tokio::sync::Mutex<Option<Part>>>,
    hooks: Arc<Mutex<Vec<Hook>>>,
}

impl Handle {
    /// The first handle of a unit.
    pub(crate) fn on(transaction: Arc<Transaction>, until: Instant, only_adds: bool) -> Self {
        let part = Part {
            transaction,
            until,
            untouched: false,
            wrote: false,
            only_adds,
            not_added: false,
            overstepped: false,
            failure: None,
        };
        Handle { part: Arc::new(tokio::sync::Mutex::new(Some(part))), hooks: Arc::default() }
    }

    /// Waits for what the handles are doing, and takes the unit's part away from them. Returns it with the hooks for
    /// the commit.
    pub(crate) async fn close(&self) -> (Option<Part>, Vec<Hook>) {
        let hooks = std::mem::take(&mut *self.hooks.lock().unwrap_or_else(PoisonError::into_inner));
        (self.part.lock().await.take(), hooks)
    }

    async fn run(&self, sql: &str, params: &[Value], asks: Asks) -> Result<Vec<Row>, StoreError> {
        self.within(sql, asks, async move |transaction, until| {
            let (rows, written) = transaction.query(sql, params, until).await?;
            Ok((rows, written > 0))
        })
        .await
    }

    /// Does something in the transaction, unless the part has failed or ended.
    async fn within<T>(
        &self,
        sql: &str,
        asks: Asks,
        work: impl AsyncFnOnce(&Transaction, Instant) -> Result<(T, bool), Failure>,
    ) -> Result<T, StoreError> {
        let mut part = self.part.lock().await;
        let Some(part) = part.as_mut() else {
            return Err(StoreError::Broken(format!("the transaction has ended, in: {sql}")));
        };
        if let Some(failure) = &part.failure {
            return Err(failure.error.clone());
        }
        if part.only_adds && (part.not_added || asks == Asks::Anything) {
            part.overstepped = true;
            return Err(StoreError::Collided);
        }
        if is_definition(sql) {
            part.until = part.until.max(Instant::now() + DEFINITION);
        }
        // A unit that drops this future never learns whether the statement failed.
        part.failure = Some(Failure::lost("a statement was given up".to_owned()));
        let first = !part.transaction.has_begun();
        let outcome = work(&part.transaction, part.until).await;
        part.failure = outcome.as_ref().err().cloned();
        part.untouched = first && part.failure.as_ref().is_some_and(|failure| failure.lost);
        let (found, wrote) = outcome.map_err(|failure| failure.error)?;
        part.wrote |= wrote;
        part.not_added |= asks == Asks::Row && !wrote;
        Ok(found)
    }
}

impl Session for Handle {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(self.run(sql, params, Asks::Anything))
    }

    fn look_up<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(self.run(sql, params, Asks::LookUp))
    }

    fn insert<'a>(&'a mut self, sql: &'a str, row: Vec<Value>) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.within(sql, Asks::Row, async move |transaction, until| {
            let added = transaction.insert(sql, row, until).await?;
            Ok((added, added))
        }))
    }

    fn keep_out<'a>(&'a mut self, tenant: TenantKey) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let params = [Value::Int(tenant_locks::number(tenant))];
            self.run(tenant_locks::ALONE, &params, Asks::Anything).await.map(drop)
        })
    }

    fn on_commit(&mut self, hook: Hook) {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    fn share(&self) -> Box<dyn Session> {
        Box::new(self.clone())
    }
}
