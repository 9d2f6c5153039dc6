//! `im.chat.member.user.deleted_v1`: users left a chat, or were removed from it.

use larkspur_contract::{EventType, events};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::users::User;
use larkspur_store::{StoreError, Tx};
use serde::Serialize;

use super::{Event, Party, Recipient, chat};

/// Users left a chat, or were removed from it. A user who leaves is the operator.
struct UserDeleted<'a> {
    chat: &'a Chat,
    users: &'a [User],
    operator: &'a Party,
}

impl Event for UserDeleted<'_> {
    const TYPE: &'static EventType = &events::USER_DELETED;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        chat::told(to, self.chat, self.operator, self.users)
    }
}

/// Tells the bots of a chat which users left it. Bots among `members` are left out. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn emit(
    tx: &mut Tx,
    chat: &Chat,
    members: &[Member],
    operator: &Party,
    now: i64,
) -> Result<(), StoreError> {
    let found = chat::listeners_and_users(tx, UserDeleted::TYPE, chat, members).await?;
    let Some((listeners, users)) = found else { return Ok(()) };
    super::emit(tx, &UserDeleted { chat, users: &users, operator }, &listeners, now).await
}
