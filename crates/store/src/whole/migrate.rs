//! Migrates a database to this program's schema, forward only.

use std::collections::BTreeSet;
use std::sync::Arc;

use larkspur_contract::Effect;

use crate::driver::{Driver, Session, StoreError, run};
use crate::tenants::TABLES;
use crate::whole::citus;
use crate::whole::state::{self, Schema, State};
use crate::{Keys, Value};

const FILES: &[&str] = &[
    include_str!("../../../../schema/0001_foundation.sql"),
    include_str!("../../../../schema/0002_members.sql"),
    include_str!("../../../../schema/0003_identity.sql"),
    include_str!("../../../../schema/0004_chats.sql"),
    include_str!("../../../../schema/0005_menus.sql"),
    include_str!("../../../../schema/0006_refusals.sql"),
    include_str!("../../../../schema/0007_links.sql"),
    include_str!("../../../../schema/0008_events.sql"),
    include_str!("../../../../schema/0009_cluster.sql"),
    include_str!("../../../../schema/0010_blobs.sql"),
    include_str!("../../../../schema/0011_tickets.sql"),
    include_str!("../../../../schema/0012_policy.sql"),
    include_str!("../../../../schema/0013_directory.sql"),
    include_str!("../../../../schema/0014_own_chats.sql"),
    include_str!("../../../../schema/0015_plans.sql"),
    include_str!("../../../../schema/0016_sign_in.sql"),
    include_str!("../../../../schema/0017_search.sql"),
    include_str!("../../../../schema/0018_events.sql"),
    include_str!("../../../../schema/0019_connections.sql"),
    include_str!("../../../../schema/0020_messages.sql"),
    include_str!("../../../../schema/0021_files.sql"),
    include_str!("../../../../schema/0022_hooks.sql"),
    include_str!("../../../../schema/0023_cards.sql"),
    include_str!("../../../../schema/0024_deliveries.sql"),
    include_str!("../../../../schema/0025_docx.sql"),
    include_str!("../../../../schema/0026_reactions.sql"),
    include_str!("../../../../schema/0027_pins.sql"),
    include_str!("../../../../schema/0028_batch.sql"),
    include_str!("../../../../schema/0029_turns.sql"),
    include_str!("../../../../schema/0030_faults.sql"),
    include_str!("../../../../schema/0031_snapshots.sql"),
    include_str!("../../../../schema/0032_relays.sql"),
    include_str!("../../../../schema/0033_event_faults.sql"),
    include_str!("../../../../schema/0034_own_cards.sql"),
];

/// The schema that this program writes and reads.
pub const SCHEMA_VERSION: usize = FILES.len();

/// The oldest schema whose programs can still use a store of this one: two releases run side by side while servers are
/// upgraded one after the other.
///
/// A migration that only adds leaves it unchanged. One that removes, renames, or demands more of writes sets it to its
/// own number, and is released after the program that no longer needs the old shape (expand, then contract).
const COMPATIBLE_SINCE: usize = 10;

/// The row of `meta` that says so to programs older than the schema.
pub(crate) const COMPATIBLE: &str = "compatible_since";

/// The row of `meta` that has the schema, and the one that has the master key.
pub(crate) const VERSION: &str = "schema_version";
pub(crate) const KEY: &str = "master_key";

/// The row of `meta` that marks a store while it is the target of a copy.
pub(crate) const COPYING: &str = "copying";

/// The statements of every migration, in order.
pub fn migrations() -> impl Iterator<Item = Vec<String>> {
    FILES.iter().map(|text| statements(text))
}

fn statements(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    code.join("\n")
        .split(';')
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Tells PostgreSQL that the column `tenant` has one value. Otherwise ANALYZE would report that a tenant has few rows,
/// which is wrong once it has grown, and a plan that reads all rows of a tenant would look cheap.
const ONE_TENANT: &str = "SET (n_distinct = 1)";

/// A statement for a store that several processes share: tables with the mark are unlogged there.
fn shared(statement: &str) -> String {
    statement.replacen(UNLOGGED, "UNLOGGED", 1)
}

/// Marks a table that need not survive a crash; to SQLite it is a comment.
const UNLOGGED: &str = "/* UNLOGGED */";

/// Migrates a store to this program's schema and returns its master key, which is made for a new store.
///
/// An up-to-date store is only read: a role that may not create tables is enough.
///
/// # Errors
/// The store is unavailable, or no program, or not this one, may serve it: [`StoreError::Refused`] has the reason.
pub(crate) async fn open(driver: &Arc<dyn Driver>) -> Result<String, StoreError> {
    if let Some(master) = state::look(driver).await?.served()? {
        return Ok(master);
    }
    let shared = driver.is_shared();
    run(&**driver, Effect::Writes, move |session| Box::pin(first(session, shared))).await
}

/// The first transaction on a store that is new or older.
async fn first(session: &mut dyn Session, shared: bool) -> Result<String, StoreError> {
    let before = apply(session, shared).await?;
    let copying = read(session, COPYING).await?.is_some();
    let found = read(session, KEY).await?.filter(|master| !master.is_empty());
    let state = State { schema: before, copying, headless: false, master: found };
    if let Some(why) = state.fault() {
        return Err(state::refused(why));
    }
    if let Some(master) = state.master {
        return Ok(master);
    }
    let fresh = Keys::fresh_master();
    write(session, KEY, &fresh).await?;
    Ok(fresh)
}

/// Migrates a store to this program's schema within a transaction, for which all others that open it wait. Returns its
/// previous schema.
///
/// `is_shared` comes from the driver.
pub(crate) async fn apply(session: &mut dyn Session, is_shared: bool) -> Result<Schema, StoreError> {
    session
        .query("CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)", &[])
        .await?;
    let applied = number(&lock_version(session).await?)?;
    if applied >= SCHEMA_VERSION {
        let since = read(session, COMPATIBLE).await?.and_then(|since| since.parse().ok());
        return Ok(Schema::of(applied, since));
    }
    let distributed = if is_shared { citus::tables(session).await? } else { BTreeSet::new() };
    for statements in migrations().skip(applied) {
        for statement in statements {
            let statement = if is_shared { shared(&statement) } else { statement };
            session.query(&statement, &[]).await?;
        }
    }
    // Citus refuses column options on the tables that it manages.
    let free = |table: &&&str| is_shared && !distributed.contains(**table);
    for table in TABLES.iter().filter(free) {
        session.query(&format!("ALTER TABLE {table} ALTER COLUMN tenant {ONE_TENANT}"), &[]).await?;
    }
    if distributed.contains(citus::FIRST) {
        citus::distribute_new(session).await?;
    }
    write(session, VERSION, &SCHEMA_VERSION.to_string()).await?;
    write(session, COMPATIBLE, &COMPATIBLE_SINCE.to_string()).await?;
    Ok(Schema::of(applied, None))
}

/// The number of a schema.
pub(crate) fn number(version: &str) -> Result<usize, StoreError> {
    version
        .parse()
        .map_err(|_| StoreError::Broken(format!("meta.schema_version is {version:?}, not a number")))
}

/// The applied schema. Other processes that open the store wait until this transaction ends.
async fn lock_version(session: &mut dyn Session) -> Result<String, StoreError> {
    let sql = "INSERT INTO meta (name, value) VALUES ('schema_version', '0') ON CONFLICT (name) DO NOTHING";
    session.query(sql, &[]).await?;
    let sql = "UPDATE meta SET value = value WHERE name = 'schema_version' RETURNING value";
    let row = session.query(sql, &[]).await?.into_iter().next();
    row.map_or_else(
        || Err(StoreError::Broken("meta has no schema_version".to_owned())),
        |mut row| row.text(0),
    )
}

pub(crate) async fn read(session: &mut dyn Session, name: &str) -> Result<Option<String>, StoreError> {
    let rows = session.query("SELECT value FROM meta WHERE name = $1", &[Value::from(name)]).await?;
    rows.into_iter().next().map(|mut row| row.text(0)).transpose()
}

pub(crate) async fn write(session: &mut dyn Session, name: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    session.query(sql, &[Value::from(name), Value::from(value)]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_program_is_asked_for_a_schema_that_is_not_there() {
        assert!((1..=SCHEMA_VERSION).contains(&COMPATIBLE_SINCE));
    }

    #[test]
    fn every_statement_is_portable() {
        let all: Vec<String> = migrations().flatten().collect();
        assert!(all.len() > 15);
        for statement in all {
            for word in ["AUTOINCREMENT", "STRICT", "WITHOUT ROWID", "SERIAL", "BLOB", "now()", "REFERENCES"]
            {
                assert!(!statement.contains(word), "{statement}");
            }
        }
    }
}
