//! Cards of which each user has their own, in lists of messages.

use larkspur_api::cards;
use larkspur_api::messages::Shown;
use larkspur_api::rules::card::render::{Tree, render};
use larkspur_store::messages::Message;
use larkspur_store::{StoreError, Tx, own_cards};
use schemars::JsonSchema;
use serde::Serialize;

use super::shown_message::Look;

/// The most cards of a message that are shown.
const MOST: usize = 100;

/// The card that one user sees in place of the one that was sent.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OwnCard {
    /// The user_id.
    user_id: String,
    /// Its JSON.
    content: String,
    /// When it was last replaced, in milliseconds since 1970.
    update_time: String,
    /// Its render tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    tree: Option<Tree>,
}

/// Whether the reader sees another card than was sent, and without a reader the cards that users see in its place.
pub(super) async fn of(
    tx: &mut Tx,
    message: &Message,
    shown: &Shown,
    look: &Look,
) -> Result<(bool, Vec<OwnCard>), StoreError> {
    if !cards::is_personal(message) {
        return Ok((false, Vec::new()));
    }
    if look.reader.is_some() {
        return Ok((!shown.deleted && shown.body.content != message.content, Vec::new()));
    }
    let found = own_cards::of_message(tx, message.number, MOST).await?;
    let language = look.language.as_deref();
    let shown = |card: own_cards::OwnCard| OwnCard {
        user_id: card.reader,
        update_time: card.updated_at.to_string(),
        tree: language
            .and_then(|language| Some(render(&serde_json::from_str(&card.content).ok()?, language))),
        content: card.content,
    };
    Ok((false, found.into_iter().map(shown).collect()))
}
