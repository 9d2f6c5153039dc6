//! `im.chat.member.bot.deleted_v1`: a bot was removed from a chat. Only this bot receives it.

use larkspur_contract::{EventType, events};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{StoreError, Tx};
use serde::Serialize;

use super::{Event, Party, Recipient, chat, chat_member_bot_added};

/// A bot was removed from a chat.
struct BotDeleted<'a> {
    chat: &'a Chat,
    operator: &'a Party,
}

impl Event for BotDeleted<'_> {
    const TYPE: &'static EventType = &events::BOT_DELETED;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        chat::told(to, self.chat, self.operator, &[])
    }
}

/// Tells each bot among `members` that it was removed from a chat. `now` is the tenant's time.
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
    let removed = chat_member_bot_added::bots(members);
    if removed.is_empty() {
        return Ok(());
    }
    let mut listeners = super::listeners(tx, BotDeleted::TYPE).await?;
    listeners.retain(|app| removed.contains(&app));
    super::emit(tx, &BotDeleted { chat, operator }, &listeners, now).await
}
