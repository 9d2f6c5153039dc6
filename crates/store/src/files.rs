//! Uploaded files.

use std::collections::{BTreeSet, HashMap};

use larkspur_contract::ids::AppId;
use larkspur_contract::model::FileType;

use crate::blobs::{self, BlobKey, Content};
use crate::driver::StoreError;
use crate::tx::{PIECE, found_rows, wanted};
use crate::{Row, Tx, Value};

/// The metadata of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its key.
    pub file_key: String,
    /// The app that uploaded it.
    pub app_id: AppId,
    /// What it was uploaded as.
    pub file_type: FileType,
    /// Its name, with extension.
    pub name: String,
    /// Of audio and video: its length in milliseconds, if the upload named it.
    pub duration_ms: Option<i64>,
    /// Its media type.
    pub content_type: String,
    /// Its size in bytes; 0 once it was deleted.
    pub size: i64,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// Adds a file. `kept` is where its bytes were stored beforehand. Without it, or if a sweep has removed them, the row
/// keeps the bytes.
///
/// # Errors
/// The store is unavailable.
pub async fn insert(
    tx: &mut Tx,
    file: &File,
    content: &[u8],
    kept: Option<&BlobKey>,
    now_ms: i64,
) -> Result<(), StoreError> {
    let (content, hash) = blobs::placed(tx, content, kept).await?;
    let sql = "INSERT INTO stored_file (tenant, file_key, app_id, file_type, name, duration_ms, content_type, status, content, content_hash, size, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let params = [
        file.file_key.as_str().into(),
        file.app_id.into(),
        file.file_type.as_str().into(),
        file.name.as_str().into(),
        file.duration_ms.into(),
        file.content_type.as_str().into(),
        if file.deleted { "deleted" } else { "kept" }.into(),
        content.into(),
        hash.into(),
        file.size.into(),
        now_ms.into(),
    ];
    tx.rows(sql, params).await.map(drop)
}

/// Marks a file as deleted and removes its bytes; false if there is no such file.
///
/// # Errors
/// The store is unavailable.
pub async fn delete(tx: &mut Tx, file_key: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE stored_file SET status = 'deleted', content = $3, content_hash = NULL, size = 0 WHERE tenant = $1 AND file_key = $2 RETURNING file_key";
    Ok(tx.row(sql, [file_key.into(), Vec::new().into()]).await?.is_some())
}

/// The total size of the tenant's files, in bytes.
///
/// # Errors
/// The store is unavailable.
pub async fn used_bytes(tx: &mut Tx) -> Result<i64, StoreError> {
    let sql = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM stored_file WHERE tenant = $1";
    tx.row(sql, []).await?.map_or(Ok(0), |row| row.int(0))
}

/// A file of the tenant.
///
/// # Errors
/// The store is unavailable.
pub async fn get(tx: &mut Tx, file_key: &str) -> Result<Option<File>, StoreError> {
    let sql = "SELECT file_key, app_id, file_type, name, duration_ms, content_type, size, status FROM stored_file WHERE tenant = $1 AND file_key = $2";
    tx.look_up(sql, [file_key.into()]).await?.into_iter().next().map(file).transpose()
}

/// Files of the tenant by key; unknown keys are left out. Each key is looked for once.
///
/// # Errors
/// The store is unavailable.
pub async fn several<'a>(
    tx: &mut Tx,
    keys: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, File>, StoreError> {
    let keys: BTreeSet<&str> = keys.into_iter().collect();
    let keys: Vec<Value> = keys.into_iter().map(Value::from).collect();
    let mut found = HashMap::with_capacity(keys.len());
    for piece in keys.chunks(PIECE) {
        let mut values = piece.to_vec();
        let wanted = wanted(2, "TEXT", &mut values);
        let sql = format!(
            "SELECT file_key, app_id, file_type, name, duration_ms, content_type, size, status FROM {wanted} \
             LEFT JOIN stored_file ON stored_file.tenant = $1 AND file_key = w.column1"
        );
        for row in found_rows(tx.look_up_of(&sql, values).await?) {
            let file = file(row)?;
            found.insert(file.file_key.clone(), file);
        }
    }
    Ok(found)
}

fn file(mut row: Row) -> Result<File, StoreError> {
    Ok(File {
        file_key: row.text(0)?,
        app_id: row.id(1, AppId::parse)?,
        file_type: row.id(2, FileType::parse)?,
        name: row.text(3)?,
        duration_ms: row.int_or_null(4)?,
        content_type: row.text(5)?,
        size: row.int(6)?,
        deleted: row.text(7)? == "deleted",
    })
}

/// The bytes of a file, or where they are.
///
/// # Errors
/// The store is unavailable.
pub async fn content(tx: &mut Tx, file_key: &str) -> Result<Option<Content>, StoreError> {
    let sql = "SELECT content, content_hash FROM stored_file WHERE tenant = $1 AND file_key = $2";
    let row = tx.row(sql, [file_key.into()]).await?;
    row.map(|mut row| blobs::content_at(tx, &mut row)).transpose()
}
