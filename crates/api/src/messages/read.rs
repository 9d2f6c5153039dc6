//! Who has read messages.

use larkspur_contract::Basis::Assumed;
use larkspur_contract::Behaviour;
use larkspur_contract::model::ChatMode;
use larkspur_store::chats::Chat;
use larkspur_store::messages::{Message, Sender};
use larkspur_store::users::User;
use larkspur_store::{StoreError, Tx, reads};

use crate::events::message_read;

/// Records that a user has read messages of one chat, and tells the bot of a p2p chat which of its own are among them. Messages
/// that the user sent or had read before, and those that were recalled, change nothing. Returns the numbers of the others, in the
/// order of the list. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn mark(
    tx: &mut Tx,
    reader: &User,
    chat: &Chat,
    messages: &[Message],
    now: i64,
) -> Result<Vec<i64>, StoreError> {
    let own = Sender::User { user_id: reader.user_id.clone(), number: reader.user_no.cast_unsigned() };
    let readable = |message: &&Message| message.recalled.is_none() && message.sender != own;
    let numbers: Vec<i64> = messages.iter().filter(readable).map(|message| message.number).collect();
    if numbers.is_empty() {
        return Ok(numbers);
    }
    let marked = reads::mark(tx, &numbers, reader, now).await?;
    if chat.mode == ChatMode::P2p {
        let by_bot = |number: &i64| {
            let found = messages.iter().find(|message| message.number == *number);
            found.is_some_and(|message| matches!(message.sender, Sender::Bot(_)))
        };
        let of_bot: Vec<i64> = marked.iter().copied().filter(by_bot).collect();
        if !of_bot.is_empty() {
            message_read::emit(tx, chat, reader, &of_bot, now).await?;
        }
    }
    Ok(marked)
}

/// What counts as read.
pub const READING: Behaviour = Behaviour {
    name: "message_read",
    rule: "Users read messages by the control API. A message is read once by each user; senders do not read their own. Bots read nothing.",
    basis: Assumed,
    switch: false,
};
