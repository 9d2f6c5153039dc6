//! Cards that one person of a group sees.

use larkspur_contract::ids::{AppId, ChatId};

use crate::driver::StoreError;
use crate::messages::told;
use crate::{Change, Row, Tx};

/// A card that one person sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ephemeral {
    /// The number of its message_id.
    pub number: i64,
    /// The group.
    pub chat_id: ChatId,
    /// The app that sent it.
    pub app_id: AppId,
    /// Who sees it: a user_id.
    pub user_id: String,
    /// Its JSON.
    pub content: String,
    /// When it was sent, in the tenant's time.
    pub created_at: i64,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// The cards that a person sees in a group, the latest first.
const SEEN: &str = "SELECT number, chat_id, app_id, user_id, content, created_at, deleted FROM ephemeral_card \
    WHERE chat_id = $2 AND user_id = $3 AND tenant = $1 ORDER BY number DESC LIMIT CAST($4 AS BIGINT)";

/// The statements of lists, for the test of their plans.
pub const STATEMENTS: &[&str] = &[SEEN];

fn ephemeral(mut row: Row) -> Result<Ephemeral, StoreError> {
    Ok(Ephemeral {
        number: row.int(0)?,
        chat_id: row.id(1, ChatId::parse)?,
        app_id: row.id(2, AppId::parse)?,
        user_id: row.text(3)?,
        content: row.text(4)?,
        created_at: row.int(5)?,
        deleted: row.flag(6)?,
    })
}

/// Adds a card.
pub async fn insert(tx: &mut Tx, card: &Ephemeral) -> Result<(), StoreError> {
    let sql = "INSERT INTO ephemeral_card (tenant, number, chat_id, app_id, user_id, content, created_at, deleted) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let params = [
        card.number.into(),
        card.chat_id.into(),
        card.app_id.into(),
        card.user_id.as_str().into(),
        card.content.as_str().into(),
        card.created_at.into(),
        card.deleted.into(),
    ];
    tx.rows(sql, params).await?;
    told(tx, card.number, Some(card.chat_id), Change::Sent);
    Ok(())
}

/// Whether a number is that of a card, deleted or not. Operations that only add rows may call it.
///
/// # Errors
/// The store is unavailable.
pub async fn exists(tx: &mut Tx, number: i64) -> Result<bool, StoreError> {
    let sql = "SELECT number FROM ephemeral_card WHERE tenant = $1 AND number = $2";
    Ok(!tx.look_up(sql, [number.into()]).await?.is_empty())
}

/// Locks a card.
pub async fn lock(tx: &mut Tx, number: i64) -> Result<Option<Ephemeral>, StoreError> {
    let sql = "UPDATE ephemeral_card SET deleted = deleted WHERE tenant = $1 AND number = $2 \
               RETURNING number, chat_id, app_id, user_id, content, created_at, deleted";
    tx.row(sql, [number.into()]).await?.map(ephemeral).transpose()
}

/// Deletes a locked card: no one sees it any more; its id stays known.
pub async fn delete(tx: &mut Tx, card: &Ephemeral) -> Result<(), StoreError> {
    let sql = "UPDATE ephemeral_card SET deleted = 1, content = '' WHERE tenant = $1 AND number = $2";
    tx.rows(sql, [card.number.into()]).await?;
    told(tx, card.number, Some(card.chat_id), Change::Recalled);
    Ok(())
}

/// The latest cards that a person sees in a group, deleted ones included, the latest first.
pub async fn seen(
    tx: &mut Tx,
    chat: ChatId,
    user_id: &str,
    most: usize,
) -> Result<Vec<Ephemeral>, StoreError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    tx.rows(SEEN, [chat.into(), user_id.into(), most.into()]).await?.into_iter().map(ephemeral).collect()
}
