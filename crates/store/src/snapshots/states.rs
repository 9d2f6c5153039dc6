//! The two states that are compared: the present rows, read in pieces, and the lines of a snapshot.
//!
//! Neither is in memory as a whole as values: of the present state there is a piece, of a snapshot its text.

use std::ops::Range;

use super::content::{Unreadable, heading_of, row_of};
use super::held::{Cells, Held, held};
use crate::driver::StoreError;
use crate::{Tx, Value};

/// The rows of the first piece of a table, and the most of any piece. Tables with files have fewer.
const ROWS: (usize, usize) = (256, 1024);
const FILES: (usize, usize) = (1, 4);
/// Parts of a snapshot that one statement reads: 4 MiB.
const PARTS: i64 = 16;

/// How much of a tenant is read, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The most bytes of the lines of a state that is saved or cloned.
    pub bytes: usize,
    /// About as many bytes of present rows are in memory at a time.
    pub piece: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { bytes: super::BYTES_MAX, piece: 1 << 20 }
    }
}

/// The tables in which the transaction's tenant has rows, found with one statement, in the order of [`held`].
pub(super) async fn tables_with_rows(tx: &mut Tx) -> Result<Vec<&'static Held>, StoreError> {
    let held = held()?;
    let parts: Vec<String> = (held.iter().enumerate())
        .map(|(at, table)| {
            let name = table.name;
            format!("SELECT * FROM (SELECT CAST({at} AS BIGINT) FROM {name} WHERE tenant = $1 LIMIT 1) t{at}")
        })
        .collect();
    let found = tx.rows(&parts.join(" UNION ALL "), []).await?;
    let mut places = found.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
    places.sort_unstable();
    Ok(places.into_iter().filter_map(|at| held.get(usize::try_from(at).ok()?)).collect())
}

/// The present rows of a table, in the order of their keys. What is written behind the last row that was read is not seen.
pub(super) struct Present {
    table: &'static Held,
    rows: std::vec::IntoIter<Cells>,
    /// The key of the last row of the piece.
    last: Option<Vec<Value>>,
    /// How many rows the next piece has, at most.
    step: usize,
    piece: usize,
    ended: bool,
}

impl Present {
    pub(super) fn of(table: &'static Held, budget: Budget) -> Self {
        // A usual row has less than 4 KiB.
        let step = (budget.piece >> 12).clamp(1, if table.large { FILES.0 } else { ROWS.0 });
        Present { table, rows: Vec::new().into_iter(), last: None, step, piece: budget.piece, ended: false }
    }

    /// No rows.
    pub(super) fn none(table: &'static Held) -> Self {
        Present { ended: true, ..Present::of(table, Budget::default()) }
    }

    /// The next row.
    pub(super) async fn next(&mut self, tx: &mut Tx) -> Result<Option<Cells>, StoreError> {
        match self.rows.next() {
            None if !self.ended => {
                self.read(tx).await?;
                Ok(self.rows.next())
            }
            row => Ok(row),
        }
    }

    async fn read(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let Held { name, columns, key, .. } = self.table;
        let (all, keys) = (columns.join(", "), columns.get(..*key).unwrap_or_default().join(", "));
        let mut params = self.last.take().unwrap_or_default();
        let after = match params.len() {
            0 => String::new(),
            count => format!(" AND ({keys}) > ({})", numbered(2, count)),
        };
        let limit = params.len() + 2;
        let sql = match key {
            0 => format!("SELECT {all} FROM {name} WHERE tenant = $1"),
            _ => format!(
                "SELECT {all} FROM {name} WHERE tenant = $1{after} ORDER BY tenant, {keys} LIMIT CAST(${limit} AS BIGINT)"
            ),
        };
        if *key > 0 {
            params.push(Value::Int(i64::try_from(self.step).unwrap_or(i64::MAX)));
        }
        let mut rows: Vec<Cells> = tx.rows_of(&sql, params).await?.into_iter().map(|row| row.0).collect();
        self.table.leave_work_out(&mut rows);
        if rows.windows(2).any(|two| matches!(two, [one, other] if self.table.order(one, other).is_ge())) {
            return Err(StoreError::Broken(format!("the rows of {name} are not in the order of their keys")));
        }
        self.ended = *key == 0 || rows.len() < self.step;
        let bytes: usize = rows.iter().map(weight).sum();
        let most = if self.table.large { FILES.1 } else { ROWS.1 };
        self.step = (self.piece * rows.len().max(1) / bytes.max(1)).clamp(1, most);
        self.last = rows.last().map(|row| self.table.key_of(row).to_vec());
        self.rows = rows.into_iter();
        Ok(())
    }
}

/// About how many bytes a row has in memory.
fn weight(row: &Cells) -> usize {
    let of = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Null | Value::Int(_) => 0,
    };
    row.iter().map(|value| of(value) + size_of::<Value>()).sum()
}

/// `$2, $3, …`
pub(super) fn numbered(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// The lines of a snapshot. They are read row by row.
pub(super) struct Saved {
    name: String,
    text: String,
    /// Where the rows of each table are.
    tables: Vec<(&'static Held, Range<usize>)>,
}

impl Saved {
    /// Reads a snapshot of the transaction's tenant.
    pub(super) async fn load(tx: &mut Tx, snapshot: &super::Snapshot) -> Result<Self, StoreError> {
        let mut text = String::new();
        append(tx, snapshot, &mut text).await?;
        let name = &snapshot.name;
        let broken = |wrong: Unreadable| {
            StoreError::Broken(format!("snapshot {name}, line {}: {}", wrong.line, wrong.why))
        };
        Saved::of(name, text).map_err(broken)
    }

    /// Finds the tables in the lines of a snapshot.
    pub(super) fn of(name: &str, text: String) -> Result<Self, Unreadable> {
        let mut tables: Vec<(&'static Held, Range<usize>)> = Vec::new();
        let mut at = 0;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            at += line.len();
            let wrong = |why: String| Unreadable { line: number + 1, why };
            if line.starts_with('{') {
                let table = heading_of(line).map_err(wrong)?;
                if tables.iter().any(|(known, _)| known.name == table.name) {
                    return Err(wrong(format!("the table {} occurs twice", table.name)));
                }
                tables.push((table, at..at));
            } else {
                let Some((_, rows)) = tables.last_mut() else {
                    return Err(wrong("a row before the line of its table".to_owned()));
                };
                rows.end = at;
            }
        }
        Ok(Saved { name: name.to_owned(), text, tables })
    }

    /// The rows of a table.
    pub(super) fn rows(&self, table: &'static Held) -> Lines<'_> {
        let found = self.tables.iter().find(|(known, _)| known.name == table.name);
        let text = found.and_then(|(_, rows)| self.text.get(rows.clone())).unwrap_or_default();
        Lines { name: &self.name, table, lines: text.lines() }
    }

    /// The rows of a table of few rows.
    pub(super) fn all(&self, name: &str) -> Result<Vec<Cells>, StoreError> {
        let Some(table) = held()?.iter().find(|table| table.name == name) else { return Ok(Vec::new()) };
        let mut rows = self.rows(table);
        std::iter::from_fn(|| rows.next().transpose()).collect()
    }

    pub(super) fn has(&self, table: &Held) -> bool {
        self.tables.iter().any(|(known, rows)| known.name == table.name && !rows.is_empty())
    }

    /// The lines.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// The rows of a table in a snapshot, in the order of their keys.
pub(super) struct Lines<'a> {
    name: &'a str,
    table: &'static Held,
    lines: std::str::Lines<'a>,
}

impl<'a> Lines<'a> {
    /// The next line.
    pub(super) fn line(&mut self) -> Option<&'a str> {
        self.lines.next()
    }

    /// The row in a line.
    pub(super) fn row(&self, line: &str) -> Result<Cells, StoreError> {
        let broken = |why: String| StoreError::Broken(format!("snapshot {}: {why}", self.name));
        row_of(self.table, line).map_err(broken)
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Result<Option<Cells>, StoreError> {
        self.line().map(|line| self.row(line)).transpose()
    }
}

/// Appends the lines of a snapshot to a text.
pub(super) async fn append(
    tx: &mut Tx,
    snapshot: &super::Snapshot,
    text: &mut String,
) -> Result<(), StoreError> {
    text.reserve(usize::try_from(snapshot.bytes).unwrap_or_default().min(super::BYTES_MAX));
    let sql = "SELECT content FROM snapshot_part WHERE tenant = $1 AND name = $2 AND part >= $3 AND part < $4 ORDER BY part";
    let mut first = 0;
    loop {
        let last = first + PARTS;
        let rows = tx.rows(sql, [snapshot.name.as_str().into(), first.into(), last.into()]).await?;
        let full = i64::try_from(rows.len()) == Ok(PARTS);
        for mut row in rows {
            text.push_str(&row.text(0)?);
        }
        if !full {
            return Ok(());
        }
        first = last;
    }
}
