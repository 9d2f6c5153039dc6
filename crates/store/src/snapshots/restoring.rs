//! Puts a tenant back: writes the difference between its rows and those of a snapshot.
//!
//! Rows that are gone or changed are deleted first, then those of the snapshot are written: so no unique index is in the way. The
//! tenant's own row is updated, and never deleted, since other servers may wait for it.

use std::cmp::Ordering;
use std::collections::HashSet;

use larkspur_contract::ids::AppId;

use super::content::{self, Content};
use super::held::{Cells, Held, held};
use crate::driver::StoreError;
use crate::events::{outbox, subscriptions};
use crate::whole::deleted_worlds;
use crate::{Notice, Root, Tx, Value, apps};

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

/// The difference of one table.
#[derive(Default)]
struct Difference<'a> {
    /// Runs of rows to delete: no row that stays is between the first and the last key of one.
    gone: Vec<(&'a [Value], &'a [Value])>,
    deleted: usize,
    written: Vec<Cells>,
}

impl<'a> Difference<'a> {
    /// Compares the rows of a table, which both lists have in the order of their keys.
    fn of(table: &Held, present: &'a [Cells], saved: &[Cells]) -> Self {
        let mut found = Difference::default();
        let (mut present, mut saved) = (present.iter().peekable(), saved.iter().peekable());
        // Whether the last present row goes, so that the next one can extend its run.
        let mut goes = false;
        loop {
            let order = match (present.peek(), saved.peek()) {
                (None, None) => return found,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(here), Some(there)) => table.order(here, there),
            };
            let here = if order.is_le() { present.next() } else { None };
            let there = if order.is_ge() { saved.next() } else { None };
            let stays = matches!((here, there), (Some(here), Some(there)) if table.is_same(here, there));
            if let Some(row) = here {
                let key = table.key_of(row);
                match found.gone.last_mut() {
                    _ if stays => {}
                    Some((_, last)) if goes => *last = key,
                    _ => found.gone.push((key, key)),
                }
                found.deleted += usize::from(!stays);
                goes = !stays;
            }
            if let Some(row) = there.filter(|_| !stays) {
                found.written.push(table.restored(row, here));
            }
        }
    }
}

/// Puts the transaction's tenant back. The caller keeps other units of the tenant out.
pub(crate) async fn apply(
    root: &mut Root,
    tx: &mut Tx,
    saved: &Content,
    clock: Clock,
    real_now: i64,
) -> Result<Restored, StoreError> {
    let present = content::read(tx).await?;
    delete_new_apps(root, tx, &present, saved).await?;
    let (mut done, mut writing) = (Restored::default(), Vec::new());
    for table in held()?.iter().filter(|table| table.key > 0) {
        let difference = Difference::of(table, present.of(table.name), saved.of(table.name));
        done.deleted += difference.deleted;
        for (first, last) in difference.gone {
            delete(tx, table, first, last).await?;
        }
        if !difference.written.is_empty() {
            writing.push((table, difference.written));
        }
    }
    for (table, rows) in writing {
        done.written += rows.len();
        insert(tx, table, rows).await?;
    }
    put_tenant_back(tx, &present, saved, clock, real_now, &mut done).await?;
    mend_apps(root, tx, saved).await?;
    let made = app_ids(present.of("app")).chain(app_ids(saved.of("app"))).collect();
    deleted_worlds::forget(root, tx.tenant(), made);
    for notice in [Notice::Clock, Notice::Faults, Notice::Deliveries] {
        tx.notify(notice);
    }
    let engine = tx.engine().clone();
    tx.on_commit(|| {}, move || engine.wakeup.wake());
    Ok(done)
}

/// The ids in the first column of rows of `app` and `app_install`.
fn app_ids(rows: &[Cells]) -> impl Iterator<Item = AppId> {
    rows.iter().filter_map(|row| match row.first() {
        Some(Value::Text(id)) => AppId::parse(id),
        _ => None,
    })
}

/// Deletes what other tenants have of apps that the snapshot does not have, and closes their connections.
async fn delete_new_apps(
    root: &mut Root,
    tx: &mut Tx,
    present: &Content,
    saved: &Content,
) -> Result<(), StoreError> {
    let kept: HashSet<AppId> = app_ids(saved.of("app")).collect();
    for app in app_ids(present.of("app")).filter(|app| !kept.contains(app)) {
        for home in apps::homes(root, app).await? {
            if home != tx.tenant() {
                deleted_worlds::delete_rows_of_app_in(root, home, app).await?;
            }
        }
        let sql = "DELETE FROM app_connection WHERE tenant = $1 AND app_id = $2";
        tx.rows(sql, [app.into()]).await?;
    }
    Ok(())
}

/// Deletes the rows from one key to another.
async fn delete(tx: &mut Tx, table: &Held, first: &[Value], last: &[Value]) -> Result<(), StoreError> {
    let key = table.columns.get(..table.key).unwrap_or_default();
    let numbers =
        |from: usize| -> Vec<String> { (from..from + key.len()).map(|n| format!("${n}")).collect() };
    let (condition, params) = if first == last {
        let parts = key.iter().zip(numbers(2)).map(|(column, number)| format!("{column} = {number}"));
        (parts.collect::<Vec<_>>().join(" AND "), first.to_vec())
    } else {
        let (names, low, high) = (key.join(", "), numbers(2).join(", "), numbers(2 + key.len()).join(", "));
        (format!("({names}) >= ({low}) AND ({names}) <= ({high})"), [first, last].concat())
    };
    let sql = format!("DELETE FROM {} WHERE tenant = $1 AND {condition}", table.name);
    tx.rows_of(&sql, params).await.map(drop)
}

/// Writes rows that do not exist. Few lengths of lists occur, so that few different statements are prepared.
pub(super) async fn insert(tx: &mut Tx, table: &Held, rows: Vec<Cells>) -> Result<(), StoreError> {
    let (columns, width) = (table.columns.join(", "), table.columns.len());
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let length = ROWS.min(1 << rows.len().ilog2());
        let values: Vec<String> = (0..length)
            .map(|row| {
                let first = 2 + row * width;
                (first..first + width).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
            })
            .collect();
        let values = values.join("), ($1, ");
        let sql = format!("INSERT INTO {} (tenant, {columns}) VALUES ($1, {values})", table.name);
        tx.rows_of(&sql, rows.by_ref().take(length).flatten().collect()).await?;
    }
    Ok(())
}

/// Updates the tenant's own row.
async fn put_tenant_back(
    tx: &mut Tx,
    present: &Content,
    saved: &Content,
    clock: Clock,
    real_now: i64,
    done: &mut Restored,
) -> Result<(), StoreError> {
    let Some(table) = held()?.iter().find(|table| table.key == 0) else { return Ok(()) };
    let (Some(here), Some(there)) = (present.of(table.name).first(), saved.of(table.name).first()) else {
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
pub(super) fn usual_tenant(table: &Held, rows: &mut [Cells]) {
    for row in rows {
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
}

/// Brings the rows of apps that concern several tenants up to date: apps of other tenants may have been deleted since, or receive
/// events in another way, and other tenants may have installed apps of this one.
pub(super) async fn mend_apps(root: &mut Root, tx: &mut Tx, saved: &Content) -> Result<(), StoreError> {
    let own: HashSet<AppId> = app_ids(saved.of("app")).collect();
    for app in app_ids(saved.of("app_install")).filter(|app| !own.contains(app)) {
        if apps::find(root, app).await?.is_some() {
            subscriptions::announce(root, app).await?;
        } else {
            deleted_worlds::delete_rows_of_app_in(root, tx.tenant(), app).await?;
        }
    }
    // A custom app is installed only in the tenant that made it.
    for row in saved.of("app").iter().filter(|row| row.iter().any(|cell| *cell == Value::from("isv"))) {
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
        let (present, saved) = (rows(present), rows(saved));
        let found = Difference::of(table(), &present, &saved);
        let text = |value: &Value| match value {
            Value::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        };
        let gone = found.gone.iter().map(|(first, last)| text(&first[0]) + &text(&last[0])).collect();
        (gone, found.written.iter().map(|row| text(&row[0])).collect(), found.deleted)
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
