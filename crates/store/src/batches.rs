//! Messages to many people.

use larkspur_contract::ids::AppId;

use crate::driver::StoreError;
use crate::tx::{PIECE, more_rows};
use crate::{Row, Tx, Value};

/// A message to many people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its id: `bm-` and 32 hex digits.
    pub batch_id: String,
    /// The app that sent it.
    pub app_id: AppId,
    /// How many people it was sent to.
    pub total: i64,
    /// When, in milliseconds of the tenant's time.
    pub created_at: i64,
    /// When it was recalled, in the same time; 0 if it was not.
    pub recalled_at: i64,
    /// How many of its messages were recalled.
    pub recalled: i64,
}

fn batch(mut row: Row) -> Result<Batch, StoreError> {
    Ok(Batch {
        batch_id: row.text(0)?,
        app_id: row.id(1, AppId::parse)?,
        total: row.int(2)?,
        created_at: row.int(3)?,
        recalled_at: row.int(4)?,
        recalled: row.int(5)?,
    })
}

/// Adds a batch that was not recalled, with the numbers of its messages and the user_ids of those who received them.
pub async fn insert(tx: &mut Tx, new: &Batch, parts: &[(i64, String)]) -> Result<(), StoreError> {
    let sql = "INSERT INTO batch_message (tenant, batch_id, app_id, total, created_at, recalled_at, recalled) \
               VALUES ($1, $2, $3, $4, $5, 0, 0)";
    let params = [new.batch_id.as_str().into(), new.app_id.into(), new.total.into(), new.created_at.into()];
    tx.rows(sql, params).await?;
    for piece in parts.chunks(PIECE) {
        let mut values: Vec<Value> = Vec::with_capacity(piece.len() * 2);
        for (message, user_id) in piece {
            values.extend([(*message).into(), user_id.as_str().into()]);
        }
        let more = more_rows("$1,$2,", 3, 2, &mut values);
        let sql = format!(
            "INSERT INTO batch_part (tenant, batch_id, message, user_id) VALUES ($1, $2, $3, $4){more} \
             ON CONFLICT (tenant, message) DO NOTHING"
        );
        values.insert(0, new.batch_id.as_str().into());
        tx.rows_of(&sql, values).await?;
    }
    Ok(())
}

const GET: &str = "SELECT batch_id, app_id, total, created_at, recalled_at, recalled FROM batch_message \
     WHERE tenant = $1 AND batch_id = $2";

/// A batch of the tenant.
pub async fn get(tx: &mut Tx, batch_id: &str) -> Result<Option<Batch>, StoreError> {
    tx.row(GET, [batch_id.into()]).await?.map(batch).transpose()
}

/// A batch of the tenant. Until this transaction ends, no other one changes it.
pub async fn lock(tx: &mut Tx, batch_id: &str) -> Result<Option<Batch>, StoreError> {
    let sql = "UPDATE batch_message SET recalled = recalled WHERE tenant = $1 AND batch_id = $2 \
               RETURNING batch_id, app_id, total, created_at, recalled_at, recalled";
    tx.row(sql, [batch_id.into()]).await?.map(batch).transpose()
}

const PARTS: &str = "SELECT message FROM batch_part WHERE batch_id = $2 AND tenant = $1 ORDER BY message LIMIT CAST($3 AS BIGINT)";

/// The numbers of up to `size` messages of a batch.
pub async fn parts(tx: &mut Tx, batch_id: &str, size: usize) -> Result<Vec<i64>, StoreError> {
    let rows = tx.rows(PARTS, [batch_id.into(), crate::listing::limit(size)]).await?;
    rows.into_iter().map(|row| row.int(0)).collect()
}

const READ: &str = "SELECT COUNT(r.reader) FROM batch_part b LEFT JOIN message_read r ON r.tenant = $1 AND r.message = b.message \
     AND r.reader = b.user_id WHERE b.batch_id = $2 AND b.tenant = $1";

/// How many people have read a batch.
pub async fn read_count(tx: &mut Tx, batch_id: &str) -> Result<i64, StoreError> {
    tx.row(READ, [batch_id.into()]).await?.map_or(Ok(0), |row| row.int(0))
}

/// Records that a locked batch was recalled.
pub async fn recall(tx: &mut Tx, batch_id: &str, recalled: i64, now_ms: i64) -> Result<(), StoreError> {
    let sql = "UPDATE batch_message SET recalled_at = $3, recalled = $4 WHERE tenant = $1 AND batch_id = $2";
    tx.rows(sql, [batch_id.into(), now_ms.into(), recalled.into()]).await.map(drop)
}

/// The statements of this file that look rows up, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[GET, PARTS, READ];
