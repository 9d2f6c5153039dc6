//! Moves a whole store to another one, of whichever driver.
//!
//! Every table of tenants is copied in the order of its primary key, which both drivers sort alike: the last row of the
//! target says where to go on after an interruption. What belongs to processes (leases and the like) stays behind. In
//! the end both sides are read again, and counts and sums of all rows must agree; until then the target is marked, and
//! nothing else opens it.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use larkspur_contract::Effect;
use sha2::{Digest, Sha256};

use crate::driver::{BoxFuture, Driver, Session, StoreError, Unit, Verdict};
use crate::migrate::{self, COPYING, SCHEMA_VERSION};
use crate::tenants::TABLES;
use crate::{Row, Value};

/// Rows that are read and written at a time.
const ROWS: usize = 256;
/// The same of tables whose rows may be megabytes.
const LARGE_ROWS: usize = 4;

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// These many rows of a table were copied, those of an earlier attempt not counted.
    Copying(&'static str, u64),
    /// A table has these many rows, the same on both sides.
    Verified(&'static str, u64),
}

/// A store that may be copied.
pub struct Source {
    driver: Arc<dyn Driver>,
    master: String,
}

impl Source {
    /// Looks at a store, which must have this program's schema. It is not changed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason, in words for the operator.
    pub async fn of(driver: Arc<dyn Driver>) -> Result<Self, StoreError> {
        let read = unit(&driver, Effect::Reads, |session| {
            Box::pin(async move {
                let version = migrate::read(session, "schema_version").await?;
                let copying = migrate::read(session, COPYING).await?;
                Ok((version, copying, migrate::read(session, "master_key").await?))
            })
        });
        let (version, copying, master) = match read.await {
            Ok(found) => found,
            Err(StoreError::Broken(why)) => {
                return refuse(format!("there is no store in the source ({why})"));
            }
            Err(error) => return Err(error),
        };
        if copying.is_some() {
            return refuse("the source is itself a copy that did not end".to_owned());
        }
        let version = version.unwrap_or_default();
        if version != SCHEMA_VERSION.to_string() {
            return refuse(format!(
                "the source has schema {version} and this release {SCHEMA_VERSION}: bring it to this release's with `larkspur migrate`, or use the release that made it"
            ));
        }
        let Some(master) = master else { return refuse("the source has no master key".to_owned()) };
        Ok(Source { driver, master })
    }

    /// Copies everything to an empty store, or goes on with a copy that was begun from this one. `told` hears how far it
    /// is.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason, in words for the operator. The target stays marked.
    pub async fn copy_to(
        &self,
        to: &Arc<dyn Driver>,
        told: &mut (dyn FnMut(Step) + Send),
    ) -> Result<(), StoreError> {
        let tables = tables()?;
        unused(&self.driver, "source").await?;
        unused(to, "target").await?;
        self.begin(to, &tables).await?;
        for table in &tables {
            self.copy(table, to, told).await?;
        }
        for table in &tables {
            let (here, there) = (sum(&self.driver, table).await?, sum(to, table).await?);
            if here != there {
                return refuse(format!(
                    "the copy of table {} is not what the source has now ({} rows there, {} here, or other contents): \
                     was it written to meanwhile? Begin again with an empty target",
                    table.name, here.0, there.0
                ));
            }
            told(Step::Verified(table.name, here.0));
        }
        // Whoever came meanwhile may write to what was compared a moment ago.
        unused(&self.driver, "source").await?;
        unit(to, Effect::Writes, |session| {
            Box::pin(async move {
                let sql = "DELETE FROM meta WHERE name = $1";
                session.query(sql, &[Value::from(COPYING)]).await.map(drop)
            })
        })
        .await
    }

    /// Makes the tables, and marks the target as a copy of this source.
    async fn begin(&self, to: &Arc<dyn Driver>, tables: &[Table]) -> Result<(), StoreError> {
        // Not the key itself: this tells one source from another and gives nothing away.
        let mark = hex(&Sha256::digest(format!("copy of {}", self.master)));
        let (master, shared) = (self.master.clone(), to.is_shared());
        let names: Vec<&'static str> = tables.iter().map(|table| table.name).collect();
        unit(to, Effect::Writes, move |session| {
            let (mark, master, names) = (mark.clone(), master.clone(), names.clone());
            Box::pin(async move {
                migrate::apply(session, shared).await?;
                match migrate::read(session, COPYING).await? {
                    Some(found) if found == mark => return Ok(()),
                    Some(_) => return refuse("a copy of another store was begun in the target".to_owned()),
                    None => {}
                }
                for name in names {
                    let found = session.query(&format!("SELECT 1 FROM {name} LIMIT 1"), &[]).await?;
                    if !found.is_empty() {
                        return refuse(format!("the target is not empty: its table {name} has rows"));
                    }
                }
                migrate::write(session, "master_key", &master).await?;
                migrate::write(session, COPYING, &mark).await
            })
        })
        .await
    }

    async fn copy(
        &self,
        table: &Table,
        to: &Arc<dyn Driver>,
        told: &mut (dyn FnMut(Step) + Send),
    ) -> Result<(), StoreError> {
        let mut after = last(to, table).await?;
        let mut copied = 0;
        loop {
            let rows = page(&self.driver, table, after.take()).await?;
            let Some(end) = rows.last() else { return Ok(()) };
            after = Some(end.0[..table.key].to_vec());
            copied += rows.len() as u64;
            write(to, table, rows).await?;
            told(Step::Copying(table.name, copied));
        }
    }
}

/// Refuses a database on a server that another process of this product is on. A data directory is locked.
async fn unused(driver: &Arc<dyn Driver>, what: &str) -> Result<(), StoreError> {
    if !driver.is_shared() {
        return Ok(());
    }
    // The one statement that is PostgreSQL's own.
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
               AND application_name LIKE 'larkspur%' AND pid <> pg_backend_pid()";
    let found = query(driver, Effect::Reads, sql.to_owned(), Vec::new()).await?;
    match found.first().map_or(Ok(0), |row| row.int(0))? {
        0 => Ok(()),
        _ => refuse(format!("the {what} is in use by another larkspur process: end it first")),
    }
}

/// A table as the migrations made it.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    name: &'static str,
    /// Those of the primary key first, in its order.
    columns: Vec<String>,
    /// How many of them are the primary key's.
    key: usize,
    /// Whether it keeps files.
    large: bool,
}

impl Table {
    fn rows_at_once(&self) -> usize {
        if self.large { LARGE_ROWS } else { ROWS }
    }
}

/// The tables of tenants, read off the migrations.
fn tables() -> Result<Vec<Table>, StoreError> {
    let statements: Vec<String> = crate::migrations().flatten().collect();
    TABLES
        .iter()
        .map(|name| {
            table(name, &statements)
                .ok_or_else(|| StoreError::Broken(format!("the migrations of table {name} cannot be read")))
        })
        .collect()
}

fn table(name: &'static str, statements: &[String]) -> Option<Table> {
    let (mut columns, mut key, mut large) = (Vec::new(), Vec::new(), false);
    for statement in statements {
        // Whatever stands between the two words of CREATE TABLE.
        let made = statement.strip_prefix("CREATE ").and_then(|rest| rest.split_once("TABLE "));
        let body = made
            .and_then(|(_, rest)| rest.strip_prefix(name))
            .and_then(|rest| rest.trim_start().strip_prefix('('));
        let parts = match body {
            Some(body) => parts(body.trim_end().strip_suffix(')')?),
            None => match statement.strip_prefix(&format!("ALTER TABLE {name} ")) {
                Some(change) => vec![change.strip_prefix("ADD COLUMN ")?],
                None => continue,
            },
        };
        for part in parts {
            if let Some(names) = part.strip_prefix("PRIMARY KEY (") {
                key = names.trim_end_matches(')').split(',').map(|name| name.trim().to_owned()).collect();
                continue;
            }
            let mut words = part.split_whitespace();
            let column = words.next()?.to_owned();
            large |= words.next()? == "BYTEA";
            if part.contains("PRIMARY KEY") {
                key = vec![column.clone()];
            }
            columns.push(column);
        }
    }
    columns.retain(|column| !key.contains(column));
    let (keys, all) = (key.len(), [key, columns].concat());
    (keys > 0).then_some(Table { name, columns: all, key: keys, large })
}

/// The parts between the commas that are in no parentheses.
fn parts(body: &str) -> Vec<&str> {
    let mut depth = 0;
    let split = |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    };
    body.split(split).map(str::trim).collect()
}

/// The primary key of a table's last row.
async fn last(driver: &Arc<dyn Driver>, table: &Table) -> Result<Option<Vec<Value>>, StoreError> {
    let key = &table.columns[..table.key];
    let (listed, backwards) = (key.join(", "), key.join(" DESC, "));
    let sql = format!("SELECT {listed} FROM {} ORDER BY {backwards} DESC LIMIT 1", table.name);
    let rows = query(driver, Effect::Reads, sql, Vec::new()).await?;
    Ok(rows.into_iter().next().map(|row| row.0))
}

/// The rows after a primary key, in its order.
async fn page(
    driver: &Arc<dyn Driver>,
    table: &Table,
    after: Option<Vec<Value>>,
) -> Result<Vec<Row>, StoreError> {
    let key = table.columns[..table.key].join(", ");
    let params = after.unwrap_or_default();
    let beyond = if params.is_empty() {
        String::new()
    } else {
        format!("WHERE ({key}) > ({}) ", numbers(1, table.key))
    };
    let (columns, limit) = (table.columns.join(", "), table.rows_at_once());
    let sql = format!("SELECT {columns} FROM {} {beyond}ORDER BY {key} LIMIT {limit}", table.name);
    query(driver, Effect::Reads, sql, params).await
}

async fn write(driver: &Arc<dyn Driver>, table: &Table, rows: Vec<Row>) -> Result<(), StoreError> {
    let width = table.columns.len();
    let values: Vec<String> =
        (0..rows.len()).map(|row| format!("({})", numbers(row * width + 1, width))).collect();
    let (columns, values) = (table.columns.join(", "), values.join(", "));
    let sql = format!("INSERT INTO {} ({columns}) VALUES {values}", table.name);
    let params = rows.into_iter().flat_map(|row| row.0).collect();
    query(driver, Effect::Writes, sql, params).await.map(drop)
}

/// `$first, …`, of this many.
fn numbers(first: usize, count: usize) -> String {
    let all: Vec<String> = (first..first + count).map(|number| format!("${number}")).collect();
    all.join(", ")
}

/// How many rows a table has, and a sum of all of them that does not depend on their order.
async fn sum(driver: &Arc<dyn Driver>, table: &Table) -> Result<(u64, u128), StoreError> {
    let (mut count, mut sum, mut after) = (0, 0u128, None);
    loop {
        let rows = page(driver, table, after.take()).await?;
        let Some(end) = rows.last() else { return Ok((count, sum)) };
        after = Some(end.0[..table.key].to_vec());
        count += rows.len() as u64;
        sum = rows.iter().fold(sum, |sum, row| sum.wrapping_add(digest(row)));
    }
}

fn digest(row: &Row) -> u128 {
    let mut hash = Sha256::new();
    for value in &row.0 {
        let (kind, bytes) = match value {
            Value::Null => (0, &[][..]),
            Value::Int(value) => (1, &value.to_be_bytes()[..]),
            Value::Text(text) => (2, text.as_bytes()),
            Value::Bytes(bytes) => (3, &bytes[..]),
        };
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    hash.finalize().iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn refuse<T>(why: String) -> Result<T, StoreError> {
    Err(StoreError::Unavailable(why))
}

pub(crate) async fn query(
    driver: &Arc<dyn Driver>,
    effect: Effect,
    sql: String,
    params: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let statement = Arc::new((sql, params));
    unit(driver, effect, move |session| {
        let statement = statement.clone();
        Box::pin(async move { session.query(&statement.0, &statement.1).await })
    })
    .await
}

/// Runs a function in a transaction.
async fn unit<T, F>(driver: &Arc<dyn Driver>, effect: Effect, body: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a mut dyn Session) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync + 'static,
{
    let unit = Arc::new(Body { body, result: Mutex::new(None) });
    driver.transact(effect, unit.clone()).await?;
    let result = unit.result.lock().unwrap_or_else(PoisonError::into_inner).take();
    result.ok_or_else(|| StoreError::Broken("the driver did not run the unit".to_owned()))
}

struct Body<T, F> {
    body: F,
    result: Mutex<Option<T>>,
}

impl<T, F> Unit for Body<T, F>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a mut dyn Session) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync + 'static,
{
    fn run(&self, mut session: Box<dyn Session>) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        Box::pin(async move {
            let result = (self.body)(session.as_mut()).await?;
            *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            Ok(Verdict::Commit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_off_the_migrations() {
        let tables = tables().expect("all of them");
        let of = |name: &str| tables.iter().find(|table| table.name == name).expect(name);
        assert_eq!(tables.len(), TABLES.len());
        assert_eq!(of("tenant").columns, ["tenant", "name", "clock_offset_ms", "created_at", "refuses"]);
        assert_eq!((of("tenant").key, of("chat_tab").key), (1, 3));
        assert!(of("image").large && !of("tag").large);
        let member = &of("chat_member").columns;
        assert_eq!((member.len(), member.last().map(String::as_str)), (9, Some("chat_active_at")));
        let changed = [
            "CREATE /* so */ TABLE t (a TEXT PRIMARY KEY)".to_owned(),
            "ALTER TABLE t RENAME a TO b".to_owned(),
        ];
        assert_eq!(table("t", &changed), None, "a change that is not understood");
        assert_eq!(table("t", &changed[..1]).expect("read").columns, ["a"]);
    }

    #[test]
    fn sums_tell_values_apart() {
        let rows = [
            vec![Value::Null],
            vec![Value::Text(String::new())],
            vec![Value::Bytes(Vec::new())],
            vec![Value::Int(0)],
            vec![Value::Text("ab".into()), Value::Text("c".into())],
            vec![Value::Text("a".into()), Value::Text("bc".into())],
        ];
        let sums: std::collections::HashSet<u128> =
            rows.iter().cloned().map(|row| digest(&Row(row))).collect();
        assert_eq!(sums.len(), rows.len());
    }
}
