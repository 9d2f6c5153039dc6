//! Copies a whole store to another one, with any driver on either side.
//!
//! Every table with tenants' rows is copied in the order of its primary key, which both drivers sort alike: the last
//! row of the target says where to resume after an interruption. State of processes (leases, counts of calls) is not
//! copied. Files outside the database are copied after the rows, each under its name, or stay where they are. At the
//! end both sides are read again: counts and checksums of all rows must agree, and no file may be missing. Until then
//! the target is marked, and nothing else opens it.

use std::fmt::Write as _;
use std::sync::Arc;

use larkspur_contract::Effect;
use sha2::{Digest, Sha256};

use crate::blobs::{self, Blobs};
use crate::driver::{Driver, StoreError, run, run_statement};
use crate::whole::migrate::{self, COPYING, SCHEMA_VERSION};
use crate::whole::state::Schema;
use crate::whole::tables::{Table, tables};
use crate::{Row, Value};

/// The progress of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// This many rows of a table were copied, not counting those of an earlier attempt.
    Copying(&'static str, u64),
    /// This many files were copied, not counting those of an earlier attempt.
    Files(u64),
    /// A table has this many rows, the same on both sides.
    Verified(&'static str, u64),
    /// All of this many files that images and files name are where the target looks for them.
    Found(u64),
    /// A file that an image or a file names, as tenant/hash, is missing; it was missing in the source, too.
    Missing(String),
}

/// A store that may be copied.
pub struct Source {
    driver: Arc<dyn Driver>,
    master: String,
}

impl Source {
    /// Opens a store, which must have this program's schema, as a source. It is not changed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason, for the operator.
    pub async fn of(driver: Arc<dyn Driver>) -> Result<Self, StoreError> {
        let read = run(&*driver, Effect::Reads, |session| {
            Box::pin(async move {
                let version = migrate::read(session, "schema_version").await?;
                let copying = migrate::read(session, COPYING).await?;
                Ok((version, copying, migrate::read(session, "master_key").await?))
            })
        });
        let (version, copying, master) = match read.await {
            Ok(found) => found,
            Err(StoreError::Broken(why)) => {
                return refuse(format!(
                    "there is no store in the source: name another one with --from ({why})"
                ));
            }
            Err(error) => return Err(error),
        };
        if copying.is_some() {
            return refuse(
                "the source is itself an unfinished copy: run `larkspur copy` to it again first".to_owned(),
            );
        }
        let version = version.unwrap_or_default();
        if version != SCHEMA_VERSION.to_string() {
            return refuse(format!(
                "the source has schema {version} and this release {SCHEMA_VERSION}: run `larkspur migrate` on it, or use the release that made it"
            ));
        }
        let Some(master) = master else { return refuse("the source has no master key".to_owned()) };
        Ok(Source { driver, master })
    }

    /// Copies everything to an empty store, or resumes a copy from this source. `files` is where files outside the
    /// database are, and where the target will look for them; without it, there may be no such files. Calls `report` with
    /// the progress.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason, for the operator. The target stays marked.
    pub async fn copy_to(
        &self,
        to: &Arc<dyn Driver>,
        files: Option<(&dyn Blobs, &dyn Blobs)>,
        report: &mut (dyn FnMut(Step) + Send),
    ) -> Result<(), StoreError> {
        let tables = tables()?;
        unused(&self.driver, "source").await?;
        unused(to, "target").await?;
        let named = blobs::named(&self.driver).await?.len();
        if files.is_none() && named > 0 {
            return refuse(format!(
                "{named} files of uploads are kept apart from the source: say where with --blobs-from, and with --blobs-to \
                 where the target is to have them (in the same place they stay)"
            ));
        }
        self.begin(to, &tables).await?;
        for table in &tables {
            self.copy(table, to, report).await?;
        }
        if let Some((from, to)) = files {
            blobs::copy_all(from, to, &mut |copied| report(Step::Files(copied))).await?;
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
            report(Step::Verified(table.name, here.0));
        }
        if let Some((from, kept)) = files {
            self.find(from, kept, to, report).await?;
        }
        // A process that came meanwhile may have written to what was just compared.
        unused(&self.driver, "source").await?;
        run(&**to, Effect::Writes, |session| {
            Box::pin(async move {
                let sql = "DELETE FROM meta WHERE name = $1";
                session.query(sql, &[Value::from(COPYING)]).await.map(drop)
            })
        })
        .await
    }

    /// Checks that every file that an image of the target names exists. A file that the source lacks, too, does not
    /// fail the copy.
    async fn find(
        &self,
        from: &dyn Blobs,
        kept: &dyn Blobs,
        to: &Arc<dyn Driver>,
        report: &mut (dyn FnMut(Step) + Send),
    ) -> Result<(), StoreError> {
        let (named, missing) = (blobs::named(to).await?.len(), blobs::missing(to, kept).await?);
        if !missing.is_empty() {
            let before = blobs::missing(&self.driver, from).await?;
            if let Some(lost) = missing.iter().find(|name| !before.contains(name)) {
                return refuse(format!("the file {lost}, which an image names, did not arrive"));
            }
        }
        report(Step::Found((named - missing.len()) as u64));
        missing.into_iter().for_each(|name| report(Step::Missing(name)));
        Ok(())
    }

    /// Creates the tables, and marks the target as a copy of this source.
    async fn begin(&self, to: &Arc<dyn Driver>, tables: &[Table]) -> Result<(), StoreError> {
        // Not the key itself: this identifies the source and reveals nothing.
        let mark = hex(&Sha256::digest(format!("copy of {}", self.master)));
        let (master, shared) = (self.master.clone(), to.is_shared());
        let names: Vec<&'static str> = tables.iter().map(|table| table.name).collect();
        run(&**to, Effect::Writes, move |session| {
            let (mark, master, names) = (mark.clone(), master.clone(), names.clone());
            Box::pin(async move {
                let schema = migrate::apply(session, shared).await?;
                if let Schema::TooNew(schema) = schema {
                    return refuse(format!(
                        "the target has schema {schema} and this release {SCHEMA_VERSION}: name an empty one with --to"
                    ));
                }
                match migrate::read(session, COPYING).await? {
                    Some(found) if found == mark => return Ok(()),
                    Some(_) => {
                        return refuse(
                            "a copy of another store was begun in the target: name an empty one with --to"
                                .to_owned(),
                        );
                    }
                    None => {}
                }
                for name in names {
                    let found = session.query(&format!("SELECT 1 FROM {name} LIMIT 1"), &[]).await?;
                    if !found.is_empty() {
                        return refuse(format!(
                            "the target is not empty: its table {name} has rows: name another one with --to"
                        ));
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
        report: &mut (dyn FnMut(Step) + Send),
    ) -> Result<(), StoreError> {
        let mut after = last(to, table).await?;
        let mut copied = 0;
        loop {
            let rows = page(&self.driver, table, after.take()).await?;
            let Some(end) = rows.last() else { return Ok(()) };
            after = Some(end.0[..table.key].to_vec());
            copied += rows.len() as u64;
            write(to, table, rows).await?;
            report(Step::Copying(table.name, copied));
        }
    }
}

/// Refuses a PostgreSQL database that another process of this product uses. A data directory is locked.
pub(crate) async fn unused(driver: &Arc<dyn Driver>, what: &str) -> Result<(), StoreError> {
    if !driver.is_shared() {
        return Ok(());
    }
    // The one statement that only PostgreSQL knows.
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
               AND application_name LIKE 'larkspur%' AND pid <> pg_backend_pid()";
    let found = run_statement(&**driver, Effect::Reads, sql, Vec::new()).await?;
    match found.first().map_or(Ok(0), |row| row.int(0))? {
        0 => Ok(()),
        _ => refuse(format!("the {what} is in use by another larkspur process: stop it first")),
    }
}

/// The primary key of a table's last row.
async fn last(driver: &Arc<dyn Driver>, table: &Table) -> Result<Option<Vec<Value>>, StoreError> {
    let key = &table.columns[..table.key];
    let (listed, backwards) = (key.join(", "), key.join(" DESC, "));
    let sql = format!("SELECT {listed} FROM {} ORDER BY {backwards} DESC LIMIT 1", table.name);
    let rows = run_statement(&**driver, Effect::Reads, sql, Vec::new()).await?;
    Ok(rows.into_iter().next().map(|row| row.0))
}

/// The rows after a primary key, in its order and as the copy will have them.
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
    let rows = run_statement(&**driver, Effect::Reads, sql, params).await?;
    Ok(rows.into_iter().map(|row| table.copied(row)).collect())
}

async fn write(driver: &Arc<dyn Driver>, table: &Table, rows: Vec<Row>) -> Result<(), StoreError> {
    let width = table.columns.len();
    let values: Vec<String> =
        (0..rows.len()).map(|row| format!("({})", numbers(row * width + 1, width))).collect();
    let (columns, values) = (table.columns.join(", "), values.join(", "));
    let sql = format!("INSERT INTO {} ({columns}) VALUES {values}", table.name);
    let params = rows.into_iter().flat_map(|row| row.0).collect();
    run_statement(&**driver, Effect::Writes, sql, params).await.map(drop)
}

/// `$first, …`, of this many.
fn numbers(first: usize, count: usize) -> String {
    let all: Vec<String> = (first..first + count).map(|number| format!("${number}")).collect();
    all.join(", ")
}

/// How many rows a table has, and a checksum of them that does not depend on their order.
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

#[cfg(test)]
mod tests {
    use super::*;

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
