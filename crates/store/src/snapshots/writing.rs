//! Writes a snapshot, part by part.

use std::collections::BTreeSet;

use super::held::{Cells, Held};
use super::states::Budget;
use super::{Label, Snapshot, Unsaved, content};
use crate::driver::StoreError;
use crate::whole::migrate::SCHEMA_VERSION;
use crate::{Tx, Value};

/// The pieces of a snapshot are this much smaller than those of the present state: 256 KiB.
const PARTS_OF_A_PIECE: usize = 4;

/// A snapshot that is being written: a part of its lines is in memory.
pub(super) struct Writer<'a> {
    label: &'a Label<'a>,
    budget: Budget,
    part: Vec<u8>,
    /// The parts that were written, and their bytes.
    parts: i64,
    bytes: usize,
    rows: i64,
    hashes: BTreeSet<String>,
}

impl<'a> Writer<'a> {
    pub(super) fn of(label: &'a Label<'a>, budget: Budget) -> Self {
        Writer { label, budget, part: Vec::new(), parts: 0, bytes: 0, rows: 0, hashes: BTreeSet::new() }
    }

    /// Begins a table.
    pub(super) fn heading(&mut self, table: &Held) -> Result<(), StoreError> {
        content::write_heading(&mut self.part, table)
    }

    /// Adds a row of the table.
    pub(super) async fn row(&mut self, tx: &mut Tx, table: &Held, row: &Cells) -> Result<(), StoreError> {
        content::write_row(&mut self.part, row)?;
        self.rows += 1;
        if let Some(hash) = hash(table, row) {
            self.hashes.insert(hash.to_owned());
        }
        if self.part.len() >= self.budget.piece / PARTS_OF_A_PIECE && !self.is_too_large() {
            self.cut(tx).await?;
        }
        Ok(())
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.bytes + self.part.len() > self.budget.bytes
    }

    async fn cut(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        self.bytes += self.part.len();
        // JSON is UTF-8.
        let text = String::from_utf8_lossy(&self.part).into_owned();
        self.part.clear();
        let sql = "INSERT INTO snapshot_part (tenant, name, part, content) VALUES ($1, $2, $3, $4)";
        tx.rows(sql, [self.label.name.into(), self.parts.into(), text.into()]).await?;
        self.parts += 1;
        Ok(())
    }

    /// Deletes what was written of a state that is too large.
    pub(super) async fn undo(self, tx: &mut Tx) -> Result<Unsaved, StoreError> {
        super::delete(tx, self.label.name).await?;
        Ok(Unsaved::TooLarge(self.budget.bytes))
    }

    /// Writes the rest, and the snapshot itself.
    pub(super) async fn end(mut self, tx: &mut Tx) -> Result<Result<Snapshot, Unsaved>, StoreError> {
        if self.is_too_large() {
            return self.undo(tx).await.map(Err);
        }
        if !self.part.is_empty() {
            self.cut(tx).await?;
        }
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let made = Snapshot {
            name: self.label.name.to_owned(),
            note: self.label.note.to_owned(),
            created_at: self.label.real_now,
            world_now: self.label.world_now,
            schema: number(SCHEMA_VERSION),
            rows: self.rows,
            bytes: number(self.bytes),
        };
        let sql = "INSERT INTO snapshot (tenant, name, note, created_at, world_now, schema, row_count, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let row = [
            made.name.as_str().into(),
            made.note.as_str().into(),
            made.created_at.into(),
            made.world_now.into(),
            made.schema.into(),
            made.rows.into(),
            made.bytes.into(),
        ];
        tx.rows(sql, row).await?;
        for hash in self.hashes {
            let sql = "INSERT INTO snapshot_blob (tenant, name, content_hash) VALUES ($1, $2, $3)";
            tx.rows(sql, [made.name.as_str().into(), hash.into()]).await?;
        }
        Ok(Ok(made))
    }
}

/// The file outside of the database that a row names.
pub(super) fn hash<'a>(table: &Held, row: &'a Cells) -> Option<&'a str> {
    if !["image", "stored_file"].contains(&table.name) {
        return None;
    }
    let at = table.columns.iter().position(|column| column == "content_hash")?;
    match row.get(at) {
        Some(Value::Text(hash)) => Some(hash),
        _ => None,
    }
}
