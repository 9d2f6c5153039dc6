//! A message as the control API shows it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use larkspur_api::RootCall;
use larkspur_api::messages::reacting::ShownReaction;
use larkspur_api::messages::{Shown, shown};
use larkspur_api::rules::card::render::{Tree, render};
use larkspur_api::rules::content;
use larkspur_contract::model::{MsgType, RecallType};
use larkspur_store::messages::Message;
use larkspur_store::users::User;
use larkspur_store::{StoreError, Tx, pins, reactions, reads};
use schemars::JsonSchema;
use serde::Serialize;

use super::names::{Author, Names};
use super::own_cards::{self, OwnCard};
use crate::operations::message;
use crate::traffic::Traffic;

/// The most reactions and readers of a message that are shown.
const MOST: usize = 100;

/// A message with everything that belongs to it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Item {
    #[serde(flatten)]
    message: Shown,
    #[serde(flatten)]
    author: Author,
    /// The message in one line of text.
    line: String,
    /// The app that sent it, also on behalf of a user; absent if a client or a custom bot did.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<String>,
    /// The content as it is stored; absent in the view of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<String>,
    /// How it was recalled; absent if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    recalled: Option<Recalled>,
    /// The first 100 cards that users see in place of the one that was sent, if it is not shared; absent in the view of a user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    own_cards: Vec<OwnCard>,
    /// Whether the user sees another card than was sent, in the view of a user; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    own_card: bool,
    /// How often it was edited.
    edits: i64,
    /// Whether it is pinned.
    pinned: bool,
    /// The first 100 reactions to it, in the order in which they were added.
    reactions: Vec<ShownReaction>,
    /// The user_ids of the first 100 users who have read it, in the order in which they did.
    read_by: Vec<String>,
    /// Whether the user has read it, in the view of a user. The user's own are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<bool>,
    /// The log id of the call that sent it, if the answering server still has its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_id: Option<String>,
    /// The render tree of a card.
    #[serde(skip_serializing_if = "Option::is_none")]
    tree: Option<Tree>,
}

/// How a message was recalled.
#[derive(Debug, Serialize, JsonSchema)]
struct Recalled {
    /// A user_id or an app_id.
    by: String,
    /// In whose right.
    recall_type: RecallType,
    /// When, in milliseconds since 1970.
    recall_time: String,
}

/// How messages are looked at.
pub(super) struct Look {
    /// The user whose view it is.
    pub(super) reader: Option<User>,
    /// The calls that sent messages, by message_id.
    pub(super) log_ids: HashMap<String, String>,
    /// The language of render trees; `None` for no trees.
    pub(super) language: Option<String>,
}

/// The calls that sent messages, as far as this process recorded them.
pub(super) fn log_ids(call: &RootCall, tx: &Tx, messages: &[Message]) -> HashMap<String, String> {
    let traffic: Option<Arc<dyn Traffic>> = call.services.get();
    let Some(traffic) = traffic else { return HashMap::new() };
    let (keys, tenant) = (&tx.engine().keys, tx.tenant());
    let ids: HashSet<String> =
        messages.iter().map(|message| keys.message_id(message.number, tenant).to_string()).collect();
    traffic.senders(tenant, &ids)
}

/// Messages as they are looked at, in their order.
pub(super) async fn items(tx: &mut Tx, messages: Vec<Message>, look: &Look) -> Result<Vec<Item>, StoreError> {
    let viewer = match &look.reader {
        Some(reader) => message::viewer(tx).reading_as(reader),
        None => message::viewer(tx),
    };
    let numbers: Vec<i64> = messages.iter().map(|message| message.number).collect();
    let read = match &look.reader {
        Some(reader) => reads::among(tx, &numbers, &reader.user_id).await?,
        None => Default::default(),
    };
    let names = Names::of_senders(tx, &messages).await?;
    let shown = shown::show_all(tx, &viewer, messages.clone()).await?;
    let mut items = Vec::with_capacity(messages.len());
    for (message, shown) in messages.into_iter().zip(shown) {
        let number = message.number;
        let reactions = reactions::page(tx, number, None, None, MOST).await?;
        let readers = reads::page(tx, number, None, MOST).await?;
        let (own_card, own_cards) = own_cards::of(tx, &message, &shown, look).await?;
        let own = message
            .sender
            .user_id()
            .is_some_and(|sender| look.reader.as_ref().is_some_and(|reader| reader.user_id == sender));
        items.push(Item {
            author: names.author(&message.sender),
            line: line(&shown),
            log_id: look.log_ids.get(&shown.message_id).cloned(),
            app_id: message.app.map(|app| app.to_string()),
            tree: look.language.as_deref().and_then(|language| tree(&shown, language)),
            stored: look.reader.is_none().then_some(message.content),
            recalled: message.recalled.map(|recalled| Recalled {
                by: recalled.by.to_column(),
                recall_type: recalled.kind,
                recall_time: recalled.at.to_string(),
            }),
            own_cards,
            own_card,
            edits: message.edits,
            pinned: pins::get(tx, number).await?.is_some(),
            reactions: reactions.iter().map(|reaction| ShownReaction::of(tx, &viewer, reaction)).collect(),
            read_by: readers.into_iter().map(|reader| reader.reader).collect(),
            read: look.reader.is_some().then(|| own || read.contains(&number)),
            message: shown,
        });
    }
    Ok(items)
}

/// One line, with the names of those whom it mentions.
pub(super) fn line(shown: &Shown) -> String {
    let line = content::preview(shown.msg_type.as_str(), &shown.body.content);
    // From the last one on: @_user_1 is also the beginning of @_user_10.
    shown
        .mentions
        .iter()
        .rev()
        .fold(line, |line, mention| line.replace(&mention.key, &format!("@{}", mention.name)))
}

fn tree(shown: &Shown, language: &str) -> Option<Tree> {
    if shown.msg_type != MsgType::Interactive || shown.deleted {
        return None;
    }
    serde_json::from_str(&shown.body.content).ok().map(|card| render(&card, language))
}
