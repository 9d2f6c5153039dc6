//! One connection: made, asked, and dropped rather than cancelled.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use larkspur_contract::Effect;
use larkspur_store::{Row, StoreError, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::error::Severity;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::CONNECT;
use crate::errors::{self, Failure};
use crate::values::{self, Param};

/// Statements kept prepared on each connection: more than the product has.
const STATEMENTS: usize = 1024;
/// The server looks this often whether a client that waits for it is still there, so that what a dropped connection
/// was doing does not hold its locks for long; and how long it keeps a transaction that nobody goes on with.
const SESSION: &str =
    "SET client_connection_check_interval = '1s'; SET idle_in_transaction_session_timeout = '60s'";

/// A connection. Dropped while it is in use, it is cut off: PostgreSQL undoes what was open.
///
/// Never a request to cancel: while a COMMIT waits for a standby, cancelling makes PostgreSQL acknowledge what the
/// standby does not have.
pub(crate) struct Connection {
    client: Client,
    statements: HashMap<Box<str>, Statement>,
    /// Whether the server warned of something since this was last cleared.
    warned: Arc<AtomicBool>,
    task: AbortHandle,
    in_use: bool,
}

impl Connection {
    /// Connects to whichever host takes writes.
    pub(crate) async fn open(config: &Config, tls: &MakeRustlsConnect) -> Result<Self, StoreError> {
        // The time-out of the configuration ends with the TCP handshake; a frozen server gets that far.
        let connecting = timeout(CONNECT, config.connect(tls.clone())).await;
        let (client, connection) = connecting
            .map_err(|_| {
                StoreError::Unavailable(format!("PostgreSQL did not answer in {} s", CONNECT.as_secs()))
            })?
            .map_err(|error| errors::of_connecting(&error))?;
        let warned = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(listen(connection, warned.clone())).abort_handle();
        let connection = Connection { client, statements: HashMap::new(), warned, task, in_use: true };
        match timeout(CONNECT, connection.client.batch_execute(SESSION)).await {
            Ok(Ok(())) => Ok(connection),
            Ok(Err(error)) => Err(errors::of_connecting(&error)),
            Err(_) => Err(StoreError::Unavailable("PostgreSQL stopped answering".to_owned())),
        }
    }

    /// Whether it is known to have ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// From now on, dropping it cuts it off; or no longer.
    pub(crate) fn set_in_use(&mut self, in_use: bool) {
        self.in_use = in_use;
    }

    /// Runs BEGIN, ROLLBACK and the like.
    pub(crate) async fn control(&self, sql: &str, until: Instant, effect: Effect) -> Result<(), Failure> {
        within(until, self.client.batch_execute(sql))
            .await?
            .map_err(|error| errors::of_statement(&error, effect, sql))
    }

    /// Commits. Whatever is not a plain answer leaves the outcome unknown.
    pub(crate) async fn commit(&self, until: Instant) -> Result<(), Failure> {
        self.warned.store(false, Ordering::Release);
        match timeout_at(until, self.client.batch_execute("COMMIT")).await {
            Err(_) => Err(errors::in_doubt("no answer in time".to_owned())),
            Ok(Err(error)) => Err(errors::of_commit(&error)),
            // "canceling wait for synchronous replication", in whatever language: committed here, and maybe nowhere else.
            Ok(Ok(())) if self.warned.load(Ordering::Acquire) => {
                Err(errors::in_doubt("PostgreSQL warned at the commit".to_owned()))
            }
            Ok(Ok(())) => Ok(()),
        }
    }

    /// Runs a statement, prepared once.
    pub(crate) async fn query(
        &mut self,
        sql: &str,
        params: &[Value],
        until: Instant,
        effect: Effect,
    ) -> Result<Vec<Row>, Failure> {
        let statement = match self.statements.get(sql) {
            Some(known) => known.clone(),
            None => self.prepare(sql, until, effect).await?,
        };
        let params: Vec<Param<'_>> = params.iter().map(Param).collect();
        if statement.params().len() != params.len() {
            let (given, taken) = (params.len(), statement.params().len());
            return Err(Failure::broken(format!(
                "{given} parameters were given and it takes {taken}, in: {sql}"
            )));
        }
        for (number, (param, wanted)) in params.iter().zip(statement.params()).enumerate() {
            if !param.fits(wanted) {
                let number = number + 1;
                return Err(Failure::broken(format!(
                    "${number} is {wanted} and was given another type, in: {sql}"
                )));
            }
        }
        let params: Vec<&(dyn ToSql + Sync)> =
            params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
        let rows = within(until, self.client.query(&statement, &params))
            .await?
            .map_err(|error| errors::of_statement(&error, effect, sql))?;
        rows.iter()
            .map(|row| values::row(row, sql))
            .collect::<Result<_, _>>()
            .map_err(|error| Failure { error, lost: false })
    }

    async fn prepare(&mut self, sql: &str, until: Instant, effect: Effect) -> Result<Statement, Failure> {
        let statement = within(until, self.client.prepare(sql))
            .await?
            .map_err(|error| errors::of_statement(&error, effect, sql))?;
        // A migration's statements run once.
        if !is_definition(sql) {
            if self.statements.len() >= STATEMENTS {
                self.statements.clear();
            }
            self.statements.insert(sql.into(), statement.clone());
        }
        Ok(statement)
    }

    /// The one value that a statement shows; for the checks at the start.
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
        // Without this, the task would wait for the answer to what is under way before it closes the socket.
        if self.in_use {
            self.task.abort();
        }
    }
}

/// Whether a statement is one of a migration, which may take long.
pub(crate) fn is_definition(sql: &str) -> bool {
    ["CREATE ", "ALTER ", "DROP "].iter().any(|verb| sql.starts_with(verb))
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
                    tracing::warn!(code = notice.code().code(), "PostgreSQL: {}", notice.message());
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!("a connection to PostgreSQL ended: {error}");
                return;
            }
        }
    }
}
