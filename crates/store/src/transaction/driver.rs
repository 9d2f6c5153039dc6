//! The interface of a driver: begin, query, commit. A driver knows no table.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use larkspur_contract::ids::TenantKey;
use larkspur_contract::{Effect, Fault, codes};

use crate::{Row, Value};

/// A future of unknown type.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store's driver.
pub trait Driver: Send + Sync + 'static {
    /// Runs a unit in one transaction.
    ///
    /// The unit may run several times: it is retried when it collides with another, a bounded number of times and with
    /// jitter. When this returns `Ok`, what the unit wrote is durable (or undone, for [`Verdict::Rollback`]), and its
    /// hooks have run.
    fn transact(&self, effect: Effect, unit: Arc<dyn Unit>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Runs one statement outside of any unit's transaction, with `$1…$n` bound by number.
    ///
    /// It is durable when this returns `Ok`. A write may have happened if the outcome is unknown, as with a unit; it is
    /// retried only if it certainly did not happen.
    fn query(
        &self,
        effect: Effect,
        sql: &'static str,
        params: Vec<Value>,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(run_statement(self, effect, sql, params))
    }

    /// Whether other processes may write to the same store. Then what is cached above the driver may be stale.
    fn is_shared(&self) -> bool;

    /// Why writes fail, or would be lost, as far as the driver knows without asking the store: no space, or a file that
    /// was replaced. `None` if it knows of no trouble.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// The driver's name in logs and metrics.
    fn name(&self) -> &'static str;
}

/// Runs a closure in one transaction, which commits if it succeeds, and returns its result. A driver may run it several
/// times.
pub(crate) async fn run<T, F>(
    driver: &(impl Driver + ?Sized),
    effect: Effect,
    body: F,
) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a mut dyn Session) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync + 'static,
{
    let unit = Arc::new(Closure { body, result: Mutex::new(None) });
    driver.transact(effect, unit.clone()).await?;
    let result = unit.result.lock().unwrap_or_else(PoisonError::into_inner).take();
    result.ok_or_else(|| StoreError::Broken("the driver did not run the unit".to_owned()))
}

/// Runs one statement in a transaction of its own. For statements whose text is built at run time; run others with
/// [`Driver::query`].
pub(crate) async fn run_statement(
    driver: &(impl Driver + ?Sized),
    effect: Effect,
    sql: impl Into<Cow<'static, str>>,
    params: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let statement = Arc::new((sql.into(), params));
    run(driver, effect, move |session| {
        let statement = statement.clone();
        Box::pin(async move { session.query(&statement.0, &statement.1).await })
    })
    .await
}

/// A closure that forms a unit, and its result.
struct Closure<T, F> {
    body: F,
    result: Mutex<Option<T>>,
}

impl<T, F> Unit for Closure<T, F>
where
    T: Send,
    F: for<'a> Fn(&'a mut dyn Session) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync,
{
    fn run(&self, mut session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        Box::pin(async move {
            let result = (self.body)(session.as_mut()).await?;
            *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            Ok(Verdict::Commit)
        })
    }
}

/// The body of one transaction. It owns its input and can run again.
pub trait Unit: Send + Sync {
    /// Runs once. The session ends with the future.
    fn run(&self, session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>>;

    /// The tenant, if it writes the rows of only one. Units of different tenants may then share a transaction and run
    /// concurrently in it: all of them commit, or each is retried alone.
    fn tenant(&self) -> Option<TenantKey> {
        None
    }

    /// Whether it adds rows with [`Session::insert`] and, as long as they are added, does nothing else but
    /// [`Session::look_up`]. Then several such units of one tenant may share a transaction, and what they add. Where they
    /// do, anything else that it asks for is [`StoreError::Collided`], and it is retried alone.
    fn only_adds(&self) -> bool {
        false
    }
}

/// What happens to a unit's writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They are made durable.
    Commit,
    /// They are undone: the operation refused.
    Rollback,
}

/// A handle on an open transaction.
pub trait Session: Send {
    /// Runs a statement with `$1…$n` bound by number and returns its rows.
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// As [`Session::query`], for reads of rows that units which only add never write: the result does not depend on the
    /// other units of the group.
    fn look_up<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        self.query(sql, params)
    }

    /// Runs `INSERT INTO … VALUES ($1, …, $n) … RETURNING` with some of the columns that are given first, in their order:
    /// whether a row was added. A driver may add the rows of several units that share a transaction with one statement.
    fn insert<'a>(&'a mut self, sql: &'a str, row: Vec<Value>) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { Ok(!self.query(sql, &row).await?.is_empty()) })
    }

    /// Waits until no other unit of a tenant (see [`Unit::tenant`]) writes, and keeps them out until this transaction ends.
    ///
    /// Drivers that run one writing unit at a time have nothing to do.
    fn keep_out<'a>(&'a mut self, _tenant: TenantKey) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// Registers what must happen around the commit.
    fn on_commit(&mut self, hook: Hook);

    /// Another handle to the same transaction.
    fn share(&self) -> Box<dyn Session>;
}

/// What happens to memory around a commit. Neither half runs if the transaction is rolled back.
pub struct Hook {
    /// Before the commit: invalidates memory.
    pub before: Box<dyn FnOnce() + Send>,
    /// After the commit is durable and before the caller gets an answer: publishes to memory.
    pub after: Box<dyn FnOnce() + Send>,
}

/// Why a transaction failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// It collided with another; the driver retries it.
    Collided,
    /// The store cannot be reached or cannot write now (disk full, no primary). Nothing was written.
    Unavailable(String),
    /// The commit was not confirmed: it may or may not have happened.
    UnknownOutcome(String),
    /// This program may not use the store as it is: it was made by a newer release, or is half of a copy. Nothing was
    /// written.
    Refused(String),
    /// A statement is wrong, or a row is malformed: a defect.
    Broken(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Collided => f.write_str("collided with another transaction"),
            StoreError::Unavailable(why) => write!(f, "the store is unavailable: {why}"),
            StoreError::UnknownOutcome(why) => write!(f, "the outcome of the commit is unknown: {why}"),
            StoreError::Refused(why) => f.write_str(why),
            StoreError::Broken(why) => write!(f, "broken statement or row: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Collided
            | StoreError::Unavailable(_)
            | StoreError::UnknownOutcome(_)
            | StoreError::Refused(_) => codes::UNAVAILABLE,
            StoreError::Broken(_) => codes::INTERNAL,
        };
        Fault::new(code, error.to_string())
    }
}
