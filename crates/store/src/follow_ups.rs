//! The answers that a bot proposes below its message.

use crate::Tx;
use crate::driver::StoreError;

/// Adds the answers to a message: JSON. Returns whether it had none.
pub async fn add(tx: &mut Tx, message: i64, content: &str, now_ms: i64) -> Result<bool, StoreError> {
    let sql = "INSERT INTO follow_up (tenant, message, content, created_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (tenant, message) DO NOTHING RETURNING message";
    Ok(tx.row(sql, [message.into(), content.into(), now_ms.into()]).await?.is_some())
}

/// The answers to a message: JSON.
pub async fn get(tx: &mut Tx, message: i64) -> Result<Option<String>, StoreError> {
    let sql = "SELECT content FROM follow_up WHERE tenant = $1 AND message = $2";
    tx.row(sql, [message.into()]).await?.map(|mut row| row.text(0)).transpose()
}
