//! One run of a unit: its transaction, and the handles on it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larkspur_contract::Effect;
use larkspur_store::{BoxFuture, Hook, Row, Session, StoreError, Unit, Value, Verdict};
use tokio::time::Instant;

use crate::connection::{Connection, is_definition};
use crate::errors::Failure;

/// A statement that makes or changes a table may take this long, and so may the transaction that it is in.
const DEFINITION: Duration = Duration::from_secs(3600);
/// The end of a transaction is waited for at least this long: an answer is worth more than the time that is left.
const END: Duration = Duration::from_secs(1);

/// An open transaction.
struct Open {
    connection: Connection,
    effect: Effect,
    until: Instant,
    /// What the first statement is sent together with; none after it.
    begin: Option<&'static str>,
    /// Whether the connection was lost at the first statement.
    untouched: bool,
    /// The first failure. After it PostgreSQL refuses every statement and makes a ROLLBACK of a COMMIT.
    failure: Option<Failure>,
}

/// What a unit holds. It outlives its unit harmlessly: there is nothing open any more.
#[derive(Clone)]
struct Handle {
    open: Arc<tokio::sync::Mutex<Option<Open>>>,
    hooks: Arc<Mutex<Vec<Hook>>>,
}

/// What became of a run.
pub(crate) struct Ran {
    pub(crate) outcome: Result<(), StoreError>,
    /// The connection, if nothing is open on it.
    pub(crate) connection: Option<Connection>,
    /// Whether the connection was lost before the unit could do anything.
    pub(crate) untouched: bool,
}

/// Runs a unit once, in a transaction of its own.
///
/// A reading unit sees one moment, as SQLite's readers do. A writing unit sees each statement's moment, and takes the
/// rows that its rules depend on: that works on Citus, too, and waits where a stricter isolation would fail.
pub(crate) async fn run(connection: Connection, effect: Effect, unit: &dyn Unit, until: Instant) -> Ran {
    let begin = Some(begin(effect));
    let open = Open { connection, effect, until, begin, untouched: false, failure: None };
    let handle = Handle { open: Arc::new(tokio::sync::Mutex::new(Some(open))), hooks: Arc::default() };
    let verdict = unit.run(Box::new(handle.clone())).await;
    let hooks = std::mem::take(&mut *handle.hooks.lock().unwrap_or_else(PoisonError::into_inner));
    let Some(open) = handle.open.lock().await.take() else {
        let outcome = Err(StoreError::Broken("the transaction was taken away".to_owned()));
        return Ran { outcome, connection: None, untouched: false };
    };
    let untouched = open.untouched;
    let (outcome, connection) = end(open, verdict, hooks).await;
    Ran { outcome, connection, untouched }
}

/// What a transaction begins with. It says whether it writes, since sessions by themselves only read.
pub(crate) fn begin(effect: Effect) -> &'static str {
    match effect {
        Effect::Reads => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        Effect::Writes => "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE",
    }
}

async fn end(
    open: Open,
    verdict: Result<Verdict, StoreError>,
    hooks: Vec<Hook>,
) -> (Result<(), StoreError>, Option<Connection>) {
    let Open { connection, effect, until, begin, failure, .. } = open;
    let lost = failure.as_ref().is_some_and(|failure| failure.lost);
    let verdict = match (verdict, failure) {
        // Whatever the unit made of a failed statement, it cannot commit.
        (Ok(Verdict::Commit), Some(failure)) => Err(failure.error),
        (verdict, _) => verdict,
    };
    if lost {
        return (verdict.map(drop), None);
    }
    if effect == Effect::Reads || verdict != Ok(Verdict::Commit) {
        if begin.is_none() {
            connection.roll_back().await;
        }
        return (verdict.map(drop), Some(connection));
    }
    let mut after = Vec::with_capacity(hooks.len());
    for hook in hooks {
        (hook.before)();
        after.push(hook.after);
    }
    let until = until.max(Instant::now() + END);
    let committed = match begin {
        None => connection.commit(until).await,
        // Nothing was sent, so nothing is open.
        Some(_) => Ok(()),
    };
    match committed {
        Ok(()) => {
            for hook in after {
                // What is committed stays so. Memory has forgotten what this hook would have told it, which is safe.
                drop(catch_unwind(AssertUnwindSafe(hook)));
            }
            (Ok(()), Some(connection))
        }
        Err(failure) => (Err(failure.error), (!failure.lost).then_some(connection)),
    }
}

impl Session for Handle {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let mut open = self.open.lock().await;
            let Some(open) = open.as_mut() else {
                return Err(StoreError::Broken(format!("the transaction has ended, in: {sql}")));
            };
            if let Some(failure) = &open.failure {
                return Err(failure.error.clone());
            }
            if is_definition(sql) {
                open.until = open.until.max(Instant::now() + DEFINITION);
            }
            // A unit that drops this future never learns whether the statement failed.
            open.failure = Some(Failure::lost("a statement was given up".to_owned()));
            let begin = open.begin.take();
            let outcome = open.connection.query(begin, sql, params, open.until, open.effect).await;
            open.failure = outcome.as_ref().err().cloned();
            open.untouched = begin.is_some() && open.failure.as_ref().is_some_and(|failure| failure.lost);
            outcome.map_err(|failure| failure.error)
        })
    }

    fn on_commit(&mut self, hook: Hook) {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    fn share(&self) -> Box<dyn Session> {
        Box::new(self.clone())
    }
}
