//! Snapshots: saved states of a tenant, which it can be put back to while it is in use.
//!
//! A snapshot holds every row of the tenant, and names the files outside of the database. What belongs to servers (leases, counts
//! of calls, connections) is not held.

mod clone;
mod content;
mod differences;
mod held;
mod id_columns;
mod restoring;

use std::collections::BTreeSet;

use larkspur_contract::ids::TenantKey;

pub use clone::Cloned;
pub use content::Unreadable;
pub use differences::{Change, Changed, Differences, TableCount};
pub use restoring::{Clock, Restored};

use crate::driver::StoreError;
use crate::whole::migrate::SCHEMA_VERSION;
use crate::{Root, Row, Tx, Value, blobs, policies};
use content::{Content, Reader};

/// The most snapshots of a tenant, besides [`START`].
pub const MOST: usize = 20;
/// The most bytes of a snapshot.
pub const BYTES_MAX: usize = 64 << 20;
/// The state that a tenant was made with.
pub const START: &str = "@start";
/// The bytes of a part.
const PART: usize = 256 << 10;

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

/// Why a state was not saved.
#[derive(Debug, PartialEq, Eq)]
pub enum Unsaved {
    /// It has more than [`BYTES_MAX`] bytes: this many.
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
pub async fn save(tx: &mut Tx, label: &Label<'_>) -> Result<Result<Snapshot, Unsaved>, StoreError> {
    let content = content::read(tx).await?;
    store(tx, label, &content).await
}

/// Saves the state of a tenant that was just made, as [`START`].
pub async fn save_start(tx: &mut Tx, real_now: i64) -> Result<Result<Snapshot, Unsaved>, StoreError> {
    let label = Label { name: START, note: "", real_now, world_now: real_now };
    save(tx, &label).await
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
    if let Err(why) = tenant_is_sound(&content) {
        return Ok(Err(Unsaved::Unreadable(Unreadable { line: 1, why })));
    }
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

async fn store(
    tx: &mut Tx,
    label: &Label<'_>,
    content: &Content,
) -> Result<Result<Snapshot, Unsaved>, StoreError> {
    let parts = content::lines(content, PART)?;
    let bytes: usize = parts.iter().map(String::len).sum();
    if bytes > BYTES_MAX {
        return Ok(Err(Unsaved::TooLarge(bytes)));
    }
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let made = Snapshot {
        name: label.name.to_owned(),
        note: label.note.to_owned(),
        created_at: label.real_now,
        world_now: label.world_now,
        schema: number(SCHEMA_VERSION),
        rows: number(content.count()),
        bytes: number(bytes),
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
    for (at, part) in parts.into_iter().enumerate() {
        let sql = "INSERT INTO snapshot_part (tenant, name, part, content) VALUES ($1, $2, $3, $4)";
        tx.rows(sql, [label.name.into(), number(at).into(), part.into()]).await?;
    }
    for hash in hashes(content) {
        let sql = "INSERT INTO snapshot_blob (tenant, name, content_hash) VALUES ($1, $2, $3)";
        tx.rows(sql, [label.name.into(), hash.into()]).await?;
    }
    Ok(Ok(made))
}

/// The files outside of the database that rows name.
fn hashes(content: &Content) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in ["image", "stored_file"] {
        let rows = content.0.iter().find(|rows| rows.table.name == name);
        let Some(rows) = rows else { continue };
        let at = rows.table.columns.iter().position(|column| column == "content_hash");
        for row in &rows.rows {
            if let Some(Value::Text(hash)) = at.and_then(|at| row.get(at)) {
                found.insert(hash.clone());
            }
        }
    }
    found
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

/// The lines of a snapshot.
pub async fn lines(tx: &mut Tx, name: &str) -> Result<String, StoreError> {
    let sql = "SELECT content FROM snapshot_part WHERE tenant = $1 AND name = $2 ORDER BY part";
    let mut text = String::new();
    for mut row in tx.rows(sql, [name.into()]).await? {
        text.push_str(&row.text(0)?);
    }
    Ok(text)
}

/// The rows of a snapshot; of the present state without a name.
async fn load(tx: &mut Tx, name: Option<&str>) -> Result<Content, StoreError> {
    let Some(name) = name else { return content::read(tx).await };
    let mut reader = Reader::default();
    let read = reader.read(&lines(tx, name).await?).and_then(|()| reader.finish());
    read.map_err(|wrong| StoreError::Broken(format!("snapshot {name}, line {}: {}", wrong.line, wrong.why)))
}

/// Puts the transaction's tenant back to a snapshot. The caller keeps other units out.
pub async fn restore(
    root: &mut Root,
    tx: &mut Tx,
    name: &str,
    clock: Clock,
    real_now: i64,
) -> Result<Restored, StoreError> {
    let saved = load(tx, Some(name)).await?;
    restoring::apply(root, tx, &saved, clock, real_now).await
}

/// Deletes everything of the transaction's tenant except itself and its snapshots. Its name stays. The caller keeps other units
/// out.
pub async fn clear(root: &mut Root, tx: &mut Tx, real_now: i64) -> Result<Restored, StoreError> {
    let mut empty = Content::default();
    let present = content::read(tx).await?;
    empty.0.extend(present.0.into_iter().filter(|rows| rows.table.key == 0).map(|mut rows| {
        restoring::usual_tenant(rows.table, &mut rows.rows);
        rows
    }));
    restoring::apply(root, tx, &empty, Clock::Snapshot, real_now).await
}

/// Compares two states of the transaction's tenant; `None` is the present one. At most `limit` changes are listed.
pub async fn differences(
    tx: &mut Tx,
    before: Option<&str>,
    after: Option<&str>,
    limit: usize,
) -> Result<Differences, StoreError> {
    let (before, after) = (load(tx, before).await?, load(tx, after).await?);
    differences::compare(tx, &before, &after, limit)
}

/// Makes a tenant of the present state or a snapshot of another one, with new ids. The caller keeps units of the source out.
pub async fn make_clone(
    source: &mut Tx,
    clone: &mut Tx,
    snapshot: Option<&str>,
    name: &str,
) -> Result<Cloned, StoreError> {
    let content = load(source, snapshot).await?;
    let (made, installs) = clone::write(source.tenant(), clone, content, name).await?;
    let mut root = clone.root();
    restoring::mend_apps(&mut root, clone, &installs).await?;
    Ok(made)
}
