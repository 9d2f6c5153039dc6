//! Tables that Citus distributes by tenant among several PostgreSQL servers.
//!
//! All rows of a tenant are in one shard, so that a transaction of a tenant stays on one server. Tables without a
//! tenant are complete on every server. The names of functions and catalog tables are from Citus's documents.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use larkspur_contract::Effect;

use crate::driver::{Driver, Session, StoreError, run, run_statement};
use crate::tenants::TABLES;
use crate::whole::copy::unused;

/// Tables shared by all tenants: every server has a full copy. The directory of apps is what finds the tenant.
pub const REFERENCE: [&str; 4] = ["app", "job_slot", "meta", "node_lease"];
/// The default number of shards: Citus's own.
pub const SHARDS: u32 = 32;
/// The table with which the others are colocated.
pub(crate) const FIRST: &str = "tenant";

/// Statements for Citus: for a table copied to every server, for the first distributed table, and for the others.
const EVERYWHERE: &str = "SELECT CAST(create_reference_table('{table}') AS TEXT)";
const DIVIDE_FIRST: &str = "SELECT CAST(create_distributed_table('{table}', 'tenant', colocate_with => 'none', shard_count => {shards}) AS TEXT)";
const DIVIDE: &str =
    "SELECT CAST(create_distributed_table('{table}', 'tenant', colocate_with => 'tenant') AS TEXT)";

/// How one table is distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lies {
    /// Distributed, in this colocation group.
    Divided(i64),
    /// A full copy on every server.
    Everywhere,
    /// Managed by Citus in another way.
    Otherwise,
}

type Lay = BTreeMap<String, Lies>;

/// How the tables of a store are distributed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Those distributed by tenant.
    pub divided: Vec<&'static str>,
    /// Those with a full copy on every server.
    pub everywhere: Vec<&'static str>,
    /// Those that are not where they should be, most often on the coordinator alone.
    pub wrong: Vec<&'static str>,
    /// Shards of each distributed table.
    pub shards: i64,
    /// Servers that have shards.
    pub servers: i64,
}

/// Every table, with whether it is to be distributed; the first distributed table comes first.
fn wanted() -> impl Iterator<Item = (&'static str, bool)> {
    let divided = TABLES.iter().copied().filter(|table| *table != FIRST && !REFERENCE.contains(table));
    let divided = std::iter::once(FIRST).chain(divided).map(|table| (table, true));
    divided.chain(REFERENCE.into_iter().map(|table| (table, false)))
}

/// Whether the database has Citus: its functions and its catalog.
async fn is_there(session: &mut dyn Session) -> Result<bool, StoreError> {
    let sql = "SELECT (SELECT COUNT(DISTINCT proname) FROM pg_proc \
               WHERE proname IN ('create_distributed_table', 'create_reference_table')) \
               + (SELECT COUNT(*) FROM pg_class WHERE relname = 'pg_dist_partition')";
    let rows = session.query(sql, &[]).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.int(0))? >= 3)
}

/// How the tables that Citus manages are distributed; empty without Citus.
async fn lay(session: &mut dyn Session) -> Result<Lay, StoreError> {
    if !is_there(session).await? {
        return Ok(Lay::new());
    }
    let sql = "SELECT c.relname, CAST(p.partmethod AS TEXT), CAST(p.repmodel AS TEXT), CAST(p.colocationid AS BIGINT) \
               FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid WHERE pg_table_is_visible(c.oid)";
    let rows = session.query(sql, &[]).await?;
    rows.into_iter()
        .map(|mut row| {
            let lies = match (row.text(1)?.as_str(), row.text(2)?.as_str()) {
                ("h", _) => Lies::Divided(row.int(3)?),
                ("n", "t") => Lies::Everywhere,
                _ => Lies::Otherwise,
            };
            Ok((row.text(0)?, lies))
        })
        .collect()
}

/// The tables that Citus manages. Not every ALTER TABLE is allowed on them.
pub(crate) async fn tables(session: &mut dyn Session) -> Result<BTreeSet<String>, StoreError> {
    Ok(lay(session).await?.into_keys().collect())
}

/// Whether a table is distributed as it should be.
fn is_right(lay: &Lay, table: &str, divided: bool) -> bool {
    match (lay.get(table), divided) {
        (Some(Lies::Divided(_)), true) => lay.get(table) == lay.get(FIRST),
        (Some(Lies::Everywhere), false) => true,
        _ => false,
    }
}

/// The statement that distributes a table as it should be.
fn statement(table: &str, divided: bool, shards: u32) -> String {
    let text = match (divided, table) {
        (false, _) => EVERYWHERE,
        (true, FIRST) => DIVIDE_FIRST,
        (true, _) => DIVIDE,
    };
    text.replace("{table}", table).replace("{shards}", &shards.to_string())
}

/// Distributes the tables that a migration has just created, in its transaction.
pub(crate) async fn distribute_new(session: &mut dyn Session) -> Result<(), StoreError> {
    let lay = lay(session).await?;
    for (table, divided) in wanted().filter(|(table, _)| !lay.contains_key(*table)) {
        session.query(&statement(table, divided, SHARDS), &[]).await?;
    }
    Ok(())
}

/// Distributes the tables of a store that has this program's schema, each in a transaction of its own. Those that are
/// already right are skipped. `shards` is the number for each distributed table, by default [`SHARDS`]. Calls `report`
/// with the name of each table that was distributed.
///
/// # Errors
/// [`StoreError::Unavailable`] with the reason, for the operator: Citus is missing, servers use the store, or a table
/// is distributed in another way. What was distributed until then stays so.
pub async fn distribute(
    driver: &Arc<dyn Driver>,
    shards: Option<u32>,
    report: &mut (dyn FnMut(&str) + Send),
) -> Result<Layout, StoreError> {
    let refuse = |why: String| Err(StoreError::Unavailable(why));
    if !driver.is_shared() || !run(&**driver, Effect::Reads, |session| Box::pin(is_there(session))).await? {
        return refuse(
            "this database has no Citus: install the extension on each PostgreSQL server, and run CREATE EXTENSION citus \
             in the database on the coordinator and on each worker"
                .to_owned(),
        );
    }
    let lay = run(&**driver, Effect::Reads, |session| Box::pin(lay(session))).await?;
    let missing: Vec<_> = wanted().filter(|(table, divided)| !is_right(&lay, table, *divided)).collect();
    if let Some((table, _)) = missing.iter().find(|(table, _)| lay.contains_key(*table)) {
        return refuse(format!(
            "the table {table} is distributed in another manner than Larkspur needs: end all servers, undo that with \
             undistribute_table('{table}'), and run this command again"
        ));
    }
    if !missing.is_empty() {
        // Their statements would wait while a table is distributed, and might see tables of both kinds.
        unused(driver, "database").await?;
    }
    let found = if lay.contains_key(FIRST) { count(driver).await?.0 } else { 0 };
    if let Some(wanted) = shards.filter(|wanted| found > 0 && i64::from(*wanted) != found) {
        return refuse(format!(
            "the tables have {found} shards already: alter_distributed_table('{FIRST}', shard_count := {wanted}, \
             cascade_to_colocated := true) changes that"
        ));
    }
    for (table, divided) in missing {
        let sql = statement(table, divided, shards.unwrap_or(SHARDS));
        run_statement(&**driver, Effect::Writes, sql, Vec::new()).await?;
        report(table);
    }
    layout(driver).await?.ok_or_else(|| StoreError::Broken("no table was distributed".to_owned()))
}

/// How the tables of a store are distributed; `None` if none of them is, or without Citus.
///
/// # Errors
/// The store is unavailable.
pub async fn layout(driver: &Arc<dyn Driver>) -> Result<Option<Layout>, StoreError> {
    let lay = run(&**driver, Effect::Reads, |session| Box::pin(lay(session))).await?;
    if !wanted().any(|(table, _)| lay.contains_key(table)) {
        return Ok(None);
    }
    let (right, wrong): (Vec<_>, Vec<_>) =
        wanted().partition(|(table, divided)| is_right(&lay, table, *divided));
    let names = |tables: &[(&'static str, bool)], kind: bool| -> Vec<&'static str> {
        tables.iter().filter(|(_, divided)| *divided == kind).map(|(table, _)| *table).collect()
    };
    let (shards, servers) = count(driver).await?;
    Ok(Some(Layout {
        divided: names(&right, true),
        everywhere: names(&right, false),
        wrong: wrong.into_iter().map(|(table, _)| table).collect(),
        shards,
        servers,
    }))
}

/// How many shards a distributed table has, and how many servers have any.
async fn count(driver: &Arc<dyn Driver>) -> Result<(i64, i64), StoreError> {
    let sql = format!(
        "SELECT (SELECT COUNT(*) FROM pg_dist_shard s JOIN pg_class c ON c.oid = s.logicalrelid \
         WHERE c.relname = '{FIRST}' AND pg_table_is_visible(c.oid)), \
         (SELECT COUNT(DISTINCT groupid) FROM pg_dist_node WHERE isactive AND shouldhaveshards \
         AND CAST(noderole AS TEXT) = 'primary')"
    );
    let rows = run_statement(&**driver, Effect::Reads, sql, Vec::new()).await?;
    rows.first().map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_its_place() {
        let all: Vec<_> = wanted().collect();
        assert_eq!(all[0], ("tenant", true));
        let divided: BTreeSet<_> =
            all.iter().filter(|(_, divided)| *divided).map(|(table, _)| *table).collect();
        let expected: BTreeSet<_> = TABLES.iter().copied().filter(|table| *table != "app").collect();
        assert_eq!(divided, expected);
        // One for each table of the schema, and for `meta`, which no migration creates.
        let made = crate::whole::migrate::migrations().flatten().filter(|sql| {
            sql.starts_with("CREATE ") && sql.split('(').next().is_some_and(|head| head.contains(" TABLE "))
        });
        assert_eq!(all.len(), made.count() + 1);
    }

    #[test]
    fn a_table_is_right_beside_the_first_one() {
        let lay =
            |table: &str, lies| Lay::from([(FIRST.to_owned(), Lies::Divided(1)), (table.to_owned(), lies)]);
        assert!(is_right(&lay("chat", Lies::Divided(1)), "chat", true));
        assert!(!is_right(&lay("chat", Lies::Divided(2)), "chat", true));
        assert!(!is_right(&lay("chat", Lies::Everywhere), "chat", true));
        assert!(is_right(&lay("app", Lies::Everywhere), "app", false));
        assert!(!is_right(&lay("app", Lies::Otherwise), "app", false));
        assert!(!is_right(&Lay::new(), "tenant", true));
    }
}
