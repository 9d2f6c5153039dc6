//! Invitations into chats that ask for approval.

use larkspur_contract::ids::ChatId;

use crate::driver::StoreError;
use crate::member::Member;
use crate::tx::{PIECE, in_list, more_rows};
use crate::{LockedChat, Tx, Value, users};

/// A member who waits for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The member.
    pub member: Member,
    /// Who invited it.
    pub inviter: Member,
    /// When, in milliseconds since 1970.
    pub created_at: i64,
}

/// Who waits for approval, in the order of the invitations.
pub async fn list(tx: &mut Tx, chat: ChatId) -> Result<Vec<Pending>, StoreError> {
    let sql = "SELECT member, inviter, created_at FROM chat_pending WHERE tenant = $1 AND chat_id = $2 \
               ORDER BY created_at, member";
    let rows = tx.rows(sql, [chat.into()]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Pending {
                member: Member::parse(&row.text(0)?),
                inviter: Member::parse(&row.text(1)?),
                created_at: row.int(2)?,
            })
        })
        .collect()
}

/// Adds a member who waits for approval; one who already waits keeps the first invitation.
pub async fn add(
    tx: &mut Tx,
    chat: &LockedChat,
    member: &Member,
    inviter: &Member,
    now_ms: i64,
) -> Result<(), StoreError> {
    add_all(tx, chat, std::slice::from_ref(member), inviter, now_ms).await
}

/// As [`add`], for several.
pub async fn add_all(
    tx: &mut Tx,
    chat: &LockedChat,
    members: &[Member],
    inviter: &Member,
    now_ms: i64,
) -> Result<(), StoreError> {
    users::hold(tx, members.iter().filter_map(Member::user_id)).await?;
    for piece in members.chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|member| member.to_column().into()).collect();
        let more = more_rows("$1,$2,$3,$4,", 5, 1, &mut values);
        let sql = format!(
            "INSERT INTO chat_pending (tenant, chat_id, inviter, created_at, member) VALUES ($1, $2, $3, $4, $5){more} \
             ON CONFLICT (tenant, chat_id, member) DO NOTHING"
        );
        let params = [chat.chat_id.into(), inviter.to_column().into(), now_ms.into()];
        tx.rows_of(&sql, params.into_iter().chain(values).collect()).await?;
    }
    Ok(())
}

/// Ends a member's wait for approval; false if it did not wait.
pub async fn remove(tx: &mut Tx, chat: &LockedChat, member: &Member) -> Result<bool, StoreError> {
    let sql = "DELETE FROM chat_pending WHERE tenant = $1 AND chat_id = $2 AND member = $3 RETURNING member";
    Ok(tx.row(sql, [chat.chat_id.into(), member.to_column().into()]).await?.is_some())
}

/// As [`remove`], for several.
pub(crate) async fn remove_all(tx: &mut Tx, chat: &LockedChat, members: &[Member]) -> Result<(), StoreError> {
    for chunk in members.chunks(PIECE) {
        let mut params: Vec<Value> = chunk.iter().map(|member| member.to_column().into()).collect();
        let list = in_list(3, &mut params);
        params.insert(0, chat.chat_id.into());
        let sql = format!("DELETE FROM chat_pending WHERE tenant = $1 AND chat_id = $2 AND member IN {list}");
        tx.rows_of(&sql, params).await?;
    }
    Ok(())
}
