//! Members of chats.

use std::collections::HashSet;

use larkspur_contract::ids::ChatId;

use crate::chats::Member;
use crate::driver::StoreError;
use crate::tx::in_list;
use crate::{LockedChat, Row, Tx, Value, moderation, pending, users};

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

/// Those of a list who are in the chat, in no order.
pub async fn among(
    tx: &mut Tx,
    chat: ChatId,
    members: impl IntoIterator<Item = &Member>,
) -> Result<HashSet<Member>, StoreError> {
    let columns: Vec<Value> = members.into_iter().map(|member| member.to_column().into()).collect();
    let mut found = HashSet::with_capacity(columns.len());
    for chunk in columns.chunks(64) {
        let mut params = chunk.to_vec();
        let list = in_list(3, &mut params);
        params.insert(0, chat.into());
        let sql =
            format!("SELECT member FROM chat_member WHERE tenant = $1 AND chat_id = $2 AND member IN {list}");
        for mut row in tx.rows_of(&sql, params).await? {
            found.insert(Member::parse(&row.text(0)?));
        }
    }
    Ok(found)
}

/// Where a page of members ends: the last one on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// When that one joined, in milliseconds since 1970.
    pub joined_at: i64,
    /// Who it is.
    pub member: Member,
}

fn place(mut row: Row) -> Result<Place, StoreError> {
    Ok(Place { member: Member::parse(&row.text(0)?), joined_at: row.int(1)? })
}

/// Up to `size` members behind a place, in the order in which they joined.
pub async fn after(
    tx: &mut Tx,
    chat: ChatId,
    last: Option<&Place>,
    size: i64,
) -> Result<Vec<Place>, StoreError> {
    let first = Place { joined_at: i64::MIN, member: Member::User(String::new()) };
    let last = last.unwrap_or(&first);
    let params = [chat.into(), last.joined_at.into(), last.member.to_column().into(), size.into()];
    let sql = "SELECT member, joined_at FROM chat_member WHERE tenant = $1 AND chat_id = $2 \
               AND (joined_at, member) > (CAST($3 AS BIGINT), CAST($4 AS TEXT)) ORDER BY joined_at, member LIMIT $5";
    tx.rows(sql, params).await?.into_iter().map(place).collect()
}

/// Up to `size` members behind a place who joined at the same time.
pub async fn together(tx: &mut Tx, chat: ChatId, last: &Place, size: i64) -> Result<Vec<Place>, StoreError> {
    let params = [chat.into(), last.joined_at.into(), last.member.to_column().into(), size.into()];
    let sql = "SELECT member, joined_at FROM chat_member WHERE tenant = $1 AND chat_id = $2 \
               AND joined_at = $3 AND member > $4 ORDER BY member LIMIT $5";
    tx.rows(sql, params).await?.into_iter().map(place).collect()
}

/// Every member of a chat, in the order in which they joined.
pub async fn all(tx: &mut Tx, chat: ChatId) -> Result<Vec<Membership>, StoreError> {
    let sql = "SELECT member, manager FROM chat_member WHERE tenant = $1 AND chat_id = $2 ORDER BY joined_at, member";
    tx.rows(sql, [chat.into()]).await?.into_iter().map(membership).collect()
}

/// Adds a member; nothing happens if it is one already. Whoever waited to be let in waits no longer.
pub async fn add(
    tx: &mut Tx,
    chat: &LockedChat,
    member: &Member,
    manager: bool,
    now_ms: i64,
) -> Result<bool, StoreError> {
    Ok(add_all(tx, chat, std::slice::from_ref(member), manager, now_ms).await? == 1)
}

/// As [`add`], for several; returns how many were none before.
pub async fn add_all(
    tx: &mut Tx,
    chat: &LockedChat,
    members: &[Member],
    manager: bool,
    now_ms: i64,
) -> Result<usize, StoreError> {
    users::hold(tx, members.iter().filter_map(Member::user_id)).await?;
    let (mut users, mut bots) = (0, 0);
    for member in members {
        let (kind, count) = match member {
            Member::User(_) => ("user", &mut users),
            Member::Bot(_) => ("bot", &mut bots),
        };
        let sql = "INSERT INTO chat_member (tenant, chat_id, member, kind, manager, joined_at, listed, chat_created_at, chat_active_at) \
                   SELECT tenant, chat_id, CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS BIGINT), \
                   CASE WHEN chat_mode <> 'p2p' AND chat_status <> 'dissolved' THEN 1 ELSE 0 END, created_at, active_at \
                   FROM chat WHERE tenant = $1 AND chat_id = $2 ON CONFLICT (tenant, chat_id, member) DO NOTHING RETURNING member";
        let params =
            [chat.chat_id.into(), member.to_column().into(), kind.into(), manager.into(), now_ms.into()];
        if tx.row(sql, params).await?.is_some() {
            *count += 1;
        }
    }
    let added = users + bots;
    if added > 0 {
        count(tx, chat, users, bots).await?;
        pending::remove_all(tx, chat, members).await?;
    }
    Ok(usize::try_from(added).unwrap_or(0))
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
        moderation::set(tx, chat, member, false).await?;
    }
    match member {
        _ if !removed => {}
        Member::User(_) => count(tx, chat, -1, 0).await?,
        Member::Bot(_) => count(tx, chat, 0, -1).await?,
    }
    Ok(removed)
}

async fn count(tx: &mut Tx, chat: &LockedChat, users: i64, bots: i64) -> Result<(), StoreError> {
    let sql = "UPDATE chat SET user_count = user_count + CAST($3 AS BIGINT), bot_count = bot_count + CAST($4 AS BIGINT) \
               WHERE tenant = $1 AND chat_id = $2";
    tx.rows(sql, [chat.chat_id.into(), users.into(), bots.into()]).await.map(drop)
}
