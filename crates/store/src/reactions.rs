//! Reactions to messages.
//!
//! They are in one order: by the time at which they were added, then by number.

use crate::driver::StoreError;
use crate::messages::{self, Sender};
use crate::{Change, Row, Tx, Value};

/// A reaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// Its number: a snowflake, from which the reaction_id is derived.
    pub number: i64,
    /// The number of the message.
    pub message: i64,
    /// The name of the emoji.
    pub emoji: String,
    /// Who reacted: a user or the bot of an app.
    pub operator: Sender,
    /// When, in milliseconds of the tenant's time.
    pub created_at: i64,
}

fn reaction(mut row: Row) -> Result<Reaction, StoreError> {
    Ok(Reaction {
        number: row.int(0)?,
        message: row.int(1)?,
        emoji: row.text(2)?,
        operator: Sender::read(&mut row, 3)?,
        created_at: row.int(6)?,
    })
}

const GET: &str = "SELECT number, message, emoji, operator_kind, operator, operator_no, created_at \
     FROM message_reaction WHERE tenant = $1 AND number = $2";

/// A reaction by its number.
pub async fn get(tx: &mut Tx, number: i64) -> Result<Option<Reaction>, StoreError> {
    tx.row(GET, [number.into()]).await?.map(reaction).transpose()
}

const SAME: &str = "SELECT number, message, emoji, operator_kind, operator, operator_no, created_at \
     FROM message_reaction WHERE tenant = $1 AND message = $2 AND operator_kind = $3 AND operator = $4 AND emoji = $5";

/// The reaction of an operator with an emoji. Operations that only add rows may call it: one that another unit of the group adds
/// meanwhile makes [`insert`] fail.
pub async fn same(
    tx: &mut Tx,
    message: i64,
    operator: &Sender,
    emoji: &str,
) -> Result<Option<Reaction>, StoreError> {
    let [kind, id, _] = operator.columns();
    let rows = tx.look_up(SAME, [message.into(), kind, id, emoji.into()]).await?;
    rows.into_iter().next().map(reaction).transpose()
}

/// Adds a reaction. Operations that only add rows may call it.
///
/// # Errors
/// [`StoreError::Collided`] if the operator has this emoji on the message since [`same`] was asked: this unit runs again, and
/// finds that reaction.
pub async fn insert(tx: &mut Tx, new: &Reaction) -> Result<(), StoreError> {
    let sql = "INSERT INTO message_reaction (tenant, number, message, emoji, operator_kind, operator, operator_no, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (message, tenant, operator_kind, operator, emoji) DO NOTHING RETURNING tenant, number";
    let [kind, operator, operator_no] = new.operator.columns();
    let row = vec![
        new.number.into(),
        new.message.into(),
        new.emoji.as_str().into(),
        kind,
        operator,
        operator_no,
        new.created_at.into(),
    ];
    if !tx.insert(sql, row).await? {
        return Err(tx.collided());
    }
    messages::told(tx, new.message, None, Change::Reacted);
    Ok(())
}

/// Removes a reaction; false if it is gone.
pub async fn remove(tx: &mut Tx, number: i64) -> Result<bool, StoreError> {
    let sql = "DELETE FROM message_reaction WHERE tenant = $1 AND number = $2 RETURNING message";
    let Some(row) = tx.row(sql, [number.into()]).await? else { return Ok(false) };
    messages::told(tx, row.int(0)?, None, Change::Reacted);
    Ok(true)
}

/// Where a page of reactions ends: the last one on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When it was added, in milliseconds of the tenant's time.
    pub created_at: i64,
    /// Its number.
    pub number: i64,
}

impl Reaction {
    /// The place after this one.
    pub fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, number: self.number }
    }
}

const PAGE: &str = "SELECT number, message, emoji, operator_kind, operator, operator_no, created_at \
     FROM message_reaction WHERE tenant = $1 AND message = $2 AND (created_at, number) > (CAST($3 AS BIGINT), CAST($4 AS BIGINT)) \
     ORDER BY created_at, number LIMIT CAST($5 AS BIGINT)";
const PAGE_OF_EMOJI: &str = "SELECT number, message, emoji, operator_kind, operator, operator_no, created_at \
     FROM message_reaction WHERE tenant = $1 AND message = $2 AND emoji = $6 \
     AND (created_at, number) > (CAST($3 AS BIGINT), CAST($4 AS BIGINT)) ORDER BY created_at, number LIMIT CAST($5 AS BIGINT)";

/// Up to `size` reactions to a message after a cursor, all or those with one emoji.
pub async fn page(
    tx: &mut Tx,
    message: i64,
    emoji: Option<&str>,
    last: Option<Cursor>,
    size: usize,
) -> Result<Vec<Reaction>, StoreError> {
    let last = last.unwrap_or(Cursor { created_at: i64::MIN, number: i64::MIN });
    let mut params: Vec<Value> =
        vec![message.into(), last.created_at.into(), last.number.into(), crate::listing::limit(size)];
    params.extend(emoji.map(Value::from));
    let sql = if emoji.is_some() { PAGE_OF_EMOJI } else { PAGE };
    tx.rows_of(sql, params).await?.into_iter().map(reaction).collect()
}

const COUNTS: &str = "SELECT emoji, COUNT(*) FROM message_reaction WHERE tenant = $1 AND message = $2 GROUP BY emoji ORDER BY emoji";
const COUNT: &str = "SELECT emoji, COUNT(*) FROM message_reaction WHERE tenant = $1 AND message = $2 AND emoji = $3 GROUP BY emoji";

/// How many reactions a message has with each emoji that it has, or with one, in the order of the emoji.
pub async fn counts(
    tx: &mut Tx,
    message: i64,
    emoji: Option<&str>,
) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = match emoji {
        Some(emoji) => tx.rows(COUNT, [message.into(), emoji.into()]).await?,
        None => tx.rows(COUNTS, [message.into()]).await?,
    };
    rows.into_iter().map(|mut row| Ok((row.text(0)?, row.int(1)?))).collect()
}

/// The statements of this file that look rows up, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[GET, SAME, PAGE, PAGE_OF_EMOJI, COUNTS, COUNT];
