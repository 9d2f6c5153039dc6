//! Who may speak in a chat, and what is pinned to its top.

use std::collections::HashSet;

use larkspur_contract::ids::ChatId;

use crate::driver::StoreError;
use crate::member::Member;
use crate::tx::{PIECE, in_list, more_rows};
use crate::{LockedChat, Tx, Value};

const PAGE: &str = "SELECT member FROM chat_moderator WHERE tenant = $1 AND chat_id = $2 AND member > $3 ORDER BY member LIMIT $4";

/// The statements that page, for the test of their query plans.
pub const STATEMENTS: &[&str] = &[PAGE];

/// Up to `size` moderators of a chat after one; the empty text is before the first.
pub async fn page(tx: &mut Tx, chat: ChatId, last: &str, size: usize) -> Result<Vec<Member>, StoreError> {
    let rows = tx.rows(PAGE, [chat.into(), last.into(), crate::listing::limit(size)]).await?;
    rows.into_iter().map(|mut row| Ok(Member::parse(&row.text(0)?))).collect()
}

/// Makes a member a moderator, or no longer one.
pub async fn set(tx: &mut Tx, chat: &LockedChat, member: &Member, moderator: bool) -> Result<(), StoreError> {
    set_all(tx, chat, std::slice::from_ref(member), moderator).await.map(drop)
}

/// As [`set`], for several; returns those for whom this changed something, in the order of the list.
pub async fn set_all(
    tx: &mut Tx,
    chat: &LockedChat,
    members: &[Member],
    moderator: bool,
) -> Result<Vec<Member>, StoreError> {
    let mut changed = HashSet::new();
    for piece in members.chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|member| member.to_column().into()).collect();
        let sql = if moderator {
            let more = more_rows("$1,$2,", 3, 1, &mut values);
            format!(
                "INSERT INTO chat_moderator (tenant, chat_id, member) VALUES ($1, $2, $3){more} ON CONFLICT (tenant, chat_id, member) DO NOTHING RETURNING member"
            )
        } else {
            let list = in_list(3, &mut values);
            format!(
                "DELETE FROM chat_moderator WHERE tenant = $1 AND chat_id = $2 AND member IN {list} RETURNING member"
            )
        };
        values.insert(0, chat.chat_id.into());
        for mut row in tx.rows_of(&sql, values).await? {
            changed.insert(Member::parse(&row.text(0)?));
        }
    }
    Ok(members.iter().filter(|member| changed.contains(member)).cloned().collect())
}

/// A notice at the top of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `1` for a message, `2` for the announcement.
    pub action_type: String,
    /// The message; empty for the announcement.
    pub message_id: String,
}

/// The notices at the top of a chat, in order.
pub async fn top(tx: &mut Tx, chat: ChatId) -> Result<Vec<Notice>, StoreError> {
    let sql = "SELECT action_type, message_id FROM chat_top_notice WHERE tenant = $1 AND chat_id = $2 ORDER BY position";
    let rows = tx.rows(sql, [chat.into()]).await?;
    rows.into_iter()
        .map(|mut row| Ok(Notice { action_type: row.text(0)?, message_id: row.text(1)? }))
        .collect()
}

/// Replaces the notices at the top of a chat.
pub async fn set_top(tx: &mut Tx, chat: &LockedChat, notices: &[Notice]) -> Result<(), StoreError> {
    tx.rows("DELETE FROM chat_top_notice WHERE tenant = $1 AND chat_id = $2", [chat.chat_id.into()]).await?;
    let sql = "INSERT INTO chat_top_notice (tenant, chat_id, position, action_type, message_id) VALUES ($1, $2, $3, $4, $5)";
    for (notice, position) in notices.iter().zip(0i64..) {
        let params = [
            chat.chat_id.into(),
            position.into(),
            notice.action_type.as_str().into(),
            notice.message_id.as_str().into(),
        ];
        tx.rows(sql, params).await?;
    }
    Ok(())
}

/// Removes a message from the top of its chat. The message is locked, as it is while it is put there.
pub async fn take_down(tx: &mut Tx, chat: ChatId, message_id: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM chat_top_notice WHERE tenant = $1 AND chat_id = $2 AND message_id = $3";
    tx.rows(sql, [chat.into(), message_id.into()]).await.map(drop)
}

/// Conditions that block changes of some of a chat's settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holds {
    /// The platform has banned the chat.
    pub banned: bool,
    /// A meeting is going on in it.
    pub meeting: bool,
}

/// The conditions of a chat.
pub async fn holds(tx: &mut Tx, chat: ChatId) -> Result<Holds, StoreError> {
    let sql = "SELECT banned, meeting FROM chat_hold WHERE tenant = $1 AND chat_id = $2";
    let Some(row) = tx.row(sql, [chat.into()]).await? else { return Ok(Holds::default()) };
    Ok(Holds { banned: row.flag(0)?, meeting: row.flag(1)? })
}

/// Replaces the conditions of a chat.
pub async fn set_holds(tx: &mut Tx, chat: &LockedChat, holds: Holds) -> Result<(), StoreError> {
    let sql = "INSERT INTO chat_hold (tenant, chat_id, banned, meeting) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (tenant, chat_id) DO UPDATE SET banned = excluded.banned, meeting = excluded.meeting";
    tx.rows(sql, [chat.chat_id.into(), holds.banned.into(), holds.meeting.into()]).await.map(drop)
}
