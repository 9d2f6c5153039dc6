//! One connection, the unit that runs on it, and the unit's handles.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use larkspur_contract::Effect;
use larkspur_store::{BoxFuture, Hook, Row, Session, StoreError, Unit, Value, Verdict};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection};

use crate::errors;

/// A connection that runs one unit at a time. Only its own thread runs units, so its lock is uncontended.
pub(crate) struct UnitConnection(Mutex<Inner>);

struct Inner {
    connection: Connection,
    /// The serial number of the last unit that was started.
    serial: u64,
    /// The effect of the running unit; `None` between units.
    running: Option<Effect>,
    hooks: Vec<Hook>,
}

impl UnitConnection {
    pub(crate) fn new(connection: Connection) -> Arc<Self> {
        Arc::new(UnitConnection(Mutex::new(Inner {
            connection,
            serial: 0,
            running: None,
            hooks: Vec::new(),
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses the connection between units.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        work(&self.inner().connection)
    }

    /// Runs a statement that controls the transaction.
    pub(crate) fn control(&self, sql: &str) -> rusqlite::Result<()> {
        self.inner().connection.prepare_cached(sql)?.raw_execute().map(drop)
    }

    /// Whether a transaction is open. SQLite itself ends one after some errors.
    pub(crate) fn in_transaction(&self) -> bool {
        !self.inner().connection.is_autocommit()
    }

    /// Runs a unit once and returns what it decided and its hooks. Its handles are dead afterwards.
    pub(crate) fn run(
        self: &Arc<Self>,
        effect: Effect,
        unit: &dyn Unit,
    ) -> (Result<Verdict, StoreError>, Vec<Hook>) {
        let serial = {
            let mut inner = self.inner();
            inner.serial += 1;
            inner.running = Some(effect);
            inner.hooks.clear();
            inner.serial
        };
        let handle = Handle { connection: self.clone(), serial };
        // The future is created, polled and dropped inside, so that a panic in any of the three is caught.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut future = unit.run(Box::new(handle));
            match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    Err(StoreError::Broken("the unit waited for something other than the store".to_owned()))
                }
            }
        }));
        let hooks = {
            let mut inner = self.inner();
            inner.running = None;
            std::mem::take(&mut inner.hooks)
        };
        let outcome = outcome.unwrap_or_else(|panic| {
            Err(StoreError::Broken(format!("the unit panicked: {}", panic_text(panic.as_ref()))))
        });
        (outcome, hooks)
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

/// A unit's handle. It may outlive its unit: its serial number is then no longer the current one.
struct Handle {
    connection: Arc<UnitConnection>,
    serial: u64,
}

impl Handle {
    /// The unit, while it runs.
    fn running(&self) -> Option<(MutexGuard<'_, Inner>, Effect)> {
        let inner = self.connection.inner();
        match inner.running {
            Some(effect) if inner.serial == self.serial => Some((inner, effect)),
            _ => None,
        }
    }
}

impl Session for Handle {
    fn query<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [Value],
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let Some((inner, effect)) = self.running() else {
                return Err(StoreError::Broken(format!("the transaction has ended, in: {sql}")));
            };
            // Otherwise statements after such an error would each commit on their own.
            if inner.connection.is_autocommit() {
                return Err(StoreError::Unavailable("SQLite rolled the transaction back".to_owned()));
            }
            query(&inner.connection, effect, sql, params)
        })
    }

    fn on_commit(&mut self, hook: Hook) {
        if let Some((mut inner, _)) = self.running() {
            inner.hooks.push(hook);
        }
    }

    fn share(&self) -> Box<dyn Session> {
        Box::new(Handle { connection: self.connection.clone(), serial: self.serial })
    }
}

fn query(
    connection: &Connection,
    effect: Effect,
    sql: &str,
    params: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let failed = |error: rusqlite::Error| errors::of_statement(&error, sql);
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    if effect == Effect::Reads && !statement.readonly() {
        return Err(StoreError::Broken(format!("a unit that only reads may not write, in: {sql}")));
    }
    bind(&mut statement, sql, params)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            values.push(value(row.get_ref(column).map_err(failed)?, column, sql)?);
        }
        found.push(Row(values));
    }
    Ok(found)
}

/// SQLite looks through all names for that of a parameter: statements with more parameters than this are first checked for their
/// order.
const FEW: usize = 32;

/// Whether `$1`, `$2`, … to `$count` first occur in this order, so that SQLite has given them these numbers. False for texts with
/// quotes or comments, in which a `$` may be something else.
fn in_order(sql: &str, count: usize) -> bool {
    if sql.contains(['\'', '"', '`', '[']) || sql.contains("--") || sql.contains("/*") {
        return false;
    }
    let mut highest = 0;
    for part in sql.split('$').skip(1) {
        let end = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
        let digits = part.get(..end).filter(|digits| !digits.starts_with('0'));
        match digits.and_then(|digits| digits.parse::<usize>().ok()) {
            Some(number) if number > 0 && number <= highest => {}
            Some(number) if number == highest + 1 => highest = number,
            _ => return false,
        }
    }
    highest == count
}

/// Binds `$n` to the n-th parameter. SQLite itself numbers them in the order of the text.
fn bind(statement: &mut CachedStatement<'_>, sql: &str, params: &[Value]) -> Result<(), StoreError> {
    let broken = |what: String| StoreError::Broken(format!("{what}, in: {sql}"));
    let (mut highest, count) = (0, statement.parameter_count());
    let ordered = count > FEW && in_order(sql, count);
    for index in 1..=count {
        let number = if ordered {
            index
        } else {
            let name = statement.parameter_name(index).unwrap_or("?");
            let number: Option<usize> = name.strip_prefix('$').and_then(|digits| digits.parse().ok());
            let Some(number) = number.filter(|number| *number > 0) else {
                return Err(broken(format!("the parameter {name} is not a number after a $")));
            };
            number
        };
        highest = highest.max(number);
        // Missing ones are reported below, all at once.
        let bound = match params.get(number - 1) {
            None => continue,
            Some(Value::Null) => statement.raw_bind_parameter(index, rusqlite::types::Null),
            Some(Value::Int(value)) => statement.raw_bind_parameter(index, value),
            Some(Value::Text(value)) => statement.raw_bind_parameter(index, value.as_str()),
            Some(Value::Bytes(value)) => statement.raw_bind_parameter(index, value.as_slice()),
        };
        bound.map_err(|error| errors::of_statement(&error, sql))?;
    }
    if highest == params.len() {
        Ok(())
    } else {
        Err(broken(format!("{} parameters were given and ${highest} is the last", params.len())))
    }
}

fn value(value: ValueRef<'_>, column: usize, sql: &str) -> Result<Value, StoreError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(StoreError::Broken(format!("column {column} is not UTF-8, in: {sql}"))),
        },
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(StoreError::Broken(format!("column {column} is a fraction, in: {sql}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_in_order_or_looked_up() {
        for (sql, count, ordered) in [
            ("VALUES ($1, $2, $3), ($1, $4, $5)", 5, true),
            ("VALUES ($2, $1)", 2, false),
            ("VALUES ($1, $3)", 2, false),
            ("VALUES ($1, $2)", 3, false),
            ("VALUES ($1, '$2', $2)", 2, false),
            ("VALUES ($1, $a)", 2, false),
            ("VALUES ($01, $2)", 2, false),
            ("VALUES ($1) -- $2", 1, false),
        ] {
            assert_eq!(in_order(sql, count), ordered, "{sql}");
        }
    }

    #[test]
    fn many_parameters_are_bound_by_number() {
        let connection = Connection::open_in_memory().expect("memory");
        let backwards: Vec<String> = (1..=100).rev().map(|number| format!("${number}")).collect();
        let forwards: Vec<String> = (1..=100).map(|number| format!("${number}")).collect();
        let params: Vec<Value> = (1..=100).map(Value::Int).collect();
        for (list, first) in [(forwards, 1), (backwards, 100)] {
            let sql = format!("SELECT {}", list.join(", "));
            let rows = query(&connection, Effect::Reads, &sql, &params).expect("a row");
            assert_eq!((rows[0].0.len(), &rows[0].0[0]), (100, &Value::Int(first)));
            assert!(query(&connection, Effect::Reads, &sql, &params[..99]).is_err(), "one is missing");
        }
    }
}
