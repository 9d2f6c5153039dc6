//! Snapshots: saved states of a tenant, which it can be put back to while it is in use.
//!
//! A snapshot holds every row of the tenant, and names the files outside of the database. What belongs to servers (leases, counts
//! of calls, connections) is not held.
//!
//! A tenant may be larger than memory: its rows are read in pieces ([`Budget`]). A snapshot is not: its lines have at most
//! [`BYTES_MAX`] bytes, and so has a state that is cloned.

mod clone;
mod content;
mod differences;
mod held;
mod id_columns;
mod restoring;
mod states;
mod writing;

use std::collections::BTreeSet;

use larkspur_contract::ids::TenantKey;

pub use clone::Cloned;
pub use content::Unreadable;
pub use differences::{Change, Changed, Differences, TableCount};
pub use restoring::{Clock, Restored};
pub use states::Budget;

use crate::driver::StoreError;
use crate::whole::migrate::SCHEMA_VERSION;
use crate::{Root, Row, Tx, Value, blobs, policies};
use content::{Content, Reader, Rows};
use held::Cells;
use states::{Present, Saved, tables_with_rows};
use writing::Writer;

/// The most snapshots of a tenant, besides [`START`].
pub const MOST: usize = 20;
/// The most bytes of a snapshot.
pub const BYTES_MAX: usize = 64 << 20;
/// The state that a tenant was made with.
pub const START: &str = "@start";

/// What is known of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// A note, for people.
    pub note: String,
    /// When it was saved, in the real time.
    pub created_at: i64,
    /// The tenant's time when it was saved.
    pub world_now: i64,
    /// The schema of its rows.
    pub schema: i64,
    /// How many rows it has.
    pub rows: i64,
    /// How many bytes its lines have.
    pub bytes: i64,
}

impl Snapshot {
    /// Whether its rows have the columns of this release.
    pub fn is_current(&self) -> bool {
        usize::try_from(self.schema) == Ok(SCHEMA_VERSION)
    }
}

/// What to save a state as.
#[derive(Debug, Clone, Copy)]
pub struct Label<'a> {
    /// The name, which is not in use.
    pub name: &'a str,
    /// A note, for people.
    pub note: &'a str,
    /// The real time, in milliseconds since 1970.
    pub real_now: i64,
    /// The tenant's time.
    pub world_now: i64,
}

/// Why a state was not saved or cloned.
#[derive(Debug, PartialEq, Eq)]
pub enum Unsaved {
    /// Its lines have more than this many bytes.
    TooLarge(usize),
    /// A line of a file is wrong.
    Unreadable(Unreadable),
    /// This many files that it names are not kept for the tenant.
    FilesMissing(usize),
}

/// Keeps other units of the transaction's tenant out until it ends: what is read of the tenant afterwards is one state, and
/// what is written is one change. Call it before the tenant's row is locked.
pub async fn keep_others_out(tx: &mut Tx) -> Result<(), StoreError> {
    tx.keep_others_out().await
}

/// The snapshots of the transaction's tenant, in the order in which they were saved.
pub async fn list(tx: &mut Tx) -> Result<Vec<Snapshot>, StoreError> {
    let sql = "SELECT name, note, created_at, world_now, schema, row_count, bytes FROM snapshot WHERE tenant = $1 ORDER BY tenant, name";
    let rows = tx.rows(sql, []).await?;
    let mut all = rows.into_iter().map(snapshot).collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|one, other| (one.created_at, &one.name).cmp(&(other.created_at, &other.name)));
    Ok(all)
}

/// A snapshot of the transaction's tenant.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Snapshot>, StoreError> {
    let sql = "SELECT name, note, created_at, world_now, schema, row_count, bytes FROM snapshot WHERE tenant = $1 AND name = $2";
    tx.row(sql, [name.into()]).await?.map(snapshot).transpose()
}

fn snapshot(mut row: Row) -> Result<Snapshot, StoreError> {
    Ok(Snapshot {
        name: row.text(0)?,
        note: row.text(1)?,
        created_at: row.int(2)?,
        world_now: row.int(3)?,
        schema: row.int(4)?,
        rows: row.int(5)?,
        bytes: row.int(6)?,
    })
}

/// Saves the present state of the transaction's tenant. The caller keeps other units out.
pub async fn save(
    tx: &mut Tx,
    label: &Label<'_>,
    budget: Budget,
) -> Result<Result<Snapshot, Unsaved>, StoreError> {
    let mut writer = Writer::of(label, budget);
    for table in tables_with_rows(tx).await? {
        writer.heading(table)?;
        let mut rows = Present::of(table, budget);
        while let Some(row) = rows.next(tx).await? {
            writer.row(tx, table, &row).await?;
            if writer.is_too_large() {
                return writer.undo(tx).await.map(Err);
            }
        }
    }
    writer.end(tx).await
}

/// Saves the state of a tenant that was just made, as [`START`].
pub async fn save_start(
    tx: &mut Tx,
    real_now: i64,
    budget: Budget,
) -> Result<Result<Snapshot, Unsaved>, StoreError> {
    let label = Label { name: START, note: "", real_now, world_now: real_now };
    save(tx, &label, budget).await
}

/// Where the rows of a file come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The tenant that they were saved of.
    pub tenant: TenantKey,
    /// Whether its secrets are sealed with the keys of this store.
    pub same_keys: bool,
}

/// Saves the rows of a file for the transaction's tenant. Those of another tenant get new ids, and those of another store no
/// secrets.
pub async fn save_lines(
    tx: &mut Tx,
    label: &Label<'_>,
    text: &str,
    origin: Origin,
) -> Result<Result<Snapshot, Unsaved>, StoreError> {
    let mut reader = Reader::default();
    let read = reader.read(text).and_then(|()| reader.finish());
    let mut content = match read {
        Ok(content) => content,
        Err(wrong) => return Ok(Err(Unsaved::Unreadable(wrong))),
    };
    if content.of("tenant").len() != 1 {
        let why = "a snapshot has one row of its tenant".to_owned();
        return Ok(Err(Unsaved::Unreadable(Unreadable { line: 1, why })));
    }
    if let Err(why) = tenant_is_sound(&content).and_then(|()| tickets_are_sound(&content)) {
        return Ok(Err(Unsaved::Unreadable(Unreadable { line: 1, why })));
    }
    content.leave_work_out();
    if origin.tenant != tx.tenant() || !origin.same_keys {
        clone::renew(tx, origin.tenant, &mut content)?;
    }
    if !origin.same_keys {
        content.leave_secrets_out();
    }
    let mut missing = 0;
    for hash in hashes(&content) {
        missing += usize::from(!blobs::claim(tx, &hash).await?);
    }
    if missing > 0 {
        return Ok(Err(Unsaved::FilesMissing(missing)));
    }
    store(tx, label, &content).await
}

/// The most that a clock may be ahead or behind, in milliseconds: a thousand years.
const OFFSET_MAX_MS: u64 = 1000 * 366 * 24 * 3600 * 1000;

/// Whether the row of the tenant can be read: every list of worlds reads it.
fn tenant_is_sound(content: &Content) -> Result<(), String> {
    let Some(rows) = content.0.iter().find(|rows| rows.table.name == "tenant") else { return Ok(()) };
    for (column, value) in rows.rows.iter().flat_map(|row| rows.table.columns.iter().zip(row)) {
        match (column.as_str(), value) {
            ("policy", Value::Text(text)) => {
                policies::read(text).map_err(|error| format!("tenant.policy: {error}"))?;
            }
            ("clock_offset_ms", Value::Int(offset)) if offset.unsigned_abs() > OFFSET_MAX_MS => {
                return Err("tenant.clock_offset_ms is more than a thousand years".to_owned());
            }
            _ => {}
        }
    }
    Ok(())
}

/// The greatest number of a ticket in a file.
const TICKET_MAX: i64 = 1 << 40;

/// Whether the numbers of tickets are in the order that they are given out in. Signing in and new tickets count with them.
fn tickets_are_sound(content: &Content) -> Result<(), String> {
    let Some(rows) = content.0.iter().find(|rows| rows.table.name == "app_sign_in") else { return Ok(()) };
    let number = |row: &Cells, name: &str| match rows.table.columns.iter().position(|column| column == name) {
        Some(at) => match row.get(at) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        },
        None => None,
    };
    let sound = |row: &Cells| {
        let numbers = ["tickets_from", "ticket_mark", "ticket_no"].map(|name| number(row, name));
        matches!(numbers, [Some(0..), Some(_), Some(..=TICKET_MAX)]) && numbers.is_sorted()
    };
    match rows.rows.iter().all(sound) {
        true => Ok(()),
        false => Err("app_sign_in: 0 <= tickets_from <= ticket_mark <= ticket_no <= 2^40".to_owned()),
    }
}

async fn store(
    tx: &mut Tx,
    label: &Label<'_>,
    content: &Content,
) -> Result<Result<Snapshot, Unsaved>, StoreError> {
    let mut writer = Writer::of(label, Budget::default());
    for Rows { table, rows } in &content.0 {
        writer.heading(table)?;
        for row in rows {
            writer.row(tx, table, row).await?;
        }
    }
    writer.end(tx).await
}

/// The files outside of the database that rows name.
fn hashes(content: &Content) -> BTreeSet<String> {
    let rows = content.0.iter().flat_map(|Rows { table, rows }| rows.iter().map(move |row| (*table, row)));
    rows.filter_map(|(table, row)| writing::hash(table, row)).map(str::to_owned).collect()
}

/// Deletes a snapshot of the transaction's tenant.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM snapshot_part WHERE tenant = $1 AND name = $2",
        "DELETE FROM snapshot_blob WHERE tenant = $1 AND name = $2",
        "DELETE FROM snapshot WHERE tenant = $1 AND name = $2",
    ] {
        tx.rows(sql, [name.into()]).await?;
    }
    Ok(())
}

/// Appends the lines of a snapshot to a text.
pub async fn append_lines(tx: &mut Tx, snapshot: &Snapshot, text: &mut String) -> Result<(), StoreError> {
    states::append(tx, snapshot, text).await
}

/// Puts the transaction's tenant back to a snapshot. The caller keeps other units out.
pub async fn restore(
    root: &mut Root,
    tx: &mut Tx,
    snapshot: &Snapshot,
    (clock, real_now): (Clock, i64),
    budget: Budget,
) -> Result<Restored, StoreError> {
    let saved = Saved::load(tx, snapshot).await?;
    restoring::apply(root, tx, &saved, (clock, real_now), budget).await
}

/// Deletes everything of the transaction's tenant except itself and its snapshots. Its name stays. The caller keeps other units
/// out.
pub async fn clear(
    root: &mut Root,
    tx: &mut Tx,
    real_now: i64,
    budget: Budget,
) -> Result<Restored, StoreError> {
    let mut text = Vec::new();
    for table in held::held()?.iter().filter(|table| table.key == 0) {
        if let Some(mut row) = Present::of(table, budget).next(tx).await? {
            restoring::make_usual(table, &mut row);
            content::write_heading(&mut text, table)?;
            content::write_row(&mut text, &row)?;
        }
    }
    let broken = |why: String| StoreError::Broken(format!("the row of the tenant: {why}"));
    let text = String::from_utf8(text).map_err(|error| broken(error.to_string()))?;
    let empty = Saved::of("empty", text).map_err(|wrong| broken(wrong.why))?;
    restoring::apply(root, tx, &empty, (Clock::Snapshot, real_now), budget).await
}

/// Compares two states of the transaction's tenant; `None` is the present one. At most `limit` changes are listed.
pub async fn differences(
    tx: &mut Tx,
    before: Option<&Snapshot>,
    after: Option<&Snapshot>,
    limit: usize,
    budget: Budget,
) -> Result<Differences, StoreError> {
    let mut states = [None, None];
    for (state, snapshot) in states.iter_mut().zip([before, after]) {
        if let Some(snapshot) = snapshot {
            *state = Some(Saved::load(tx, snapshot).await?);
        }
    }
    let [before, after] = &states;
    differences::compare(tx, before.as_ref(), after.as_ref(), limit, budget).await
}

/// Makes a tenant of the present state or a snapshot of another one, with new ids. The caller keeps units of the source out.
pub async fn make_clone(
    source: &mut Tx,
    clone: &mut Tx,
    snapshot: Option<&Snapshot>,
    name: &str,
    budget: Budget,
) -> Result<Result<Cloned, Unsaved>, StoreError> {
    let content = match snapshot {
        Some(snapshot) => of_snapshot(source, snapshot).await?,
        None => match present(source, budget).await? {
            Ok(content) => content,
            Err(why) => return Ok(Err(why)),
        },
    };
    let (made, [apps, installs]) = clone::write(source.tenant(), clone, content, name).await?;
    let mut root = clone.root();
    restoring::mend_apps(&mut root, clone, &apps, &installs).await?;
    Ok(Ok(made))
}

/// The rows of a snapshot.
async fn of_snapshot(tx: &mut Tx, snapshot: &Snapshot) -> Result<Content, StoreError> {
    let saved = Saved::load(tx, snapshot).await?;
    let mut reader = Reader::default();
    let read = reader.read(saved.text()).and_then(|()| reader.finish());
    let name = &snapshot.name;
    read.map_err(|wrong| StoreError::Broken(format!("snapshot {name}, line {}: {}", wrong.line, wrong.why)))
}

/// The present rows, if their lines have no more bytes than a snapshot.
async fn present(tx: &mut Tx, budget: Budget) -> Result<Result<Content, Unsaved>, StoreError> {
    let (mut content, mut line, mut bytes) = (Content::default(), Vec::new(), 0);
    for table in tables_with_rows(tx).await? {
        let (mut pieces, mut rows) = (Present::of(table, budget), Vec::new());
        line.clear();
        content::write_heading(&mut line, table)?;
        bytes += line.len();
        while let Some(row) = pieces.next(tx).await? {
            line.clear();
            content::write_row(&mut line, &row)?;
            bytes += line.len();
            if bytes > budget.bytes {
                return Ok(Err(Unsaved::TooLarge(budget.bytes)));
            }
            rows.push(row);
        }
        content.0.push(Rows { table, rows });
    }
    Ok(Ok(content))
}
