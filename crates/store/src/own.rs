//! What members set for themselves in a chat. It is deleted with the membership.

use std::collections::HashMap;

use larkspur_contract::ids::ChatId;

use crate::driver::StoreError;
use crate::member::Member;
use crate::tx::{PIECE, found_rows, wanted};
use crate::{LockedChat, Tx, Value};

/// The notifications that a member mutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mute {
    /// The chat.
    pub chat: bool,
    /// Messages to everyone in it.
    pub at_all: bool,
}

/// A member's mutes in some chats; chats that it is not in are left out.
pub async fn mutes(
    tx: &mut Tx,
    member: &Member,
    chats: &[ChatId],
) -> Result<HashMap<ChatId, Mute>, StoreError> {
    let mut found = HashMap::with_capacity(chats.len());
    for piece in chats.chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|id| (*id).into()).collect();
        let wanted = wanted(3, "TEXT", &mut values);
        values.insert(0, member.to_column().into());
        let sql = format!(
            "SELECT chat_id, muted, mute_at_all FROM {wanted} LEFT JOIN chat_member ON chat_member.tenant = $1 AND chat_id = w.column1 AND member = $2"
        );
        for mut row in found_rows(tx.rows_of(&sql, values).await?) {
            let mute = Mute { chat: row.flag(1)?, at_all: row.flag(2)? };
            found.insert(row.id(0, ChatId::parse)?, mute);
        }
    }
    Ok(found)
}

/// Sets a member's mutes in a chat; has no effect if it is not in it.
pub async fn set_mute(tx: &mut Tx, chat: &LockedChat, member: &Member, mute: Mute) -> Result<(), StoreError> {
    let sql = "UPDATE chat_member SET muted = $4, mute_at_all = $5 WHERE tenant = $1 AND chat_id = $2 AND member = $3";
    let params = [chat.chat_id.into(), member.to_column().into(), mute.chat.into(), mute.at_all.into()];
    tx.rows(sql, params).await.map(drop)
}

/// A member's nickname in a chat; empty if it has none.
pub async fn nickname(tx: &mut Tx, chat: ChatId, member: &Member) -> Result<String, StoreError> {
    let sql = "SELECT nickname FROM chat_member WHERE tenant = $1 AND chat_id = $2 AND member = $3";
    let row = tx.row(sql, [chat.into(), member.to_column().into()]).await?;
    row.map_or_else(|| Ok(String::new()), |mut row| row.text(0))
}

/// Sets a member's nickname in a chat; has no effect if it is not in it.
pub async fn set_nickname(
    tx: &mut Tx,
    chat: &LockedChat,
    member: &Member,
    nickname: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE chat_member SET nickname = $4 WHERE tenant = $1 AND chat_id = $2 AND member = $3";
    tx.rows(sql, [chat.chat_id.into(), member.to_column().into(), nickname.into()]).await.map(drop)
}
