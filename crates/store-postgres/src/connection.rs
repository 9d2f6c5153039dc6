//! One connection: opened, used, and dropped rather than canceled.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use larkspur_contract::Effect;
use larkspur_store::{Row, StoreError, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::error::Severity;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Error, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::errors::{self, Failure};
use crate::values;
use crate::{CONNECT, PLANNING};

/// Statements kept prepared on each connection: more than the product has.
const STATEMENTS: usize = 1024;
/// How long plans are kept. A plan depends on the size of the tables when it was made: one made for an empty table may
/// later read all of it. A few seconds are too short for a table to grow large, and long enough to amortize planning.
const PLANS: Duration = Duration::from_secs(15);
/// The server checks this often whether a waiting client is still connected, so that a dropped connection does not hold
/// its locks for long. It also limits how long it keeps an idle transaction. Only a transaction that says so may write:
/// if a BEGIN fails, the statement sent right after it does no harm.
const SESSION: &str = "SET client_connection_check_interval = '1s'; SET idle_in_transaction_session_timeout = '60s'; \
     SET default_transaction_read_only = on; VALUES (pg_walfile_name(pg_current_wal_lsn()))";

/// A connection. If it is dropped while in use, it is cut off: PostgreSQL undoes the open transaction.
///
/// It never sends a cancel request: while a COMMIT waits for a standby, canceling makes PostgreSQL acknowledge what the
/// standby does not have.
pub(crate) struct Connection {
    client: Client,
    statements: Mutex<HashMap<Box<str>, Statement>>,
    /// Whether the server has sent a warning since this was last cleared.
    warned: Arc<AtomicBool>,
    task: AbortHandle,
    in_use: bool,
    /// The server's timeline: every standby that becomes the primary starts the next one.
    timeline: u32,
    /// When the current plans were first kept.
    planned: Instant,
    /// Answers awaited, on all connections of the pool.
    round_trips: Arc<AtomicU64>,
}

impl Connection {
    /// Connects to a host that takes writes.
    pub(crate) async fn open(
        config: &Config,
        tls: &MakeRustlsConnect,
        round_trips: Arc<AtomicU64>,
    ) -> Result<Self, StoreError> {
        // The configuration's timeout ends with the TCP handshake, which a frozen server still completes.
        let connecting = timeout(CONNECT, config.connect(tls.clone())).await;
        let (client, connection) = connecting
            .map_err(|_| {
                StoreError::Unavailable(format!("PostgreSQL did not answer in {} s", CONNECT.as_secs()))
            })?
            .map_err(|error| errors::of_connecting(&error))?;
        let warned = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(listen(connection, warned.clone())).abort_handle();
        let statements = Mutex::default();
        let mut connection = Connection {
            client,
            statements,
            warned,
            task,
            in_use: true,
            timeline: 0,
            planned: Instant::now(),
            round_trips,
        };
        connection.show(PLANNING).await?;
        let segment = connection.show(SESSION).await?.pop().unwrap_or_default();
        // The first eight digits of a WAL segment's name.
        let timeline = segment.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        connection.timeline =
            timeline.ok_or_else(|| StoreError::Broken(format!("PostgreSQL's log is named {segment:?}")))?;
        Ok(connection)
    }

    /// The server's timeline.
    pub(crate) fn timeline(&self) -> u32 {
        self.timeline
    }

    /// Whether it is known to be closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Sets whether dropping the connection cuts it off.
    pub(crate) fn set_in_use(&mut self, in_use: bool) {
        self.in_use = in_use;
    }

    fn statements(&self) -> MutexGuard<'_, HashMap<Box<str>, Statement>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_round_trip(&self) {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
    }

    /// Sends a ROLLBACK without waiting: the server runs the next statement after it.
    pub(crate) async fn roll_back(&self) {
        self.send("ROLLBACK").await;
    }

    /// Discards the server's plans if they are older than [`PLANS`], without waiting for it.
    pub(crate) async fn renew_plans(&mut self) {
        if self.planned.elapsed() >= PLANS {
            self.planned = Instant::now();
            self.send("DISCARD PLANS").await;
        }
    }

    async fn send(&self, sql: &'static str) {
        let mut sending = pin!(self.client.batch_execute(sql));
        poll_fn(|context| {
            drop(sending.as_mut().poll(context));
            Poll::Ready(())
        })
        .await;
    }

    /// Commits. Without a clear answer the outcome is unknown.
    pub(crate) async fn commit(&self, until: Instant) -> Result<(), Failure> {
        self.count_round_trip();
        self.warned.store(false, Ordering::Release);
        self.committed(timeout_at(until, self.client.batch_execute("COMMIT")).await.ok())
    }

    /// Interprets the answer to a COMMIT; `None` if there is none.
    fn committed(&self, answer: Option<Result<(), Error>>) -> Result<(), Failure> {
        match answer {
            None => Err(errors::in_doubt("no answer in time".to_owned())),
            Some(Err(error)) => Err(errors::of_commit(&error)),
            // "canceling wait for synchronous replication", in any language: committed here, but perhaps not on a
            // standby.
            Some(Ok(())) if self.warned.load(Ordering::Acquire) => {
                Err(errors::in_doubt("PostgreSQL warned at the commit".to_owned()))
            }
            Some(Ok(())) => Ok(()),
        }
    }

    /// Cuts the connection off: pending queries on it fail.
    pub(crate) fn cut_off(&self) {
        self.task.abort();
    }

    /// Runs a statement, prepared once, and sends `begin` together with it. Returns the rows, and how many rows it
    /// wrote.
    pub(crate) async fn query(
        &self,
        begin: Option<&str>,
        sql: &str,
        params: &[Value],
        until: Instant,
        effect: Effect,
    ) -> Result<(Vec<Row>, u64), Failure> {
        let (statement, begin) = self.prepared(begin, sql, until, effect).await?;
        let params = values::fitting(&statement, sql, params)?;
        self.count_round_trip();
        let asking = async {
            let mut stream = pin!(self.client.query_raw(&statement, &params).await?);
            let mut found = Vec::new();
            while let Some(row) = stream.next().await {
                found.push(row?);
            }
            Ok((found, stream.rows_affected().unwrap_or(0)))
        };
        let answer = within(until, self.after(begin, asking)).await?;
        let (found, touched) = answer?.map_err(|error| errors::of_statement(&error, effect, sql))?;
        Ok((values::rows(&found, sql)?, if keeps_all(sql) { 0 } else { touched }))
    }

    /// Runs one writing statement in a transaction of its own; once prepared, in one round trip.
    pub(crate) async fn write(
        &self,
        begin: &'static str,
        sql: &str,
        params: &[Value],
        until: Instant,
    ) -> Result<Vec<Row>, Failure> {
        let (statement, _) = self.prepared(None, sql, until, Effect::Writes).await?;
        let params = values::fitting(&statement, sql, params)?;
        let params: Vec<&(dyn ToSql + Sync)> =
            params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
        self.count_round_trip();
        self.warned.store(false, Ordering::Release);
        let asking = self.client.query(&statement, &params);
        let ending = together(asking, self.client.batch_execute("COMMIT"));
        let answers = timeout_at(until, together(self.client.batch_execute(begin), ending)).await;
        let Ok((begun, (asked, committed))) = answers else {
            return Err(errors::in_doubt("no answer in time".to_owned()));
        };
        // A statement answered with an error did not happen, nor did those after it. An unanswered one may have.
        let unanswered = |error: &Error| error.as_db_error().is_none();
        begun.map_err(|error| match unanswered(&error) {
            true => errors::of_commit(&error),
            false => errors::of_begin(&error),
        })?;
        let found = asked.map_err(|error| match unanswered(&error) {
            true => errors::of_commit(&error),
            false => errors::of_statement(&error, Effect::Writes, sql),
        })?;
        self.committed(Some(committed))?;
        values::rows(&found, sql)
    }

    /// Sends `begin`, if any, and then what `work` sends; fails if `begin` fails.
    async fn after<T>(&self, begin: Option<&str>, work: impl Future<Output = T>) -> Result<T, Failure> {
        let Some(begin) = begin else { return Ok(work.await) };
        let (begun, done) = together(self.client.batch_execute(begin), work).await;
        begun.map(|()| done).map_err(|error| errors::of_begin(&error))
    }

    /// A prepared statement, and what must still be sent before it.
    async fn prepared<'b>(
        &self,
        begin: Option<&'b str>,
        sql: &str,
        until: Instant,
        effect: Effect,
    ) -> Result<(Statement, Option<&'b str>), Failure> {
        if let Some(known) = self.statements().get(sql) {
            return Ok((known.clone(), begin));
        }
        Ok((self.prepare(begin, sql, until, effect).await?, None))
    }

    async fn prepare(
        &self,
        begin: Option<&str>,
        sql: &str,
        until: Instant,
        effect: Effect,
    ) -> Result<Statement, Failure> {
        self.count_round_trip();
        let statement = within(until, self.after(begin, self.client.prepare(sql)))
            .await??
            .map_err(|error| errors::of_statement(&error, effect, sql))?;
        // Statements of migrations run once.
        if !is_definition(sql) {
            let mut statements = self.statements();
            if statements.len() >= STATEMENTS {
                statements.clear();
            }
            statements.insert(sql.into(), statement.clone());
        }
        Ok(statement)
    }

    /// The one value that a SHOW returns; for the checks at the start.
    pub(crate) async fn show(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        let rows = timeout(CONNECT, self.client.simple_query(sql))
            .await
            .map_err(|_| StoreError::Unavailable("PostgreSQL stopped answering".to_owned()))?
            .map_err(|error| errors::of_statement(&error, Effect::Reads, sql).error)?;
        let rows = rows.into_iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        Ok(rows.collect())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Otherwise the task would wait for pending answers before it closes the socket.
        if self.in_use {
            self.task.abort();
        }
    }
}

/// Whether a statement belongs to a migration and may take long.
pub(crate) fn is_definition(sql: &str) -> bool {
    ["CREATE ", "ALTER ", "DROP "].iter().any(|verb| sql.starts_with(verb))
}

/// Whether a statement leaves every row unchanged: it reads, or it locks rows by setting a column to itself.
fn keeps_all(sql: &str) -> bool {
    let mut words = sql.split_ascii_whitespace();
    match words.next() {
        Some("SELECT") => true,
        Some("UPDATE") if words.nth(1) == Some("SET") => {
            let column = words.next();
            words.next() == Some("=") && words.next() == column && words.next() == Some("WHERE")
        }
        _ => false,
    }
}

/// Starts `first`, then `second`, and waits for both: their messages are sent in this order, in one write.
async fn together<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut one, mut two) = (None, None);
    poll_fn(|context| {
        if one.is_none()
            && let Poll::Ready(output) = first.as_mut().poll(context)
        {
            one = Some(output);
        }
        if two.is_none()
            && let Poll::Ready(output) = second.as_mut().poll(context)
        {
            two = Some(output);
        }
        match (one.take(), two.take()) {
            (Some(one), Some(two)) => Poll::Ready((one, two)),
            (first, second) => {
                (one, two) = (first, second);
                Poll::Pending
            }
        }
    })
    .await
}

async fn within<T>(until: Instant, work: impl Future<Output = T>) -> Result<T, Failure> {
    timeout_at(until, work).await.map_err(|_| Failure::lost("no answer in time".to_owned()))
}

async fn listen<T>(mut connection: tokio_postgres::Connection<Socket, T>, warned: Arc<AtomicBool>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => {
                let grave = !matches!(
                    notice.parsed_severity(),
                    Some(Severity::Notice | Severity::Info | Severity::Log | Severity::Debug)
                );
                if grave {
                    warned.store(true, Ordering::Release);
                    tracing::warn!(sqlstate = notice.code().code(), "PostgreSQL: {}", notice.message());
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(why = %error, "a connection to PostgreSQL ended");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_a_row_keeps_it() {
        for sql in [
            "SELECT k FROM t",
            "UPDATE chat SET revision = revision WHERE tenant = $1",
            "UPDATE t SET g = g WHERE k = 1 RETURNING k",
        ] {
            assert!(keeps_all(sql), "{sql}");
        }
        for sql in [
            "UPDATE t SET g = h WHERE k = 1",
            "UPDATE t SET g = g + 1 WHERE k = 1",
            "UPDATE t SET g = g, h = 1 WHERE k = 1",
            "UPDATE t SET g = $2 WHERE g = g WHERE k = 1",
            "INSERT INTO t (g) SELECT g FROM t",
            "DELETE FROM t",
            "WITH gone AS (DELETE FROM t RETURNING k) SELECT k FROM gone",
        ] {
            assert!(!keeps_all(sql), "{sql}");
        }
    }
}
