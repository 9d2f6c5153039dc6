//! Members of chats.

use std::collections::HashSet;

use larkspur_contract::ids::{AppId, ChatId};
use larkspur_contract::model::ChatMode;

use crate::driver::StoreError;
use crate::member::Member;
use crate::tx::{PIECE, found_rows, in_list, more_rows, wanted};
use crate::{LockedChat, Row, Tx, Value, moderation, parties, pending, users};

/// A membership.
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

/// A member's membership; `None` if it is not a member.
pub async fn get(tx: &mut Tx, chat: ChatId, member: &Member) -> Result<Option<Membership>, StoreError> {
    let sql = "SELECT member, manager FROM chat_member WHERE tenant = $1 AND chat_id = $2 AND member = $3";
    tx.row(sql, [chat.into(), member.to_column().into()]).await?.map(membership).transpose()
}

/// When a member joined, in the tenant's time; `None` if it is not one. Operations that only add rows may call it.
///
/// # Errors
/// The store is unavailable.
pub async fn joined_at(tx: &mut Tx, chat: ChatId, member: &Member) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT joined_at FROM chat_member WHERE tenant = $1 AND chat_id = $2 AND member = $3";
    let found = tx.look_up(sql, [chat.into(), member.to_column().into()]).await?;
    found.into_iter().next().map(|row| row.int(0)).transpose()
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
    for chunk in columns.chunks(PIECE) {
        let mut params = chunk.to_vec();
        let wanted = wanted(3, "TEXT", &mut params);
        params.insert(0, chat.into());
        let sql = format!(
            "SELECT member FROM {wanted} LEFT JOIN chat_member ON chat_member.tenant = $1 AND chat_member.member = w.column1 AND chat_id = $2"
        );
        for mut row in found_rows(tx.rows_of(&sql, params).await?) {
            found.insert(Member::parse(&row.text(0)?));
        }
    }
    Ok(found)
}

/// Where a page of members ends: the last one on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When that one joined, in milliseconds since 1970.
    pub joined_at: i64,
    /// Who it is.
    pub member: Member,
}

fn cursor(mut row: Row) -> Result<Cursor, StoreError> {
    Ok(Cursor { member: Member::parse(&row.text(0)?), joined_at: row.int(1)? })
}

/// Up to `size` members after a cursor, in the order in which they joined.
pub async fn after(
    tx: &mut Tx,
    chat: ChatId,
    last: Option<&Cursor>,
    size: i64,
) -> Result<Vec<Cursor>, StoreError> {
    let first = Cursor { joined_at: i64::MIN, member: Member::User(String::new()) };
    let last = last.unwrap_or(&first);
    let params = [chat.into(), last.joined_at.into(), last.member.to_column().into(), size.into()];
    let sql = "SELECT member, joined_at FROM chat_member WHERE tenant = $1 AND chat_id = $2 \
               AND (joined_at, member) > (CAST($3 AS BIGINT), CAST($4 AS TEXT)) ORDER BY joined_at, member LIMIT $5";
    tx.rows(sql, params).await?.into_iter().map(cursor).collect()
}

/// Up to `size` users after a cursor, in the order in which they joined. A chat has few bots in between.
pub async fn users_after(
    tx: &mut Tx,
    chat: ChatId,
    last: Option<&Cursor>,
    size: i64,
) -> Result<Vec<Cursor>, StoreError> {
    let first = Cursor { joined_at: i64::MIN, member: Member::User(String::new()) };
    let last = last.unwrap_or(&first);
    let params = [chat.into(), last.joined_at.into(), last.member.to_column().into(), size.into()];
    tx.rows(USERS, params).await?.into_iter().map(cursor).collect()
}

const USERS: &str = "SELECT member, joined_at FROM chat_member WHERE tenant = $1 AND chat_id = $2 AND kind = 'user' \
                     AND (joined_at, member) > (CAST($3 AS BIGINT), CAST($4 AS TEXT)) ORDER BY joined_at, member LIMIT $5";

/// The statements of this file that read pages, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[USERS];

/// The bots of a chat, in the order in which they joined. Their column begins with `cli_`, so that no other rows are read.
pub async fn bots(tx: &mut Tx, chat: ChatId) -> Result<Vec<AppId>, StoreError> {
    let sql = "SELECT member, joined_at FROM chat_member WHERE tenant = $1 AND chat_id = $2 \
               AND member >= 'cli_' AND member < 'cli`' AND kind = 'bot' ORDER BY joined_at, member";
    let rows = tx.look_up(sql, [chat.into()]).await?;
    rows.into_iter().map(|mut row| row.id(0, AppId::parse)).collect()
}

/// Up to `size` members after a cursor who joined at the same time.
pub async fn together(
    tx: &mut Tx,
    chat: ChatId,
    last: &Cursor,
    size: i64,
) -> Result<Vec<Cursor>, StoreError> {
    let params = [chat.into(), last.joined_at.into(), last.member.to_column().into(), size.into()];
    let sql = "SELECT member, joined_at FROM chat_member WHERE tenant = $1 AND chat_id = $2 \
               AND joined_at = $3 AND member > $4 ORDER BY member LIMIT $5";
    tx.rows(sql, params).await?.into_iter().map(cursor).collect()
}

/// Every member of a chat, in the order in which they joined.
pub async fn all(tx: &mut Tx, chat: ChatId) -> Result<Vec<Membership>, StoreError> {
    let sql = "SELECT member, manager FROM chat_member WHERE tenant = $1 AND chat_id = $2 ORDER BY joined_at, member";
    tx.rows(sql, [chat.into()]).await?.into_iter().map(membership).collect()
}

/// Adds a member, and ends its wait for approval. Has no effect on an existing member.
pub async fn add(
    tx: &mut Tx,
    chat: &LockedChat,
    member: &Member,
    manager: bool,
    now_ms: i64,
) -> Result<bool, StoreError> {
    Ok(add_all(tx, chat, std::slice::from_ref(member), manager, now_ms).await? == 1)
}

/// As [`add`], for several; returns how many were new.
pub async fn add_all(
    tx: &mut Tx,
    chat: &LockedChat,
    members: &[Member],
    manager: bool,
    now_ms: i64,
) -> Result<usize, StoreError> {
    users::hold(tx, members.iter().filter_map(Member::user_id)).await?;
    let mut added = Vec::new();
    for piece in members.chunks(PIECE) {
        let kind = |member: &Member| if member.user_id().is_some() { "user" } else { "bot" };
        let mut values: Vec<Value> =
            piece.iter().flat_map(|member| [member.to_column().into(), kind(member).into()]).collect();
        let more = more_rows("", 5, 2, &mut values);
        let sql = format!(
            "INSERT INTO chat_member (tenant, chat_id, member, kind, manager, joined_at, listed, chat_created_at, chat_active_at) \
             SELECT c.tenant, c.chat_id, m.column1, m.column2, CAST($3 AS BIGINT), CAST($4 AS BIGINT), \
             CASE WHEN c.chat_status = 'dissolved' THEN 0 WHEN c.chat_mode = 'p2p' THEN 2 ELSE 1 END, c.created_at, c.active_at \
             FROM chat c, (VALUES ($5, $6){more}) AS m WHERE c.tenant = $1 AND c.chat_id = $2 \
             ON CONFLICT (tenant, chat_id, member) DO NOTHING RETURNING member"
        );
        let params = [chat.chat_id.into(), manager.into(), now_ms.into()];
        for mut row in tx.rows_of(&sql, params.into_iter().chain(values).collect()).await? {
            added.push(Member::parse(&row.text(0)?));
        }
    }
    if !added.is_empty() {
        count(tx, chat, &added, 1).await?;
        pending::remove_all(tx, chat, members).await?;
    }
    Ok(added.len())
}

/// Makes a member a manager, or no longer one; false if it is not a member.
pub async fn set_manager(
    tx: &mut Tx,
    chat: &LockedChat,
    member: &Member,
    manager: bool,
) -> Result<bool, StoreError> {
    Ok(set_managers(tx, chat, std::slice::from_ref(member), manager).await? == 1)
}

/// As [`set_manager`], for several; returns how many are members.
pub async fn set_managers(
    tx: &mut Tx,
    chat: &LockedChat,
    members: &[Member],
    manager: bool,
) -> Result<usize, StoreError> {
    let mut found = 0;
    for piece in members.chunks(PIECE) {
        let mut values = columns(piece);
        let list = in_list(4, &mut values);
        let sql = format!(
            "UPDATE chat_member SET manager = $3 WHERE tenant = $1 AND chat_id = $2 AND member IN {list} RETURNING member"
        );
        let params = [chat.chat_id.into(), manager.into()];
        found += tx.rows_of(&sql, params.into_iter().chain(values).collect()).await?.len();
    }
    Ok(found)
}

/// Removes a member; false if it is not one.
pub async fn remove(tx: &mut Tx, chat: &LockedChat, member: &Member) -> Result<bool, StoreError> {
    Ok(remove_all(tx, chat, std::slice::from_ref(member)).await? == 1)
}

/// As [`remove`], for several; returns how many were members.
pub async fn remove_all(tx: &mut Tx, chat: &LockedChat, members: &[Member]) -> Result<usize, StoreError> {
    let mut removed = Vec::new();
    for piece in members.chunks(PIECE) {
        let mut values = columns(piece);
        let list = in_list(3, &mut values);
        let sql = format!(
            "DELETE FROM chat_member WHERE tenant = $1 AND chat_id = $2 AND member IN {list} RETURNING member"
        );
        let params = [chat.chat_id.into()];
        for mut row in tx.rows_of(&sql, params.into_iter().chain(values).collect()).await? {
            removed.push(Member::parse(&row.text(0)?));
        }
    }
    if !removed.is_empty() {
        moderation::set_all(tx, chat, &removed, false).await?;
        count(tx, chat, &removed, -1).await?;
    }
    Ok(removed.len())
}

fn columns(members: &[Member]) -> Vec<Value> {
    members.iter().map(|member| member.to_column().into()).collect()
}

/// Updates the counts for members who joined (1) or left (-1).
async fn count(tx: &mut Tx, chat: &LockedChat, members: &[Member], each: i64) -> Result<(), StoreError> {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(each);
    let users = members.iter().filter(|member| member.user_id().is_some()).count();
    let params = [chat.chat_id.into(), number(users).into(), number(members.len() - users).into()];
    let sql = "UPDATE chat SET user_count = user_count + CAST($3 AS BIGINT), bot_count = bot_count + CAST($4 AS BIGINT) \
               WHERE tenant = $1 AND chat_id = $2";
    tx.rows(sql, params).await?;
    if chat.mode == ChatMode::P2p {
        parties::settle(tx, chat.chat_id).await?;
    }
    Ok(())
}
