//! Links for joining chats.

use larkspur_contract::ids::ChatId;

use crate::driver::StoreError;
use crate::member::Member;
use crate::{LockedChat, Tx};

/// A link for joining a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The chat.
    pub chat_id: ChatId,
    /// Who shared it.
    pub creator: Member,
    /// When it ends, in milliseconds since 1970; `None` for never.
    pub expires_at: Option<i64>,
}

/// Adds a link under an unused token, and deletes the chat's expired links.
pub async fn insert(
    tx: &mut Tx,
    chat: &LockedChat,
    token: &str,
    link: &Link,
    now_ms: i64,
) -> Result<(), StoreError> {
    let ended =
        "DELETE FROM chat_link WHERE tenant = $1 AND chat_id = $2 AND expires_at > 0 AND expires_at <= $3";
    tx.rows(ended, [chat.chat_id.into(), now_ms.into()]).await?;
    let sql =
        "INSERT INTO chat_link (tenant, token, chat_id, creator, expires_at) VALUES ($1, $2, $3, $4, $5)";
    let expires_at = link.expires_at.unwrap_or(0);
    let params = [token.into(), chat.chat_id.into(), link.creator.to_column().into(), expires_at.into()];
    tx.rows(sql, params).await.map(drop)
}

/// The link of a token, expired or not.
pub async fn get(tx: &mut Tx, token: &str) -> Result<Option<Link>, StoreError> {
    let sql = "SELECT chat_id, creator, expires_at FROM chat_link WHERE tenant = $1 AND token = $2";
    let Some(mut row) = tx.row(sql, [token.into()]).await? else { return Ok(None) };
    Ok(Some(Link {
        chat_id: row.id(0, ChatId::parse)?,
        creator: Member::parse(&row.text(1)?),
        expires_at: Some(row.int(2)?).filter(|time| *time > 0),
    }))
}
