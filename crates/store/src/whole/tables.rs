//! The tables of tenants, as the migrations define them: for copies of a store, and for snapshots of a tenant.

use crate::driver::StoreError;
use crate::tenants::TABLES;
use crate::{Row, Value};

/// Rows that are read and written at a time.
const ROWS: usize = 256;
/// The same for tables whose rows may be megabytes: those with bytes, and this one.
const LARGE_ROWS: usize = 4;
const LARGE: &str = "snapshot_part";

/// Tables of tenants that are not copied: counts of calls, connections and what servers pass to one another belong to the
/// source's servers and soon expire.
pub(crate) const LEFT: [&str; 3] = ["call_count", "app_connection", "callback_relay"];

/// Columns with in-progress work of the source's processes. In the copy no event is claimed.
static FRESH: [(&str, &str, Value); 2] = [
    ("event_delivery", "owner", Value::Text(String::new())),
    ("event_delivery", "lease_until", Value::Int(0)),
];

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Type {
    /// TEXT, BIGINT or BYTEA.
    pub(crate) kind: Kind,
    /// Whether it may be NULL.
    pub(crate) nullable: bool,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// BIGINT
    Int,
    /// TEXT
    Text,
    /// BYTEA
    Bytes,
}

impl Type {
    fn parse(definition: &str) -> Option<Self> {
        let kind = match definition.split_whitespace().nth(1)? {
            "BIGINT" => Kind::Int,
            "TEXT" => Kind::Text,
            "BYTEA" => Kind::Bytes,
            _ => return None,
        };
        let nullable = !definition.contains("NOT NULL") && !definition.contains("PRIMARY KEY");
        Some(Type { kind, nullable })
    }

    /// Whether a value is of this type.
    pub(crate) fn has(self, value: &Value) -> bool {
        match value {
            Value::Null => self.nullable,
            Value::Int(_) => self.kind == Kind::Int,
            Value::Text(_) => self.kind == Kind::Text,
            Value::Bytes(_) => self.kind == Kind::Bytes,
        }
    }
}

/// A table, as the migrations define it.
#[derive(Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Those of the primary key first, in its order.
    pub(crate) columns: Vec<String>,
    /// What each of them holds.
    pub(crate) types: Vec<Type>,
    /// How many of them are the primary key's.
    pub(crate) key: usize,
    /// Whether it contains files.
    pub(crate) large: bool,
    /// Columns that have another value in the copy, by index.
    pub(crate) fresh: Vec<(usize, Value)>,
}

impl Table {
    pub(crate) fn rows_at_once(&self) -> usize {
        if self.large { LARGE_ROWS } else { ROWS }
    }

    /// A row as the copy will have it.
    pub(crate) fn copied(&self, mut row: Row) -> Row {
        for (at, value) in &self.fresh {
            if let Some(column) = row.0.get_mut(*at) {
                *column = value.clone();
            }
        }
        row
    }
}

/// The tables of tenants, read from the migrations.
pub(crate) fn tables() -> Result<Vec<Table>, StoreError> {
    let statements: Vec<String> = crate::migrations().flatten().collect();
    let kept = TABLES.iter().filter(|name| !LEFT.contains(name));
    kept.map(|name| {
        table(name, &statements)
            .ok_or_else(|| StoreError::Broken(format!("the migrations of table {name} cannot be read")))
    })
    .collect()
}

fn table(name: &'static str, statements: &[String]) -> Option<Table> {
    let (mut columns, mut key) = (Vec::<(String, Type)>::new(), Vec::new());
    for statement in statements {
        // Anything may stand between the two words of CREATE TABLE.
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
            let column = part.split_whitespace().next()?.to_owned();
            if part.contains("PRIMARY KEY") {
                key = vec![column.clone()];
            }
            columns.push((column, Type::parse(part)?));
        }
    }
    let place = |(column, _): &(String, Type)| key.iter().position(|name| name == column);
    columns.sort_by_key(|column| place(column).unwrap_or(key.len()));
    let (keys, large) = (key.len(), name == LARGE || columns.iter().any(|(_, of)| of.kind == Kind::Bytes));
    let (all, types): (Vec<String>, Vec<Type>) = columns.into_iter().unzip();
    let fresh = FRESH.iter().filter(|(table, ..)| *table == name);
    let fresh =
        fresh.map(|(_, column, value)| Some((all.iter().position(|known| known == column)?, value.clone())));
    let fresh = fresh.collect::<Option<Vec<_>>>()?;
    (keys > 0).then_some(Table { name, columns: all, types, key: keys, large, fresh })
}

/// The parts between the commas outside of parentheses.
fn parts(body: &str) -> Vec<&str> {
    let mut depth = 0;
    let split = |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    };
    body.split(split).map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_off_the_migrations() {
        let tables = tables().expect("all of them");
        let of = |name: &str| tables.iter().find(|table| table.name == name).expect(name);
        assert_eq!(tables.len(), TABLES.len() - LEFT.len());
        let fresh: usize = tables.iter().map(|table| table.fresh.len()).sum();
        assert_eq!(fresh, FRESH.len(), "each is a column of a table that is copied");
        assert_eq!(
            of("tenant").columns,
            ["tenant", "name", "clock_offset_ms", "created_at", "refuses", "policy", "faults"]
        );
        assert_eq!((of("tenant").key, of("chat_tab").key), (1, 3));
        assert!(of("image").large && of("stored_file").large && !of("tag").large);
        let member = &of("chat_member").columns;
        assert_eq!((member.len(), member.last().map(String::as_str)), (12, Some("nickname")));
        let changed = [
            "CREATE /* so */ TABLE t (a TEXT PRIMARY KEY)".to_owned(),
            "ALTER TABLE t RENAME a TO b".to_owned(),
        ];
        assert_eq!(table("t", &changed), None, "a change that is not understood");
        assert_eq!(table("t", &changed[..1]).expect("read").columns, ["a"]);
    }
}
