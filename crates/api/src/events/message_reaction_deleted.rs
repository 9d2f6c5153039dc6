//! `im.message.reaction.deleted_v1`: a reaction was removed from a message.

use larkspur_contract::{EventType, events};
use larkspur_store::chats::Chat;
use larkspur_store::reactions::Reaction;
use larkspur_store::{StoreError, Tx};
use serde::Serialize;

use super::{Event, Recipient, message_reaction};

struct Deleted<'a> {
    reaction: &'a Reaction,
    at: i64,
}

impl Event for Deleted<'_> {
    const TYPE: &'static EventType = &events::REACTION_DELETED;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        message_reaction::told(self.reaction, self.at, to)
    }
}

/// Tells the bots of the chat, the one that acted included. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn emit(tx: &mut Tx, place: &Chat, reaction: &Reaction, now: i64) -> Result<(), StoreError> {
    let listeners = message_reaction::listeners(tx, Deleted::TYPE, place).await?;
    super::emit(tx, &Deleted { reaction, at: now }, &listeners, now).await
}
