//! Checks a PostgreSQL server's settings and the rights of the URL's role. For PostgreSQL only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use larkspur_contract::Effect;

use crate::driver::{Driver, StoreError, run_statement};
use crate::tenants::TABLES;
use crate::whole::citus::REFERENCE;
use crate::whole::migrate::SCHEMA_VERSION;
use crate::whole::state::{Schema, State};

/// The findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What must be fixed before the database is used.
    pub faults: Vec<String>,
    /// What the operator may want to know.
    pub notes: Vec<String>,
}

/// The rights that serving needs on every table.
const NEEDED: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// The rights of the role.
struct Role {
    name: String,
    schema: String,
    /// Whether it may create tables.
    makes: bool,
    /// By table: whether the role owns it, and which of the needed rights it lacks.
    tables: BTreeMap<String, (bool, Vec<&'static str>)>,
}

/// Checks the settings of a PostgreSQL server and the rights of the role, for a store in this state.
///
/// # Errors
/// The store is unavailable.
pub async fn look(driver: &Arc<dyn Driver>, state: &State) -> Result<Findings, StoreError> {
    let mut found = Findings { faults: state.fault().into_iter().collect(), notes: Vec::new() };
    found.faults.extend(settings(driver).await?);
    let role = role(driver).await?;
    judge(&role, state.schema, &mut found);
    Ok(found)
}

/// Risky settings of the server. `reset_val` is the value that a session starts with.
async fn settings(driver: &Arc<dyn Driver>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND reset_val = 'off' ORDER BY name";
    let rows = run_statement(&**driver, Effect::Reads, sql, Vec::new()).await?;
    rows.into_iter()
        .map(|mut row| {
            let name = row.text(0)?;
            let what = match name.as_str() {
                "fsync" => {
                    "a crash of the machine may lose acknowledged writes and damage the database: set it to on"
                }
                _ => {
                    "a page that a crash of the machine tears cannot be mended: set it to on, unless the file system never \
                     tears a page, as ZFS does not"
                }
            };
            Ok(format!("{name} is off: {what}"))
        })
        .collect()
}

async fn role(driver: &Arc<dyn Driver>) -> Result<Role, StoreError> {
    let sql = "SELECT CAST(current_user AS TEXT), CAST(COALESCE(current_schema(), 'public') AS TEXT), \
               COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE)";
    let rows = run_statement(&**driver, Effect::Reads, sql, Vec::new()).await?;
    let mut row = rows.into_iter().next().ok_or_else(|| StoreError::Broken("there is no role".to_owned()))?;
    let (name, schema, makes) = (row.text(0)?, row.text(1)?, row.int(2)? != 0);
    let rights: Vec<String> =
        NEEDED.iter().map(|right| format!("has_table_privilege(oid, '{right}')")).collect();
    let sql = format!(
        "SELECT relname, pg_has_role(relowner, 'USAGE'), {} FROM pg_class \
         WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)",
        rights.join(", ")
    );
    let mut tables = BTreeMap::new();
    for mut row in run_statement(&**driver, Effect::Reads, sql, Vec::new()).await? {
        let mut lacks = Vec::new();
        for (index, right) in NEEDED.into_iter().enumerate() {
            if row.int(index + 2)? == 0 {
                lacks.push(right);
            }
        }
        let owns = row.int(1)? != 0;
        tables.insert(row.text(0)?, (owns, lacks));
    }
    Ok(Role { name, schema, makes, tables })
}

fn judge(role: &Role, schema: Schema, found: &mut Findings) {
    let Role { name, schema: place, makes, tables } = role;
    let owned = |table: &str| tables.get(table).is_none_or(|(owns, _)| *owns);
    let all: BTreeSet<&str> = TABLES.iter().copied().chain(REFERENCE).collect();
    let migrates = *makes && all.iter().all(|table| owned(table));
    match schema {
        Schema::Absent | Schema::Older(_) if !migrates => found.faults.push(format!(
            "the role {name} may not make or change tables in the schema {place}, and the data do not have schema \
             {SCHEMA_VERSION} yet: run `larkspur migrate` as their owner"
        )),
        Schema::Absent => found.notes.push(format!(
            "there are no tables yet: `larkspur migrate`, or the first server, makes them as the role {name}"
        )),
        Schema::Older(older) => found.notes.push(format!(
            "the data have schema {older}: `larkspur migrate`, or the first server, brings them to {SCHEMA_VERSION}"
        )),
        Schema::Newer(newer) => found.notes.push(format!(
            "the data have schema {newer}, which this release, of schema {SCHEMA_VERSION}, can serve, too"
        )),
        Schema::Same if !migrates => found.notes.push(format!(
            "the role {name} may serve, and may not make or change tables: run `larkspur migrate` as their owner"
        )),
        Schema::Same | Schema::TooNew(_) => {}
    }
    if schema == Schema::Absent {
        return;
    }
    let mut lacking: BTreeMap<&[&str], Vec<&str>> = BTreeMap::new();
    for table in &all {
        match tables.get(*table) {
            Some((_, lacks)) if !lacks.is_empty() => lacking.entry(lacks).or_default().push(table),
            // An older schema has fewer tables.
            None if matches!(schema, Schema::Same | Schema::Newer(_)) => {
                found.faults.push(format!(
                    "the table {table} is missing, or not in the search_path of the role {name}"
                ));
            }
            _ => {}
        }
    }
    for (lacks, tables) in lacking {
        found.faults.push(format!(
            "the role {name} lacks {} on {}: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {place} TO {name}",
            lacks.join(", "),
            tables.join(", ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(makes: bool, owns: bool, lacks: &[&'static str]) -> Role {
        let all = TABLES.iter().copied().chain(REFERENCE);
        Role {
            name: "r".to_owned(),
            schema: "public".to_owned(),
            makes,
            tables: all.map(|table| (table.to_owned(), (owns, lacks.to_vec()))).collect(),
        }
    }

    fn judged(role: &Role, schema: Schema) -> Findings {
        let mut found = Findings::default();
        judge(role, schema, &mut found);
        found
    }

    #[test]
    fn an_owner_may_do_everything_and_a_serving_role_need_not() {
        assert_eq!(judged(&role(true, true, &[]), Schema::Same), Findings::default());
        let found = judged(&role(false, false, &[]), Schema::Same);
        assert!(found.faults.is_empty() && found.notes[0].contains("as their owner"), "{found:?}");
        let found = judged(&role(true, false, &[]), Schema::Older(3));
        assert!(found.faults[0].contains("may not make or change tables"), "{found:?}");
        let empty = Role { tables: BTreeMap::new(), ..role(false, false, &[]) };
        assert!(judged(&empty, Schema::Absent).faults[0].contains("may not make or change"));
    }

    #[test]
    fn missing_rights_of_a_role_are_one_line() {
        let found = judged(&role(false, false, &["INSERT", "DELETE"]), Schema::Same);
        assert_eq!(found.faults.len(), 1, "{found:?}");
        assert!(found.faults[0].starts_with("the role r lacks INSERT, DELETE on app, "), "{found:?}");
        let mut torn = role(true, true, &[]);
        torn.tables.remove("chat");
        assert!(judged(&torn, Schema::Same).faults[0].starts_with("the table chat is missing"));
    }
}
