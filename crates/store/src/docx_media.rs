//! Uploads for blocks of announcements. Only what is known of them is kept, not their content.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::{ChatId, TenantKey};

use crate::driver::StoreError;
use crate::{Engine, Root, Tx, Value};

/// For how long an upload that its block does not show is kept, in milliseconds of the tenant's time. Assumed.
pub const UNUSED_MS: i64 = 24 * 3600 * 1000;
/// How many uploads one statement reads, and one unit deletes.
const PIECE: usize = 50;

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
/// Old uploads, and whether their block shows them. Tokens have letters and digits only.
const OLD: &str = "SELECT m.file_token, CASE WHEN EXISTS (SELECT 1 FROM docx_block b WHERE b.block_id = m.block_id AND b.tenant = $1 \
                   AND b.content LIKE '%' || m.file_token || '%') THEN 1 ELSE 0 END \
                   FROM docx_media m WHERE m.tenant = $1 AND m.file_token > $2 AND m.created_at < $3 \
                   ORDER BY m.file_token LIMIT CAST($4 AS BIGINT)";

/// The statements of this file that look for rows, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[GET, HOME, OLD];

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

/// Deletes the uploads made before a time that their block does not show, or no longer, and returns their number. The token of an
/// upload that is shown is kept: an edit may name it again.
///
/// # Errors
/// The store is unavailable; the next sweep continues.
pub(crate) async fn sweep(engine: &Arc<Engine>, tenant: TenantKey, before: i64) -> Result<usize, StoreError> {
    let (mut deleted, mut last) = (0, String::new());
    loop {
        let piece = i64::try_from(PIECE).unwrap_or(i64::MAX);
        let params: Vec<Value> = vec![tenant.into(), last.as_str().into(), before.into(), piece.into()];
        let rows = engine.driver.query(Effect::Reads, OLD, params).await?;
        let more = rows.len() >= PIECE;
        let mut unused = Vec::with_capacity(rows.len());
        for mut row in rows {
            last = row.text(0)?;
            if row.int(1)? == 0 {
                unused.push(last.clone());
            }
        }
        if !unused.is_empty() {
            deleted += unused.len();
            let unused = Arc::new(unused);
            let unit = engine.run(Effect::Writes, move |root| Box::pin(forget(root, tenant, unused.clone())));
            unit.await?;
        }
        if !more {
            return Ok(deleted);
        }
    }
}

async fn forget(root: &mut Root, tenant: TenantKey, tokens: Arc<Vec<String>>) -> Result<(), StoreError> {
    for token in tokens.iter() {
        // A block may show it since it was read.
        let sql = "DELETE FROM docx_media WHERE tenant = $1 AND file_token = $2 AND NOT EXISTS \
                   (SELECT 1 FROM docx_block b WHERE b.block_id = docx_media.block_id AND b.tenant = $1 \
                   AND b.content LIKE '%' || $2 || '%')";
        root.rows(sql, &[tenant.into(), token.as_str().into()]).await?;
    }
    Ok(())
}
