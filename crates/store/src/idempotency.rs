//! Calls that carry a `uuid` are executed once.

use crate::Tx;
use crate::driver::StoreError;

/// The answer of the first call under a name, if it may still be repeated.
pub async fn answer(tx: &mut Tx, name: &str, now_ms: i64) -> Result<Option<String>, StoreError> {
    let sql = "SELECT answer FROM idempotency WHERE tenant = $1 AND name = $2 AND expires_at > $3";
    tx.row(sql, [name.into(), now_ms.into()]).await?.map(|mut row| row.text(0)).transpose()
}

/// Claims a name for an answer; false if another call has it.
///
/// Of two calls at once, one waits here for the other's commit, and gets false.
pub async fn claim(
    tx: &mut Tx,
    name: &str,
    answer: &str,
    now_ms: i64,
    expires_at: i64,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO idempotency (tenant, name, answer, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, name) \
               DO UPDATE SET answer = excluded.answer, expires_at = excluded.expires_at WHERE idempotency.expires_at <= $5 RETURNING name";
    Ok(tx.row(sql, [name.into(), answer.into(), expires_at.into(), now_ms.into()]).await?.is_some())
}
