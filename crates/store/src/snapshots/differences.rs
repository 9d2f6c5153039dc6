//! What differs between two states of a tenant, for people.

use std::cmp::Ordering;
use std::collections::HashSet;

use larkspur_contract::ids::TenantKey;

use super::content::is_secret;
use super::held::{Cells, Held, held};
use super::states::{Budget, Lines, Present, Saved, tables_with_rows};
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

/// Compares two states, of which `None` is the present one; at most `limit` rows are listed.
pub(super) async fn compare(
    tx: &mut Tx,
    before: Option<&Saved>,
    after: Option<&Saved>,
    limit: usize,
    budget: Budget,
) -> Result<Differences, StoreError> {
    let with_rows: HashSet<&str> = match (before, after) {
        (Some(_), Some(_)) => HashSet::new(),
        _ => tables_with_rows(tx).await?.into_iter().map(|table| table.name).collect(),
    };
    let mut found = Differences::default();
    for table in held()? {
        let rows = |state| match state {
            Some(saved) => Side::Saved(Saved::rows(saved, table)),
            None if with_rows.contains(table.name) => Side::Present(Present::of(table, budget)),
            None => Side::Present(Present::none(table)),
        };
        compare_rows(tx, table, (rows(before), rows(after)), limit, &mut found).await?;
    }
    Ok(found)
}

/// The rows of a table in one of the states.
enum Side<'a> {
    Present(Present),
    Saved(Lines<'a>),
}

impl Side<'_> {
    async fn next(&mut self, tx: &mut Tx) -> Result<Option<Cells>, StoreError> {
        match self {
            Side::Present(rows) => rows.next(tx).await,
            Side::Saved(lines) => lines.next(),
        }
    }
}

async fn compare_rows(
    tx: &mut Tx,
    table: &'static Held,
    (mut before, mut after): (Side<'_>, Side<'_>),
    limit: usize,
    found: &mut Differences,
) -> Result<(), StoreError> {
    let mut count = TableCount { table: table.name, ..TableCount::default() };
    let (mut earlier, mut later) = (before.next(tx).await?, after.next(tx).await?);
    loop {
        let order = match (&earlier, &later) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => table.order(one, other),
        };
        let one = if order.is_le() { std::mem::replace(&mut earlier, before.next(tx).await?) } else { None };
        let other = if order.is_ge() { std::mem::replace(&mut later, after.next(tx).await?) } else { None };
        let (what, row) = match (&one, &other) {
            (Some(one), Some(other)) if table.is_same(one, other) => continue,
            (Some(row), None) | (None, Some(row)) if table.is_remainder(row) => continue,
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
        let of = Shown { keys: &tx.engine().keys, tenant: tx.tenant() };
        let columns = one.as_ref().zip(other.as_ref()).map(|(one, other)| of.columns(table, one, other));
        let key = of.key(table, row);
        found.changes.push(Change { table: table.name, key, what, columns: columns.unwrap_or_default() });
    }
    if count.added + count.gone + count.changed > 0 {
        found.tables.push(count);
    }
    Ok(())
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
