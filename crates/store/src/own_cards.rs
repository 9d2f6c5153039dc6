//! Cards of which each reader has their own, as far as they differ from the card that was sent.

use std::collections::HashMap;

use crate::driver::StoreError;
use crate::messages::told;
use crate::tx::{PIECE, found_rows, wanted};
use crate::users::User;
use crate::{Change, Row, Tx, Value};

/// What one reader sees in the place of the card of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCard {
    /// The number of the message.
    pub message: i64,
    /// The reader: the tenant's own id.
    pub reader: String,
    /// Its JSON.
    pub content: String,
    /// When it was last replaced, in milliseconds of the tenant's time.
    pub updated_at: i64,
}

fn own_card(mut row: Row) -> Result<OwnCard, StoreError> {
    Ok(OwnCard { message: row.int(0)?, reader: row.text(1)?, content: row.text(2)?, updated_at: row.int(3)? })
}

/// Replaces the card that a reader sees. The message is locked.
///
/// # Errors
/// The store is unavailable.
pub async fn put(
    tx: &mut Tx,
    message: i64,
    reader: &User,
    content: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO own_card (tenant, message, reader_no, reader, content, updated_at) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (tenant, message, reader_no) DO UPDATE SET content = excluded.content, updated_at = excluded.updated_at";
    let params = [
        message.into(),
        reader.user_no.into(),
        reader.user_id.as_str().into(),
        content.into(),
        now_ms.into(),
    ];
    tx.rows(sql, params).await?;
    told(tx, message, None, Change::Changed);
    Ok(())
}

/// Lets every reader see the card of the message again. The message is locked.
///
/// # Errors
/// The store is unavailable.
pub async fn forget(tx: &mut Tx, message: i64) -> Result<(), StoreError> {
    tx.rows("DELETE FROM own_card WHERE tenant = $1 AND message = $2", [message.into()]).await.map(drop)
}

/// The cards that a reader sees in the place of those of messages, by the number of the message.
///
/// # Errors
/// The store is unavailable.
pub async fn seen_by(
    tx: &mut Tx,
    reader_no: i64,
    messages: &[i64],
) -> Result<HashMap<i64, OwnCard>, StoreError> {
    let mut found = HashMap::with_capacity(messages.len());
    for piece in messages.chunks(PIECE) {
        let mut params: Vec<Value> = piece.iter().map(|number| (*number).into()).collect();
        let wanted = wanted(3, "BIGINT", &mut params);
        params.insert(0, reader_no.into());
        let sql = format!(
            "SELECT o.message, o.reader, o.content, o.updated_at FROM {wanted} \
             LEFT JOIN own_card o ON o.tenant = $1 AND o.message = w.column1 AND o.reader_no = $2"
        );
        for row in found_rows(tx.rows_of(&sql, params).await?) {
            let card = own_card(row)?;
            found.insert(card.message, card);
        }
    }
    Ok(found)
}

/// The first cards of a message that are seen in the place of its own, in the order of their readers' numbers.
const OF_MESSAGE: &str = "SELECT message, reader, content, updated_at FROM own_card WHERE tenant = $1 AND message = $2 \
    ORDER BY reader_no LIMIT CAST($3 AS BIGINT)";

/// The statements of lists, for the test of their plans.
pub const STATEMENTS: &[&str] = &[OF_MESSAGE];

/// Up to `size` cards that readers see in the place of the one of a message.
///
/// # Errors
/// The store is unavailable.
pub async fn of_message(tx: &mut Tx, message: i64, size: usize) -> Result<Vec<OwnCard>, StoreError> {
    let rows = tx.rows(OF_MESSAGE, [message.into(), crate::listing::limit(size)]).await?;
    rows.into_iter().map(own_card).collect()
}
