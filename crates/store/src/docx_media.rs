//! Uploads for blocks of announcements. Only what is known of them is kept, not their content.

use larkspur_contract::ids::ChatId;

use crate::Tx;
use crate::driver::StoreError;

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its token.
    pub file_token: String,
    /// The block that it was uploaded for.
    pub block_id: String,
    /// The name of the file.
    pub name: String,
    /// Its size in bytes.
    pub size: i64,
    /// Width and height in pixels; 0 if it is not a picture.
    pub pixels: (i64, i64),
}

const GET: &str = "SELECT file_token, block_id, name, size, width, height FROM docx_media WHERE tenant = $1 AND file_token = $2";
const HOME: &str = "SELECT chat_id, content FROM docx_block WHERE block_id = $2 AND tenant = $1 LIMIT 1";

/// The statements of this file that look for rows, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[GET, HOME];

/// Adds an upload.
pub async fn insert(tx: &mut Tx, media: &Media, now_ms: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO docx_media (tenant, file_token, block_id, name, size, width, height, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let params = [
        media.file_token.as_str().into(),
        media.block_id.as_str().into(),
        media.name.as_str().into(),
        media.size.into(),
        media.pixels.0.into(),
        media.pixels.1.into(),
        now_ms.into(),
    ];
    tx.rows(sql, params).await.map(drop)
}

/// An upload of the tenant.
pub async fn get(tx: &mut Tx, file_token: &str) -> Result<Option<Media>, StoreError> {
    let Some(mut row) = tx.row(GET, [file_token.into()]).await? else { return Ok(None) };
    Ok(Some(Media {
        file_token: row.text(0)?,
        block_id: row.text(1)?,
        name: row.text(2)?,
        size: row.int(3)?,
        pixels: (row.int(4)?, row.int(5)?),
    }))
}

/// The chat whose announcement has a block, and the JSON of the block's type and content.
pub async fn home(tx: &mut Tx, block_id: &str) -> Result<Option<(ChatId, String)>, StoreError> {
    let Some(mut row) = tx.row(HOME, [block_id.into()]).await? else { return Ok(None) };
    Ok(Some((row.id(0, ChatId::parse)?, row.text(1)?)))
}
