//! What is deleted with a user.

use std::collections::BTreeSet;

use larkspur_contract::ids::ChatId;

use crate::Tx;
use crate::driver::StoreError;
use crate::member::Member;
use crate::users::{self, User};

/// Every chat that a member is in or waits to join, in the order of ids.
pub async fn chats_of(tx: &mut Tx, member: &Member) -> Result<BTreeSet<ChatId>, StoreError> {
    let mut found = BTreeSet::new();
    for sql in [
        "SELECT chat_id FROM chat_member WHERE tenant = $1 AND member = $2",
        "SELECT chat_id FROM chat_pending WHERE tenant = $1 AND member = $2",
    ] {
        for mut row in tx.rows(sql, [member.to_column().into()]).await? {
            found.insert(row.id(0, ChatId::parse)?);
        }
    }
    Ok(found)
}

/// Removes a user. When this is done, a call that adds the user to something has either done so or will fail.
pub async fn close(tx: &mut Tx, user: &User) -> Result<(), StoreError> {
    let sql = "DELETE FROM users WHERE tenant = $1 AND user_id = $2";
    tx.rows(sql, [user.user_id.as_str().into()]).await.map(drop)
}

/// Deletes what is left of a user who was removed and is in no chat: grants and rights on documents. What the user
/// owned has no owner then. Codes and refresh tokens stay, so that their holders learn that the user is gone.
pub async fn delete(tx: &mut Tx, user: &User) -> Result<(), StoreError> {
    users::set_terms(tx, &user.user_id, "").await?;
    for sql in [
        "DELETE FROM document_member WHERE tenant = $1 AND member = $2",
        "UPDATE document SET owner = '' WHERE tenant = $1 AND owner = $2",
        "DELETE FROM app_visible_user WHERE tenant = $1 AND user_id = $2",
        "DELETE FROM user_grant WHERE tenant = $1 AND user_id = $2",
    ] {
        tx.rows(sql, [user.user_id.as_str().into()]).await?;
    }
    let (tenant, number) = (tx.tenant(), user.user_no.cast_unsigned());
    tx.forget(move |engine| engine.memory.grants.forget_where(|key| key.0 == tenant && key.2 == number));
    Ok(())
}

/// Deletes the codes and refresh tokens of a previous user with this id, so that they do not sign in the new one.
pub async fn forget_sign_ins(tx: &mut Tx, user_id: &str) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM oauth_code WHERE tenant = $1 AND user_id = $2",
        "DELETE FROM oauth_refresh WHERE tenant = $1 AND user_id = $2",
    ] {
        tx.rows(sql, [user_id.into()]).await?;
    }
    Ok(())
}
