//! Puts a tenant back: writes the difference between its rows and those of a snapshot, table by table.
//!
//! Of a table, rows that are gone or changed are deleted first, then those of the snapshot are written: so no unique index is in
//! the way. The tenant's own row is updated, and never deleted, since other servers may wait for it.
//!
//! The text of the snapshot is in memory, a piece of the present rows, and a place in the text for each row to write.

use std::cmp::Ordering;
use std::collections::HashSet;

use larkspur_contract::ids::AppId;

use super::content;
use super::held::{Cells, Held, held};
use super::states::{Budget, Lines, Present, Saved, numbered, tables_with_rows};
use crate::driver::StoreError;
use crate::events::{outbox, subscriptions};
use crate::whole::deleted_worlds;
use crate::{Notice, Root, Tx, Value, apps, frequency};

/// The most rows that one statement writes; it is a power of two.
const ROWS: usize = 64;

/// What happens to the clock of a tenant that is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// It is as far from the real time as it was when the snapshot was saved.
    Snapshot,
    /// It stays as it is.
    Keep,
}

/// How many rows a restore wrote and deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Rows of the snapshot that were missing or different.
    pub written: usize,
    /// Rows that the snapshot does not have, or has with other values.
    pub deleted: usize,
}

/// A row to write.
enum Write<'a> {
    /// As it is in a line of the snapshot.
    Line(&'a str),
    /// With a number of the present row.
    Row(Cells),
}

/// The keys of the first and the last row of a run of rows to delete: no row that stays is between them.
type Run = (Vec<Value>, Vec<Value>);

/// What is done with one table.
struct Restoring<'a> {
    table: &'static Held,
    saved: Lines<'a>,
    /// The next line of the snapshot with its row, once it was read.
    line: Option<&'a str>,
    row: Option<Cells>,
    /// Rows to delete, so far.
    run: Option<Run>,
    deleted: usize,
    writes: Vec<Write<'a>>,
    /// Where a present row is written as a line, to be compared with that of the snapshot.
    text: Vec<u8>,
}

impl<'a> Restoring<'a> {
    fn of(table: &'static Held, saved: &'a Saved) -> Self {
        let mut saved = saved.rows(table);
        let line = saved.line();
        let (run, writes, text) = (None, Vec::new(), Vec::new());
        Restoring { table, saved, line, row: None, run, deleted: 0, writes, text }
    }

    /// Deletes what goes, and notes what is to be written.
    async fn compare(&mut self, tx: &mut Tx, mut present: Present) -> Result<(), StoreError> {
        while let Some(here) = present.next(tx).await? {
            if let Some(run) = self.see(&here)? {
                delete(tx, self.table, run).await?;
            }
        }
        match self.end() {
            Some(run) => delete(tx, self.table, run).await,
            None => Ok(()),
        }
    }

    /// Looks at the next present row; returns a run of rows that ended, to be deleted.
    fn see(&mut self, here: &Cells) -> Result<Option<Run>, StoreError> {
        let Some(written) = self.advance(here)? else { return Ok(self.run.take()) };
        let key = self.table.key_of(here).to_vec();
        match &mut self.run {
            Some((_, last)) => *last = key,
            None => self.run = Some((key.clone(), key)),
        }
        self.deleted += 1;
        self.writes.extend(written);
        Ok(None)
    }

    /// After the last present row: notes the rest of the snapshot, and returns the last run.
    fn end(&mut self) -> Option<Run> {
        while let Some(line) = self.line {
            self.writes.push(Write::Line(line));
            self.skip();
        }
        self.run.take()
    }

    /// Compares a present row with the next ones of the snapshot: `None` if it stays, otherwise what is written in its place.
    fn advance(&mut self, here: &Cells) -> Result<Option<Option<Write<'a>>>, StoreError> {
        self.text.clear();
        content::write_row(&mut self.text, here)?;
        while let Some(line) = self.line {
            if self.text.strip_suffix(b"\n") == Some(line.as_bytes()) {
                self.skip();
                return Ok(None);
            }
            let there = match self.row.take() {
                Some(row) => row,
                None => self.saved.row(line)?,
            };
            match self.table.order(here, &there) {
                Ordering::Less => {
                    self.row = Some(there);
                    break;
                }
                Ordering::Greater => {
                    self.writes.push(Write::Line(line));
                    self.skip();
                }
                Ordering::Equal => {
                    self.skip();
                    if self.table.stays(here, &there) {
                        return Ok(None);
                    }
                    let numbers = !self.table.growing.is_empty();
                    let row = || Write::Row(self.table.restored(&there, Some(here)));
                    return Ok(Some(Some(if numbers { row() } else { Write::Line(line) })));
                }
            }
        }
        match self.table.remainder(here) {
            Some(rest) if rest == *here => Ok(None),
            rest => Ok(Some(rest.map(Write::Row))),
        }
    }

    fn skip(&mut self) {
        (self.line, self.row) = (self.saved.line(), None);
    }

    /// Writes the rows of the snapshot that are missing.
    async fn write(self, tx: &mut Tx) -> Result<(), StoreError> {
        let Restoring { table, saved, writes, .. } = self;
        let rows = writes.into_iter().map(|write| match write {
            Write::Line(line) => saved.row(line),
            Write::Row(row) => Ok(row),
        });
        insert(tx, table, rows).await
    }
}

/// Puts the transaction's tenant back. The caller keeps other units of the tenant out.
pub(super) async fn apply(
    root: &mut Root,
    tx: &mut Tx,
    saved: &Saved,
    (clock, real_now): (Clock, i64),
    budget: Budget,
) -> Result<Restored, StoreError> {
    let (present, apps) = (present_apps(tx).await?, saved.all("app")?);
    change_apps(root, tx, &present, &apps).await?;
    let with_rows: HashSet<&str> = tables_with_rows(tx).await?.into_iter().map(|table| table.name).collect();
    let mut done = Restored::default();
    for table in held()?.iter().filter(|table| table.key > 0) {
        let present = match with_rows.contains(table.name) {
            true => Present::of(table, budget),
            false if saved.has(table) => Present::none(table),
            false => continue,
        };
        let mut restoring = Restoring::of(table, saved);
        restoring.compare(tx, present).await?;
        done.deleted += restoring.deleted;
        done.written += restoring.writes.len();
        restoring.write(tx).await?;
    }
    put_tenant_back(tx, saved, (clock, real_now), &mut done).await?;
    frequency::forget_months(tx).await?;
    frequency::forget_batches(tx).await?;
    mend_apps(root, tx, &apps, &saved.all("app_install")?).await?;
    deleted_worlds::forget(root, tx.tenant(), present.into_iter().chain(app_ids(&apps)).collect());
    for notice in [Notice::Clock, Notice::Faults, Notice::Deliveries] {
        tx.notify(notice);
    }
    let engine = tx.engine().clone();
    tx.on_commit(|| {}, move || engine.wakeup.wake());
    Ok(done)
}

/// The apps that the tenant made.
async fn present_apps(tx: &mut Tx) -> Result<Vec<AppId>, StoreError> {
    let rows = tx.rows("SELECT app_id FROM app WHERE tenant = $1", []).await?;
    rows.into_iter().map(|mut row| row.id(0, AppId::parse)).collect()
}

/// The ids in the first column of rows of `app` and `app_install`.
fn app_ids(rows: &[Cells]) -> impl Iterator<Item = AppId> {
    rows.iter().filter_map(|row| match row.first() {
        Some(Value::Text(id)) => AppId::parse(id),
        _ => None,
    })
}

/// Deletes what other tenants have of apps that the snapshot does not have, and closes their connections. Apps that it alone has
/// are no longer swept.
async fn change_apps(
    root: &mut Root,
    tx: &mut Tx,
    present: &[AppId],
    saved: &[Cells],
) -> Result<(), StoreError> {
    let (here, kept): (HashSet<AppId>, HashSet<AppId>) =
        (present.iter().copied().collect(), app_ids(saved).collect());
    for app in kept.difference(&here) {
        apps::keep(root, *app).await?;
    }
    let gone: HashSet<AppId> = here.difference(&kept).copied().collect();
    for app in gone.iter().copied() {
        for home in apps::homes(root, app).await? {
            if home != tx.tenant() {
                deleted_worlds::delete_rows_of_app_in(root, home, app).await?;
            }
        }
        let sql = "DELETE FROM app_connection WHERE tenant = $1 AND app_id = $2";
        tx.rows(sql, [app.into()]).await?;
    }
    // A call of another tenant may install one of them just now.
    deleted_worlds::remember_apps(root, &gone).await
}

/// Deletes the rows from one key to another.
async fn delete(tx: &mut Tx, table: &Held, (first, last): Run) -> Result<(), StoreError> {
    let key = table.columns.get(..table.key).unwrap_or_default();
    let (condition, params) = if first == last {
        let parts = key.iter().zip(2..).map(|(column, number)| format!("{column} = ${number}"));
        (parts.collect::<Vec<_>>().join(" AND "), first)
    } else {
        let (names, count) = (key.join(", "), key.len());
        let (low, high) = (numbered(2, count), numbered(2 + count, count));
        (format!("({names}) >= ({low}) AND ({names}) <= ({high})"), [first, last].concat())
    };
    let sql = format!("DELETE FROM {} WHERE tenant = $1 AND {condition}", table.name);
    tx.rows_of(&sql, params).await.map(drop)
}

/// Writes rows that do not exist. Few lengths of lists occur, so that few different statements are prepared.
pub(super) async fn insert(
    tx: &mut Tx,
    table: &Held,
    rows: impl ExactSizeIterator<Item = Result<Cells, StoreError>>,
) -> Result<(), StoreError> {
    let (columns, width) = (table.columns.join(", "), table.columns.len());
    let (mut rows, mut sql, mut long) = (rows, String::new(), 0);
    while rows.len() > 0 {
        let length = ROWS.min(1 << rows.len().ilog2());
        if length != long {
            let values: Vec<String> = (0..length).map(|row| numbered(2 + row * width, width)).collect();
            let values = values.join("), ($1, ");
            sql = format!("INSERT INTO {} (tenant, {columns}) VALUES ($1, {values})", table.name);
            long = length;
        }
        let mut params = Vec::with_capacity(length * width);
        for row in rows.by_ref().take(length) {
            params.extend(row?);
        }
        tx.rows_of(&sql, params).await?;
    }
    Ok(())
}

/// Updates the tenant's own row.
async fn put_tenant_back(
    tx: &mut Tx,
    saved: &Saved,
    (clock, real_now): (Clock, i64),
    done: &mut Restored,
) -> Result<(), StoreError> {
    let Some(table) = held()?.iter().find(|table| table.key == 0) else { return Ok(()) };
    let here = Present::of(table, Budget::default()).next(tx).await?;
    let (Some(here), Some(there)) = (&here, &saved.rows(table).next()?) else {
        return Err(StoreError::Broken("a snapshot has no row of its tenant".to_owned()));
    };
    let offset = table.columns.iter().position(|column| column == "clock_offset_ms");
    let offset_of = |row: &Cells| match offset.and_then(|at| row.get(at)) {
        Some(Value::Int(offset)) => *offset,
        _ => 0,
    };
    let mut row = table.restored(there, Some(here));
    if let (Clock::Keep, Some(at)) = (clock, offset) {
        let moved = offset_of(here) - offset_of(there);
        if let Some(cell) = row.get_mut(at) {
            *cell = offset_of(here).into();
        }
        // What the snapshot has to be sent later was planned by its clock.
        if moved != 0 {
            outbox::move_clock(tx, moved, real_now).await?;
        }
    }
    if table.is_same(here, &row) {
        return Ok(());
    }
    let parts = table.columns.iter().enumerate().map(|(at, column)| format!("{column} = ${}", at + 2));
    let columns = parts.collect::<Vec<_>>().join(", ");
    let sql = format!("UPDATE {} SET {columns} WHERE tenant = $1", table.name);
    done.written += 1;
    done.deleted += 1;
    tx.rows_of(&sql, row).await.map(drop)
}

/// Makes the row of a tenant that of an empty one: its name, and when it was made, stay.
pub(super) fn make_usual(table: &Held, row: &mut Cells) {
    for (cell, column) in row.iter_mut().zip(&table.columns) {
        *cell = match (column.as_str(), &*cell) {
            ("name" | "created_at", cell) => cell.clone(),
            ("policy", _) => "{}".into(),
            (_, Value::Int(_)) => Value::Int(0),
            (_, Value::Text(_)) => "".into(),
            (_, cell) => cell.clone(),
        };
    }
}

/// Brings the rows of apps that concern several tenants up to date: apps of other tenants may have been deleted since, or receive
/// events in another way, and other tenants may have installed apps of this one.
pub(super) async fn mend_apps(
    root: &mut Root,
    tx: &mut Tx,
    made: &[Cells],
    installs: &[Cells],
) -> Result<(), StoreError> {
    let own: HashSet<AppId> = app_ids(made).collect();
    for app in app_ids(installs).filter(|app| !own.contains(app)) {
        if apps::find(root, app).await?.is_some() {
            subscriptions::announce(root, app).await?;
        } else {
            deleted_worlds::delete_rows_of_app_in(root, tx.tenant(), app).await?;
        }
    }
    // A custom app is installed only in the tenant that made it.
    for row in made.iter().filter(|row| row.iter().any(|cell| *cell == Value::from("isv"))) {
        for app in app_ids(std::slice::from_ref(row)) {
            subscriptions::announce(root, app).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> &'static Held {
        held().expect("tables").iter().find(|table| table.name == "tenant_limit").expect("the table")
    }

    fn rows(of: &[(&str, i64)]) -> Vec<Cells> {
        of.iter().map(|(name, value)| vec![Value::from(*name), Value::Int(*value)]).collect()
    }

    /// The runs of deleted names, and the names that are written.
    fn difference(present: &[(&str, i64)], saved: &[(&str, i64)]) -> (Vec<String>, String, usize) {
        let mut text = Vec::new();
        content::write_heading(&mut text, table()).expect("written");
        rows(saved).iter().for_each(|row| content::write_row(&mut text, row).expect("written"));
        let saved = Saved::of("one", String::from_utf8(text).expect("UTF-8")).expect("a snapshot");
        let mut found = Restoring::of(table(), &saved);
        let name = |row: &[Value]| match &row[0] {
            Value::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        };
        let mut gone = Vec::new();
        for row in rows(present) {
            gone.extend(found.see(&row).expect("compared"));
        }
        gone.extend(found.end());
        let written = found.writes.iter().map(|write| match write {
            Write::Line(line) => name(&found.saved.row(line).expect("a row")),
            Write::Row(row) => name(row),
        });
        let written = written.collect();
        (gone.iter().map(|(first, last)| name(first) + &name(last)).collect(), written, found.deleted)
    }

    #[test]
    fn a_difference_has_runs_of_rows_to_delete_and_the_rows_to_write() {
        let all = [("a", 1), ("b", 2), ("c", 3), ("d", 4)];
        let of = |gone: &[&str], written: &str, deleted| {
            (gone.iter().map(|run| (*run).to_owned()).collect::<Vec<_>>(), written.to_owned(), deleted)
        };
        assert_eq!(difference(&all, &all), of(&[], "", 0));
        assert_eq!(difference(&all, &[]), of(&["ad"], "", 4));
        assert_eq!(difference(&[], &all), of(&[], "abcd", 0));
        assert_eq!(difference(&all, &[("b", 2)]), of(&["aa", "cd"], "", 3));
        assert_eq!(difference(&all, &[("a", 1), ("b", 9), ("c", 9), ("d", 4)]), of(&["bc"], "bc", 2));
        // A row that the snapshot alone has does not end a run: it is written after the deletion.
        assert_eq!(difference(&[("a", 1), ("c", 1)], &[("b", 1), ("d", 1)]), of(&["ac"], "bd", 2));
        assert_eq!(
            difference(&[("a", 1), ("c", 1), ("e", 1)], &[("b", 1), ("c", 1)]),
            of(&["aa", "ee"], "b", 2)
        );
    }
}
