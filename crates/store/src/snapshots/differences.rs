//! What differs between two states of a tenant, for people.

use std::cmp::Ordering;

use larkspur_contract::ids::TenantKey;

use super::content::{Content, is_secret};
use super::held::{Cells, Held, held};
use crate::driver::StoreError;
use crate::{Keys, Tx, Value};

/// The most characters that are shown of a value.
const SHOWN: usize = 100;

/// What differs between two states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// How many rows differ, by table.
    pub tables: Vec<TableCount>,
    /// The first rows that differ.
    pub changes: Vec<Change>,
    /// How many more there are.
    pub more: usize,
}

/// How many rows of a table differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableCount {
    /// The table.
    pub table: &'static str,
    /// Rows that the later state alone has.
    pub added: usize,
    /// Rows that the earlier state alone has.
    pub gone: usize,
    /// Rows that both have, with other values.
    pub changed: usize,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its table.
    pub table: &'static str,
    /// Its key, by column. Rows of messages also have a message_id.
    pub key: Vec<(String, String)>,
    /// What happened to it.
    pub what: Changed,
    /// The columns that changed, each with the earlier and the later value.
    pub columns: Vec<(String, String, String)>,
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// The later state alone has it.
    Added,
    /// The earlier state alone has it.
    Gone,
    /// It has other values.
    Changed,
}

/// Compares two states; at most `limit` rows are listed.
pub(super) fn compare(
    tx: &Tx,
    before: &Content,
    after: &Content,
    limit: usize,
) -> Result<Differences, StoreError> {
    let of = Shown { keys: &tx.engine().keys, tenant: tx.tenant() };
    let mut found = Differences::default();
    for table in held()? {
        let (mut earlier, mut later) =
            (before.of(table.name).iter().peekable(), after.of(table.name).iter().peekable());
        let mut count = TableCount { table: table.name, ..TableCount::default() };
        loop {
            let order = match (earlier.peek(), later.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => table.order(one, other),
            };
            let one = if order.is_le() { earlier.next() } else { None };
            let other = if order.is_ge() { later.next() } else { None };
            let (what, row) = match (one, other) {
                (Some(one), Some(other)) if table.is_same(one, other) => continue,
                (Some(_), Some(row)) => (Changed::Changed, row),
                (Some(row), None) => (Changed::Gone, row),
                (None, Some(row)) => (Changed::Added, row),
                (None, None) => continue,
            };
            match what {
                Changed::Added => count.added += 1,
                Changed::Gone => count.gone += 1,
                Changed::Changed => count.changed += 1,
            }
            if found.changes.len() == limit {
                found.more += 1;
                continue;
            }
            let columns = one.zip(other).map(|(one, other)| of.columns(table, one, other));
            let (table, key) = (table.name, of.key(table, row));
            found.changes.push(Change { table, key, what, columns: columns.unwrap_or_default() });
        }
        if count.added + count.gone + count.changed > 0 {
            found.tables.push(count);
        }
    }
    Ok(found)
}

/// How rows of a tenant are shown.
struct Shown<'a> {
    keys: &'a Keys,
    tenant: TenantKey,
}

impl Shown<'_> {
    fn key(&self, table: &Held, row: &Cells) -> Vec<(String, String)> {
        let cells = table.columns.iter().zip(table.key_of(row));
        let is_open = |column: &str| !is_secret(column) && (table.name, column) != ("card_token", "token");
        let shown = |column: &str, value| if is_open(column) { shown(value) } else { "…".to_owned() };
        let mut key: Vec<_> = cells.map(|(column, value)| (column.clone(), shown(column, value))).collect();
        let message = match table.name {
            "message" | "ephemeral_card" => Some("number"),
            _ => Some("message"),
        };
        let mut named = table.columns.iter().zip(row).filter(|(column, _)| message == Some(column.as_str()));
        if let Some((_, Value::Int(number))) = named.next().filter(|(_, value)| **value != Value::Int(0)) {
            let id = self.keys.message_id(*number, self.tenant);
            key.push(("message_id".to_owned(), id.to_string()));
        }
        key
    }

    fn columns(&self, table: &Held, one: &Cells, other: &Cells) -> Vec<(String, String, String)> {
        let cells = table.columns.iter().zip(one.iter().zip(other));
        let changed = cells.filter(|(_, (one, other))| one != other);
        let texts = changed.map(|(column, (one, other))| match is_secret(column) {
            true => (column.clone(), "…".to_owned(), "…".to_owned()),
            false => (column.clone(), shown(one), shown(other)),
        });
        texts.collect()
    }
}

/// A value for people: its beginning.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text.clone(),
        },
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
    }
}
