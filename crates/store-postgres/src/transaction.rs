//! A transaction shared by units: its statements, and the rows that several of them add at once.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;
use larkspur_store::{Row, Value, tenant_locks};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::errors::Failure;

/// How a transaction begins. It says whether it writes, since sessions only read by default.
///
/// A reading unit sees one snapshot, as SQLite's readers do. A writing unit sees a snapshot for each statement, and
/// locks the rows that its rules depend on: this works on Citus, too, and waits where a stricter isolation level would
/// fail.
pub(crate) fn begin(effect: Effect) -> &'static str {
    match effect {
        Effect::Reads => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        Effect::Writes => "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE",
    }
}

/// As [`begin`], for several writing units. Groups of two servers may have tenants in common and wait for each other's
/// rows: after this wait a group gives up and retries each of its units alone.
const BEGIN_TOGETHER: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE; SET LOCAL lock_timeout = '100ms'";

/// How the transaction of some units begins. Units of a tenant take its lock together with all others; only a unit that keeps
/// the others out has it alone.
fn beginning(effect: Effect, units: usize, tenants: &BTreeSet<TenantKey>) -> String {
    let mut text = if units > 1 { BEGIN_TOGETHER } else { begin(effect) }.to_owned();
    if effect == Effect::Writes {
        text.push_str(&tenant_locks::together(tenants));
    }
    text
}

/// A transaction, shared by its units.
pub(crate) struct Transaction {
    connection: Connection,
    effect: Effect,
    begin: String,
    /// Whether the first statement was sent, and with it the BEGIN.
    begun: AtomicBool,
    /// Rows that units are about to add, if several run concurrently.
    adding: Option<Mutex<Vec<Adding>>>,
}

/// A row that a unit is about to add.
pub(crate) struct Adding {
    sql: String,
    row: Vec<Value>,
    until: Instant,
    reply: oneshot::Sender<Result<bool, Failure>>,
}

impl Transaction {
    /// A transaction for `chains` chains with `units` units in all, of these tenants. It begins with its first statement.
    pub(crate) fn new(
        connection: Connection,
        effect: Effect,
        (chains, units): (usize, usize),
        tenants: &BTreeSet<TenantKey>,
    ) -> Self {
        let begin = beginning(effect, units, tenants);
        let adding = (chains > 1).then(Mutex::default);
        Transaction { connection, effect, begin, begun: AtomicBool::new(false), adding }
    }

    /// Whether a statement was sent.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// The connection. The transaction may still be open on it.
    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// Runs a statement. The first one is sent together with the BEGIN.
    pub(crate) async fn query(
        &self,
        sql: &str,
        params: &[Value],
        until: Instant,
    ) -> Result<(Vec<Row>, u64), Failure> {
        let begin = (!self.begun.swap(true, Ordering::Relaxed)).then_some(self.begin.as_str());
        let outcome = self.connection.query(begin, sql, params, until, self.effect).await;
        if outcome.as_ref().is_err_and(|failure| failure.lost) {
            // The other units fail now, instead of at their deadline.
            self.connection.cut_off();
        }
        outcome
    }

    /// Adds a row; if several units run concurrently, together with the rows of the others. Returns whether it was
    /// added.
    pub(crate) async fn insert(&self, sql: &str, row: Vec<Value>, until: Instant) -> Result<bool, Failure> {
        let Some(adding) = &self.adding else {
            let (rows, _) = self.query(sql, &row, until).await?;
            return Ok(!rows.is_empty());
        };
        let (reply, answer) = oneshot::channel();
        let sql = sql.to_owned();
        adding.lock().unwrap_or_else(PoisonError::into_inner).push(Adding { sql, row, until, reply });
        answer.await.unwrap_or_else(|_| Err(Failure::broken("a row was not added".to_owned())))
    }

    /// The rows to add now, by statement.
    pub(crate) fn adding(&self) -> HashMap<String, Vec<Adding>> {
        let mut rows: HashMap<String, Vec<Adding>> = HashMap::new();
        let Some(adding) = &self.adding else { return rows };
        for row in std::mem::take(&mut *adding.lock().unwrap_or_else(PoisonError::into_inner)) {
            rows.entry(row.sql.clone()).or_default().push(row);
        }
        rows
    }

    /// Adds rows with one statement.
    pub(crate) async fn add(&self, rows: Vec<Adding>) {
        let Some(first) = rows.first() else { return };
        let (sql, until) = (of_rows(&first.sql, first.row.len(), rows.len()), first.until);
        let values: Vec<Value> = rows.iter().flat_map(|row| row.row.iter().cloned()).collect();
        let outcome = self.query(&sql, &values, until).await;
        if outcome.as_ref().is_ok_and(|(added, _)| added.len() == rows.len()) {
            // The usual case: all rows were added.
            for Adding { reply, .. } in rows {
                drop(reply.send(Ok(true)));
            }
            return;
        }
        // The returned columns are the first of each added row. Of rows that share them, only the first was added.
        let mut added: Result<HashSet<Vec<Value>>, Failure> =
            outcome.map(|(rows, _)| rows.into_iter().map(|row| row.0).collect());
        let columns = added.as_ref().ok().and_then(|added| added.iter().next()).map_or(0, Vec::len);
        for Adding { row, reply, .. } in rows {
            let was = |added: &mut HashSet<_>| row.get(..columns).is_some_and(|start| added.remove(start));
            drop(reply.send(added.as_mut().map(was).map_err(|failure| failure.clone())));
        }
    }
}

/// `INSERT INTO … VALUES ($1, …) …` for `rows` rows of `columns` columns.
fn of_rows(sql: &str, columns: usize, rows: usize) -> String {
    let Some((head, tail)) = sql
        .split_once(" VALUES (")
        .and_then(|(head, rest)| rest.split_once(')').map(|(_, tail)| (head, tail)))
    else {
        return sql.to_owned();
    };
    let mut all = String::with_capacity(sql.len() + rows * columns * 6);
    all.push_str(head);
    all.push_str(" VALUES ");
    for number in 1..=rows * columns {
        let before = match (number - 1).checked_rem(columns) {
            Some(0) if number == 1 => "($",
            Some(0) => "), ($",
            _ => ", $",
        };
        all.push_str(before);
        all.push_str(&number.to_string());
    }
    all.push(')');
    all.push_str(tail);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_begins_with_the_locks_of_its_tenants() {
        let tenants = BTreeSet::from([TenantKey(7), TenantKey(u64::MAX)]);
        let locks = tenant_locks::together(&tenants);
        assert_eq!(beginning(Effect::Writes, 1, &tenants), format!("{}{locks}", begin(Effect::Writes)));
        assert_eq!(beginning(Effect::Writes, 2, &tenants), format!("{BEGIN_TOGETHER}{locks}"));
        assert_eq!(beginning(Effect::Writes, 1, &BTreeSet::new()), begin(Effect::Writes));
        assert_eq!(beginning(Effect::Reads, 1, &tenants), begin(Effect::Reads));
    }

    #[test]
    fn rows_are_added_with_one_statement() {
        let one = "INSERT INTO t (g, k) VALUES ($1, $2) ON CONFLICT (g) DO NOTHING RETURNING g";
        assert_eq!(of_rows(one, 2, 1), one);
        let three =
            "INSERT INTO t (g, k) VALUES ($1, $2), ($3, $4), ($5, $6) ON CONFLICT (g) DO NOTHING RETURNING g";
        assert_eq!(of_rows(one, 2, 3), three);
        assert_eq!(of_rows("INSERT INTO t (g) VALUES ($1)", 1, 2), "INSERT INTO t (g) VALUES ($1), ($2)");
    }
}
