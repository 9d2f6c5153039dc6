//! Chats of two parties: which one two members have, and who the other party is.

use std::collections::HashMap;

use larkspur_contract::ids::ChatId;

use crate::driver::StoreError;
use crate::member::Member;
use crate::tx::{PIECE, found_rows, wanted};
use crate::{Tx, Value};

/// The column for two parties: the lesser first.
fn column(one: &Member, other: &Member) -> String {
    let (one, other) = (one.to_column(), other.to_column());
    if one < other { format!("{one} {other}") } else { format!("{other} {one}") }
}

/// Records the parties of a p2p chat, after its members or its mode changed.
pub(crate) async fn settle(tx: &mut Tx, chat: ChatId) -> Result<(), StoreError> {
    let sql = "UPDATE chat SET parties = CASE WHEN chat_mode = 'p2p' THEN \
               (SELECT CASE WHEN COUNT(*) = 2 THEN MIN(m.member) || ' ' || MAX(m.member) ELSE '' END \
               FROM chat_member m WHERE m.tenant = $1 AND m.chat_id = $2) ELSE '' END WHERE tenant = $1 AND chat_id = $2";
    tx.rows(sql, [chat.into()]).await.map(drop)
}

/// The active p2p chats of a member with some others, by the other; if one pair has several, the oldest.
pub async fn between(
    tx: &mut Tx,
    me: &Member,
    others: &[Member],
) -> Result<HashMap<Member, ChatId>, StoreError> {
    let mut found = HashMap::with_capacity(others.len());
    for piece in others.chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|other| column(me, other).into()).collect();
        let wanted = wanted(2, "TEXT", &mut values);
        let sql = format!(
            "SELECT parties, chat_id FROM {wanted} LEFT JOIN chat ON chat.tenant = $1 AND parties = w.column1 AND parties <> '' \
             AND chat_status = 'normal' ORDER BY created_at DESC, chat_id DESC"
        );
        let mut chats = HashMap::new();
        for mut row in found_rows(tx.look_up_of(&sql, values).await?) {
            // The last one of a pair is its oldest.
            chats.insert(row.text(0)?, row.id(1, ChatId::parse)?);
        }
        found.extend(piece.iter().filter_map(|other| Some((other.clone(), *chats.get(&column(me, other))?))));
    }
    Ok(found)
}

/// The other parties of some p2p chats of a member, by chat. Each chat must have two parties.
pub async fn others(
    tx: &mut Tx,
    me: &Member,
    chats: &[ChatId],
) -> Result<HashMap<ChatId, Member>, StoreError> {
    let mut found = HashMap::with_capacity(chats.len());
    for piece in chats.chunks(PIECE) {
        let mut values: Vec<Value> = piece.iter().map(|id| (*id).into()).collect();
        let wanted = wanted(3, "TEXT", &mut values);
        values.insert(0, me.to_column().into());
        let sql = format!(
            "SELECT chat_id, member FROM {wanted} LEFT JOIN chat_member ON chat_member.tenant = $1 AND chat_id = w.column1 AND member <> $2"
        );
        for mut row in found_rows(tx.rows_of(&sql, values).await?) {
            found.insert(row.id(0, ChatId::parse)?, Member::parse(&row.text(1)?));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_parties_have_one_name() {
        let (anna, bert) = (Member::User("anna".to_owned()), Member::User("bert".to_owned()));
        assert_eq!(column(&anna, &bert), "anna bert");
        assert_eq!(column(&bert, &anna), "anna bert");
    }
}
