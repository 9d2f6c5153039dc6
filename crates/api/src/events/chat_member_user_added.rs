//! `im.chat.member.user.added_v1`: users joined a chat.

use larkspur_contract::{EventType, events};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::users::User;
use larkspur_store::{StoreError, Tx};
use serde::Serialize;

use super::{Event, Party, Recipient, chat};

/// Users joined a chat.
struct UserAdded<'a> {
    chat: &'a Chat,
    users: &'a [User],
    operator: &'a Party,
}

impl Event for UserAdded<'_> {
    const TYPE: &'static EventType = &events::USER_ADDED;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        chat::told(to, self.chat, self.operator, self.users)
    }
}

/// Tells the bots of a chat which users joined it. Bots among `members` are left out. `now` is the tenant's time.
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
    let found = chat::listeners_and_users(tx, UserAdded::TYPE, chat, members).await?;
    let Some((listeners, users)) = found else { return Ok(()) };
    super::emit(tx, &UserAdded { chat, users: &users, operator }, &listeners, now).await
}
