//! Members of chats.

use larkspur_contract::ids::ChatId;

use crate::chats::Member;
use crate::driver::StoreError;
use crate::{LockedChat, Row, Tx};

/// What a chat knows of one of its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Who.
    pub member: Member,
    /// Whether it is a manager.
    pub manager: bool,
}

fn membership(mut row: Row) -> Result<Membership, StoreError> {
    Ok(Membership { member: Member::parse(&row.text(0)?), manager: row.flag(1)? })
}

/// What a chat knows of somebody; `None` if it is not a member.
pub async fn get(tx: &mut Tx, chat: ChatId, member: &Member) -> Result<Option<Membership>, StoreError> {
    let sql = "SELECT member, manager FROM chat_member WHERE tenant = $1 AND chat_id = $2 AND member = $3";
    tx.row(sql, [chat.into(), member.to_column().into()]).await?.map(membership).transpose()
}

/// The managers of a chat, in the order in which they joined.
pub async fn managers(tx: &mut Tx, chat: ChatId) -> Result<Vec<Member>, StoreError> {
    let sql = "SELECT member, manager FROM chat_member WHERE tenant = $1 AND chat_id = $2 AND manager = 1 ORDER BY joined_at, member";
    tx.rows(sql, [chat.into()]).await?.into_iter().map(|row| Ok(membership(row)?.member)).collect()
}

/// The members of a chat of two parties, or the first hundred of a larger one.
pub async fn first(tx: &mut Tx, chat: ChatId) -> Result<Vec<Membership>, StoreError> {
    let sql = "SELECT member, manager FROM chat_member WHERE tenant = $1 AND chat_id = $2 ORDER BY joined_at, member LIMIT 100";
    tx.rows(sql, [chat.into()]).await?.into_iter().map(membership).collect()
}

/// Every member of a chat, in the order in which they joined.
pub async fn all(tx: &mut Tx, chat: ChatId) -> Result<Vec<Membership>, StoreError> {
    let sql = "SELECT member, manager FROM chat_member WHERE tenant = $1 AND chat_id = $2 ORDER BY joined_at, member";
    tx.rows(sql, [chat.into()]).await?.into_iter().map(membership).collect()
}

/// Adds a member; nothing happens if it is one already.
pub async fn add(
    tx: &mut Tx,
    chat: &LockedChat,
    member: &Member,
    manager: bool,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let kind = match member {
        Member::User(_) => "user",
        Member::Bot(_) => "bot",
    };
    let sql = "INSERT INTO chat_member (tenant, chat_id, member, kind, manager, joined_at) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (tenant, chat_id, member) DO NOTHING RETURNING member";
    let params = [chat.chat_id.into(), member.to_column().into(), kind.into(), manager.into(), now_ms.into()];
    let added = tx.row(sql, params).await?.is_some();
    if added {
        count(tx, chat, member, 1).await?;
    }
    Ok(added)
}

/// Makes a member a manager, or no longer one.
pub async fn set_manager(
    tx: &mut Tx,
    chat: &LockedChat,
    member: &Member,
    manager: bool,
) -> Result<bool, StoreError> {
    let sql = "UPDATE chat_member SET manager = $4 WHERE tenant = $1 AND chat_id = $2 AND member = $3 RETURNING member";
    Ok(tx.row(sql, [chat.chat_id.into(), member.to_column().into(), manager.into()]).await?.is_some())
}

/// Removes a member; nothing happens if it is none.
pub async fn remove(tx: &mut Tx, chat: &LockedChat, member: &Member) -> Result<bool, StoreError> {
    let sql = "DELETE FROM chat_member WHERE tenant = $1 AND chat_id = $2 AND member = $3 RETURNING member";
    let removed = tx.row(sql, [chat.chat_id.into(), member.to_column().into()]).await?.is_some();
    if removed {
        count(tx, chat, member, -1).await?;
    }
    Ok(removed)
}

async fn count(tx: &mut Tx, chat: &LockedChat, member: &Member, change: i64) -> Result<(), StoreError> {
    let column = match member {
        Member::User(_) => "user_count",
        Member::Bot(_) => "bot_count",
    };
    let sql = format!(
        "UPDATE chat SET {column} = {column} + CAST($3 AS BIGINT) WHERE tenant = $1 AND chat_id = $2"
    );
    tx.rows(&sql, [chat.chat_id.into(), change.into()]).await.map(drop)
}
