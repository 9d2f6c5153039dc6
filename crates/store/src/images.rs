//! Images.

use std::collections::{BTreeSet, HashMap};

use larkspur_contract::ids::AppId;
use larkspur_contract::model::ImageType;

use crate::blobs::{self, BlobKey, Content};
use crate::driver::StoreError;
use crate::tx::{PIECE, found_rows, wanted};
use crate::{Row, Tx, Value};

/// The metadata of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its key.
    pub image_key: String,
    /// The app that uploaded it.
    pub app_id: AppId,
    /// What it may be used for.
    pub image_type: ImageType,
    /// Its media type.
    pub content_type: String,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// Adds an image. `kept` is where its bytes were stored beforehand. Without it, or if a sweep has removed them, the row
/// keeps the bytes.
pub async fn insert(
    tx: &mut Tx,
    image: &Image,
    content: &[u8],
    kept: Option<&BlobKey>,
    now_ms: i64,
) -> Result<(), StoreError> {
    let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
    let (content, hash) = blobs::placed(tx, content, kept).await?;
    let sql = "INSERT INTO image (tenant, image_key, app_id, image_type, content_type, status, content, content_hash, created_at, size) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let params = [
        image.image_key.as_str().into(),
        image.app_id.into(),
        image.image_type.as_str().into(),
        image.content_type.as_str().into(),
        if image.deleted { "deleted" } else { "kept" }.into(),
        content.into(),
        hash.into(),
        now_ms.into(),
        size.into(),
    ];
    tx.rows(sql, params).await.map(drop)
}

/// Marks an image as deleted.
pub async fn delete(tx: &mut Tx, image_key: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE image SET status = 'deleted', content = $3, content_hash = NULL, size = 0 WHERE tenant = $1 AND image_key = $2 RETURNING image_key";
    Ok(tx.row(sql, [image_key.into(), Vec::new().into()]).await?.is_some())
}

/// The total size of the tenant's images, in bytes.
pub async fn used_bytes(tx: &mut Tx) -> Result<i64, StoreError> {
    let sql = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM image WHERE tenant = $1";
    tx.row(sql, []).await?.map_or(Ok(0), |row| row.int(0))
}

/// An image of the tenant.
pub async fn get(tx: &mut Tx, image_key: &str) -> Result<Option<Image>, StoreError> {
    let sql = "SELECT image_key, app_id, image_type, content_type, status FROM image WHERE tenant = $1 AND image_key = $2";
    tx.look_up(sql, [image_key.into()]).await?.into_iter().next().map(image).transpose()
}

/// Images of the tenant by key; unknown keys are left out. Each key is looked for once.
///
/// # Errors
/// The store is unavailable.
pub async fn several<'a>(
    tx: &mut Tx,
    keys: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, Image>, StoreError> {
    let keys: BTreeSet<&str> = keys.into_iter().collect();
    let keys: Vec<Value> = keys.into_iter().map(Value::from).collect();
    let mut found = HashMap::with_capacity(keys.len());
    for piece in keys.chunks(PIECE) {
        let mut values = piece.to_vec();
        let wanted = wanted(2, "TEXT", &mut values);
        let sql = format!(
            "SELECT image_key, app_id, image_type, content_type, status FROM {wanted} LEFT JOIN image ON image.tenant = $1 AND image_key = w.column1"
        );
        for row in found_rows(tx.look_up_of(&sql, values).await?) {
            let image = image(row)?;
            found.insert(image.image_key.clone(), image);
        }
    }
    Ok(found)
}

fn image(mut row: Row) -> Result<Image, StoreError> {
    Ok(Image {
        image_key: row.text(0)?,
        app_id: row.id(1, AppId::parse)?,
        image_type: row.id(2, ImageType::parse)?,
        content_type: row.text(3)?,
        deleted: row.text(4)? == "deleted",
    })
}

/// The first bytes of an image, at most `most`; `None` if they are not in its row.
pub async fn head(tx: &mut Tx, image_key: &str, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT SUBSTR(content, 1, CAST(CAST($3 AS BIGINT) AS INTEGER)) FROM image WHERE tenant = $1 AND image_key = $2 AND content_hash IS NULL";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let row = tx.row(sql, [image_key.into(), most.into()]).await?;
    row.map(|mut row| row.bytes(0)).transpose()
}

/// The bytes of an image, or where they are.
pub async fn content(tx: &mut Tx, image_key: &str) -> Result<Option<Content>, StoreError> {
    let sql = "SELECT content, content_hash FROM image WHERE tenant = $1 AND image_key = $2";
    let row = tx.row(sql, [image_key.into()]).await?;
    row.map(|mut row| blobs::content_at(tx, &mut row)).transpose()
}
