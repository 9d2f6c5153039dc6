//! Files kept outside the database, by tenant and SHA-256.
//!
//! They are written before the row that names them is committed. Nothing is removed at once: an unreferenced blob is
//! marked as doomed, and after the grace period as gone, which no upload can undo. An upload that finds its blob gone
//! keeps the bytes in its row instead. So no lock is held while bytes move, and a row never names bytes that a sweep
//! removes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;

use crate::driver::{Driver, StoreError, run_statement};
pub use crate::transaction::{BlobKey, Blobs};
use crate::tx::{found_rows, wanted};
use crate::{Engine, Root, Row, Tx, Value};

/// Keys that are checked in one transaction.
const STEP: usize = 64;

/// Claims a blob for a row of this transaction. False if it is gone: the row must then keep the bytes itself.
async fn keep(tx: &mut Tx, hash: &str) -> Result<bool, StoreError> {
    let now = tx.engine().clock.now_ms();
    let sql = "INSERT INTO blob (tenant, content_hash, state, since) VALUES ($1, $2, 'kept', $3) \
               ON CONFLICT (tenant, content_hash) DO UPDATE SET state = 'kept', since = excluded.since \
               WHERE blob.state <> 'gone' RETURNING state";
    Ok(tx.row(sql, [hash.into(), now.into()]).await?.is_some())
}

/// Claims a blob that is already kept, for rows of a snapshot. False if its bytes may be gone.
pub(crate) async fn claim(tx: &mut Tx, hash: &str) -> Result<bool, StoreError> {
    let now = tx.engine().clock.now_ms();
    let sql = "UPDATE blob SET state = 'kept', since = $3 \
               WHERE tenant = $1 AND content_hash = $2 AND state <> 'gone' RETURNING state";
    Ok(tx.row(sql, [hash.into(), now.into()]).await?.is_some())
}

/// Claims a blob for rows of a new tenant, whose bytes are copied afterwards.
pub(crate) async fn claim_new(tx: &mut Tx, hash: &str) -> Result<(), StoreError> {
    keep(tx, hash).await.map(drop)
}

/// Where the bytes of an image or a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// In its row.
    Row(Vec<u8>),
    /// In the blob store.
    Kept(BlobKey),
}

/// The columns `content` and `content_hash` of a new row. `kept` is where the bytes were stored beforehand. Without it,
/// or if a sweep has removed them, the row keeps the bytes.
pub(crate) async fn placed(
    tx: &mut Tx,
    content: &[u8],
    kept: Option<&BlobKey>,
) -> Result<(Vec<u8>, Option<String>), StoreError> {
    match kept {
        Some(key) if keep(tx, key.hash()).await? => Ok((Vec::new(), Some(key.hash().to_owned()))),
        _ => Ok((content.to_vec(), None)),
    }
}

/// Reads the columns `content` and `content_hash`, which a row begins with.
pub(crate) fn content_at(tx: &Tx, row: &mut Row) -> Result<Content, StoreError> {
    let Some(hash) = row.text_or_null(1)? else { return row.bytes(0).map(Content::Row) };
    let key = BlobKey::parse(&tx.tenant().to_string(), &hash);
    key.map(Content::Kept)
        .ok_or_else(|| StoreError::Broken(format!("an image or a file names the malformed hash {hash:?}")))
}

/// The result of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs that were checked.
    pub seen: u64,
    /// Blobs whose bytes were removed.
    pub removed: u64,
}

/// Checks every blob: marks the unreferenced ones as doomed, and removes those that have been doomed for `grace_ms`. An
/// upload must not take longer than that. It ends early once `most` are removed, or up to a step more. Several sweeps
/// may run at once.
///
/// # Errors
/// The store or the blobs are unavailable. The next sweep continues.
pub async fn sweep(
    engine: &Arc<Engine>,
    blobs: &dyn Blobs,
    grace_ms: i64,
    most: u64,
) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    'all: for tenant in blobs.tenants().await? {
        let found = blobs.list(tenant).await?;
        for keys in found.chunks(STEP) {
            if swept.removed >= most {
                break 'all;
            }
            let (now, keys) = (engine.clock.now_ms(), keys.to_vec());
            swept.seen += keys.len() as u64;
            let gone = engine.run(Effect::Writes, move |root| {
                let keys = keys.clone();
                Box::pin(async move { judge(&mut root.tenant(tenant), &keys, now, now - grace_ms).await })
            });
            for key in gone.await? {
                blobs.remove(&key).await?;
                swept.removed += 1;
            }
        }
    }
    let before = engine.clock.now_ms() - grace_ms;
    blobs.tidy(before).await?;
    engine.run(Effect::Writes, move |root| Box::pin(forget(root, before))).await?;
    Ok(swept)
}

/// Which of a tenant's blobs, at most [`STEP`], are gone. Only those that have not changed since `before` are marked.
async fn judge(
    tx: &mut Tx,
    keys: &[(BlobKey, i64)],
    now: i64,
    before: i64,
) -> Result<Vec<BlobKey>, StoreError> {
    let mut params: Vec<Value> = keys.iter().map(|(key, _)| key.hash().into()).collect();
    let wanted = wanted(2, "TEXT", &mut params);
    let mut named = BTreeSet::new();
    for table in ["image", "stored_file", "snapshot_blob"] {
        let sql = format!(
            "SELECT DISTINCT content_hash FROM {wanted} LEFT JOIN {table} ON {table}.tenant = $1 AND {table}.content_hash = w.column1"
        );
        for mut row in found_rows(tx.rows_of(&sql, params.clone()).await?) {
            named.insert(row.text(0)?);
        }
    }
    let sql = format!(
        "SELECT content_hash, state, since FROM {wanted} LEFT JOIN blob ON blob.tenant = $1 AND blob.content_hash = w.column1"
    );
    let mut states = BTreeMap::new();
    for mut row in found_rows(tx.rows_of(&sql, params).await?) {
        states.insert(row.text(0)?, (row.text(1)?, row.int(2)?));
    }
    let mut gone = Vec::new();
    for (key, written) in keys {
        let Some((state, since)) = states.remove(key.hash()) else {
            // Otherwise an upload is running, or has just ended.
            if *written < before {
                let sql = "INSERT INTO blob (tenant, content_hash, state, since) VALUES ($1, $2, 'doomed', $3) \
                           ON CONFLICT (tenant, content_hash) DO NOTHING";
                tx.rows(sql, [key.hash().into(), now.into()]).await?;
            }
            continue;
        };
        let next = match (state.as_str(), named.contains(key.hash())) {
            ("gone", _) => {
                gone.push(key.clone());
                continue;
            }
            ("kept", false) => "doomed",
            ("doomed", true) => "kept",
            ("doomed", false) if since < before => "gone",
            _ => continue,
        };
        // Only if the state is still the one that was read: an upload may have claimed the blob since.
        let sql = "UPDATE blob SET state = $3, since = $4 \
                   WHERE tenant = $1 AND content_hash = $2 AND state = $5 AND since = $6 RETURNING state";
        let params = [key.hash().into(), next.into(), now.into(), state.into(), since.into()];
        if tx.row(sql, params).await?.is_some() && next == "gone" {
            gone.push(key.clone());
        }
    }
    Ok(gone)
}

/// Forgets blobs that have been gone for so long that no upload can still rely on their bytes.
async fn forget(root: &mut Root, before: i64) -> Result<(), StoreError> {
    // Bounded: the next sweep continues.
    let sql = "SELECT tenant, content_hash FROM blob WHERE state = 'gone' AND since < $1 LIMIT 1000";
    for mut row in root.rows(sql, &[Value::from(before)]).await? {
        let tenant = row.id(0, TenantKey::parse)?;
        let sql = "DELETE FROM blob WHERE tenant = $1 AND content_hash = $2 AND state = 'gone'";
        root.tenant(tenant).rows(sql, [row.text(1)?.into()]).await?;
    }
    Ok(())
}

/// The blobs that images, files and snapshots name, as tenant/hash. For commands that open no engine, since that would change the
/// schema.
pub(crate) async fn named(driver: &Arc<dyn Driver>) -> Result<BTreeSet<String>, StoreError> {
    let sql = "SELECT DISTINCT tenant, content_hash FROM image WHERE content_hash IS NOT NULL";
    let mut rows = run_statement(&**driver, Effect::Reads, sql, Vec::new()).await?;
    for sql in [
        "SELECT DISTINCT tenant, content_hash FROM stored_file WHERE content_hash IS NOT NULL",
        "SELECT DISTINCT tenant, content_hash FROM snapshot_blob",
    ] {
        match run_statement(&**driver, Effect::Reads, sql, Vec::new()).await {
            Ok(more) => rows.extend(more),
            // An older schema has images only, or no snapshots.
            Err(StoreError::Broken(_)) => {}
            Err(error) => return Err(error),
        }
    }
    rows.into_iter().map(|mut row| Ok(format!("{}/{}", row.text(0)?, row.text(1)?))).collect()
}

/// Whether any image or file names a blob. `false` on a schema without blobs, and without tables.
///
/// # Errors
/// The store is unavailable.
pub async fn any(driver: &Arc<dyn Driver>) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM blob LIMIT 1";
    match run_statement(&**driver, Effect::Reads, sql, Vec::new()).await {
        Ok(rows) if rows.is_empty() => Ok(false),
        // Not every blob in the table is still named.
        Ok(_) => Ok(!named(driver).await?.is_empty()),
        Err(StoreError::Broken(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The state of the blobs that images and files name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examined {
    /// How many there are, each counted once.
    pub named: u64,
    /// Missing ones, as tenant/hash.
    pub missing: Vec<String>,
    /// Ones whose content does not match their hash.
    pub damaged: Vec<String>,
}

/// Reads every blob that images and files name and compares it with its hash. Calls `report` after each, with the number read so
/// far.
///
/// # Errors
/// The store or the blobs are unavailable; [`StoreError::Broken`] on an older schema.
pub async fn examine(
    driver: &Arc<dyn Driver>,
    blobs: &dyn Blobs,
    report: &mut (dyn FnMut(u64) + Send),
) -> Result<Examined, StoreError> {
    let mut examined = Examined::default();
    for name in named(driver).await? {
        let key = name.split_once('/').and_then(|(tenant, hash)| BlobKey::parse(tenant, hash));
        match (
            &key,
            match &key {
                Some(key) => blobs.get(key).await?,
                None => None,
            },
        ) {
            (Some(key), Some(content)) if !key.fits(&content) => examined.damaged.push(name),
            (_, None) => examined.missing.push(name),
            _ => {}
        }
        examined.named += 1;
        report(examined.named);
    }
    Ok(examined)
}

/// The missing ones among the blobs that images and files name.
///
/// # Errors
/// The store or the blobs are unavailable; [`StoreError::Broken`] on an older schema.
pub async fn missing(driver: &Arc<dyn Driver>, blobs: &dyn Blobs) -> Result<Vec<String>, StoreError> {
    let mut missing = named(driver).await?;
    for tenant in blobs.tenants().await? {
        for (key, _) in blobs.list(tenant).await? {
            missing.remove(&key.to_string());
        }
    }
    Ok(missing.into_iter().collect())
}

/// Copies files of one tenant to another one, in the same place. A file that is missing stays missing.
///
/// # Errors
/// The blobs are unavailable, or a file is damaged.
pub async fn copy_to_tenant(
    blobs: &dyn Blobs,
    (from, to): (TenantKey, TenantKey),
    hashes: &BTreeSet<String>,
) -> Result<(), StoreError> {
    for hash in hashes {
        let keys = (BlobKey::parse(&from.to_string(), hash), BlobKey::parse(&to.to_string(), hash));
        let (Some(old), Some(new)) = keys else { continue };
        let Some(content) = blobs.get(&old).await? else { continue };
        if !old.fits(&content) {
            return Err(StoreError::Unavailable(format!("the file {old} is damaged")));
        }
        blobs.put(&new, content).await?;
    }
    Ok(())
}

/// Copies every file from one place to another and returns their number. Existing files are not copied again. Calls
/// `report` after each, with the number copied so far.
///
/// # Errors
/// Either place is unavailable, or a file is damaged.
pub async fn copy_all(
    from: &dyn Blobs,
    to: &dyn Blobs,
    report: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, StoreError> {
    let (mut count, mut copied) = (0, 0);
    for tenant in from.tenants().await? {
        let there: BTreeSet<BlobKey> = to.list(tenant).await?.into_iter().map(|(key, _)| key).collect();
        for (key, _) in from.list(tenant).await? {
            if !there.contains(&key) {
                // A sweep may have removed it since: it had been unreferenced for a while.
                let Some(content) = from.get(&key).await? else { continue };
                if !key.fits(&content) {
                    return Err(StoreError::Unavailable(format!("the file {key} is damaged")));
                }
                to.put(&key, content).await?;
                copied += 1;
                report(copied);
            }
            count += 1;
        }
    }
    Ok(count)
}
