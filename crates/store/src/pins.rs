//! Messages that are pinned in their chats.

use larkspur_contract::ids::ChatId;

use crate::driver::StoreError;
use crate::messages::{self, Sender};
use crate::{Change, Row, Tx, Value};

/// A pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The number of the message.
    pub message: i64,
    /// The chat of the message.
    pub chat_id: ChatId,
    /// Its own number: a snowflake.
    pub number: i64,
    /// Who pinned it: a user or the bot of an app.
    pub operator: Sender,
    /// When, in milliseconds of the tenant's time.
    pub created_at: i64,
}

fn pin(mut row: Row) -> Result<Pin, StoreError> {
    Ok(Pin {
        message: row.int(0)?,
        chat_id: row.id(1, ChatId::parse)?,
        number: row.int(2)?,
        operator: Sender::read(&mut row, 3)?,
        created_at: row.int(6)?,
    })
}

const GET: &str = "SELECT message, chat_id, number, operator_kind, operator, operator_no, created_at \
     FROM pin WHERE tenant = $1 AND message = $2";

/// The pin of a message.
pub async fn get(tx: &mut Tx, message: i64) -> Result<Option<Pin>, StoreError> {
    tx.row(GET, [message.into()]).await?.map(pin).transpose()
}

/// Pins a message that is not pinned. It is locked.
pub async fn insert(tx: &mut Tx, new: &Pin) -> Result<(), StoreError> {
    let sql = "INSERT INTO pin (tenant, message, chat_id, number, operator_kind, operator, operator_no, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let [kind, operator, operator_no] = new.operator.columns();
    let params: Vec<Value> = vec![
        new.message.into(),
        new.chat_id.into(),
        new.number.into(),
        kind,
        operator,
        operator_no,
        new.created_at.into(),
    ];
    tx.rows_of(sql, params).await?;
    messages::told(tx, new.message, Some(new.chat_id), Change::Pinned);
    Ok(())
}

/// Unpins a message, if it is pinned. It is locked.
pub async fn remove(tx: &mut Tx, message: i64) -> Result<(), StoreError> {
    tx.rows("DELETE FROM pin WHERE tenant = $1 AND message = $2", [message.into()]).await?;
    messages::told(tx, message, None, Change::Pinned);
    Ok(())
}

/// Where a page of pins ends: the last one on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When it was made, in milliseconds of the tenant's time.
    pub created_at: i64,
    /// Its number.
    pub number: i64,
}

const PAGE: &str = "SELECT message, chat_id, number, operator_kind, operator, operator_no, created_at \
     FROM pin WHERE tenant = $1 AND chat_id = $2 AND (created_at, number) < (CAST($3 AS BIGINT), CAST($4 AS BIGINT)) \
     AND created_at >= $5 ORDER BY created_at DESC, number DESC LIMIT CAST($6 AS BIGINT)";

/// Up to `size` pins of a chat after a cursor, the newest first. Both times are in milliseconds of the tenant's time, and included.
pub async fn page(
    tx: &mut Tx,
    chat: ChatId,
    from: i64,
    to: i64,
    last: Option<Cursor>,
    size: usize,
) -> Result<Vec<Pin>, StoreError> {
    let last = last.unwrap_or(Cursor { created_at: to, number: i64::MAX });
    let params =
        [chat.into(), last.created_at.into(), last.number.into(), from.into(), crate::listing::limit(size)];
    tx.rows(PAGE, params).await?.into_iter().map(pin).collect()
}

/// The statements of this file that look rows up, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[GET, PAGE];
