//! `im.chat.member.bot.added_v1`: a bot was added to a chat. No field names the bot.

use larkspur_contract::ids::AppId;
use larkspur_contract::{EventType, events};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{StoreError, Tx};
use serde::Serialize;

use super::{Event, Party, Recipient, chat};

/// A bot was added to a chat.
struct BotAdded<'a> {
    chat: &'a Chat,
    operator: &'a Party,
}

impl Event for BotAdded<'_> {
    const TYPE: &'static EventType = &events::BOT_ADDED;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        chat::told(to, self.chat, self.operator, &[])
    }
}

/// The bots among some members.
pub(super) fn bots(members: &[Member]) -> Vec<AppId> {
    let bot = |member: &Member| match member {
        Member::Bot(app_id) => Some(*app_id),
        Member::User(_) => None,
    };
    members.iter().filter_map(bot).collect()
}

/// Tells bots that those among `members` were added to a chat: all bots of the chat if a user did it, else only the new
/// ones; see [`chat::BOT_ADDED`]. `now` is the tenant's time.
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
    let added = bots(members);
    if added.is_empty() {
        return Ok(());
    }
    let event = BotAdded { chat, operator };
    if let Party::Bot(_) = operator {
        let mut listeners = super::listeners(tx, BotAdded::TYPE).await?;
        listeners.retain(|app| added.contains(&app));
        return super::emit(tx, &event, &listeners, now).await;
    }
    let listeners = chat::listeners_in(tx, BotAdded::TYPE, chat).await?;
    for _ in added {
        super::emit(tx, &event, &listeners, now).await?;
    }
    Ok(())
}
