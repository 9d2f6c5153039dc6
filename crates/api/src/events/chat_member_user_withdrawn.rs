//! `im.chat.member.user.withdrawn_v1`: an invitation to a chat was withdrawn.

use larkspur_contract::{EventType, events};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::users::User;
use larkspur_store::{StoreError, Tx};
use serde::Serialize;

use super::{Event, Party, Recipient, chat};

/// The invitations of users who waited for approval were withdrawn.
struct UserWithdrawn<'a> {
    chat: &'a Chat,
    users: &'a [User],
    operator: &'a Party,
}

impl Event for UserWithdrawn<'_> {
    const TYPE: &'static EventType = &events::USER_WITHDRAWN;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        chat::told(to, self.chat, self.operator, self.users)
    }
}

/// Tells the bots of a chat whose invitations were withdrawn. Bots among `members` are left out. `now` is the tenant's
/// time.
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
    let found = chat::listeners_and_users(tx, UserWithdrawn::TYPE, chat, members).await?;
    let Some((listeners, users)) = found else { return Ok(()) };
    super::emit(tx, &UserWithdrawn { chat, users: &users, operator }, &listeners, now).await
}
