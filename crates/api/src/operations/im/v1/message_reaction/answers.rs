//! What is asked of several messages at once, and the answer.

use larkspur_store::reactions::{self, Reaction};
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;

use crate::messages::Viewer;
use crate::messages::reacting::Operator;
use crate::paging;

/// The reactions to each message.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The messages without an answer.
    pub(super) fail_msg_reaction_details: Vec<Failed>,
    /// How many reactions each message has.
    success_msg_reaction_counts: Vec<Counted>,
    /// Reactions to each message.
    success_msg_reaction_details: Vec<Detailed>,
}

/// A message without an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Failed {
    /// Why.
    pub(super) fail_reason: Reason,
    /// The message.
    pub(super) message_id: String,
}

/// Why a message has no answer.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// There is no such message, or it was recalled.
    Invalid,
    /// The token was not issued for this message.
    InvalidPageToken,
    /// The operator may not read it.
    NoPermission,
}

/// How many reactions a message has.
#[derive(Debug, Serialize, JsonSchema)]
struct Counted {
    /// The message.
    message_id: String,
    /// By emoji.
    reaction_count: Vec<Count>,
}

/// How many reactions with one emoji a message has.
#[derive(Debug, Serialize, JsonSchema)]
struct Count {
    /// A decimal number.
    count: String,
    /// The name of the emoji.
    reaction_type: String,
}

/// A page of reactions to a message.
#[derive(Debug, Serialize, JsonSchema)]
struct Detailed {
    /// Whether there is a next page.
    has_more: bool,
    /// The message.
    message_id: String,
    /// The reactions.
    message_reaction_items: Vec<Item>,
    /// Token of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
}

/// A reaction. Its emoji is not in an object here.
#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    /// When it was added, in milliseconds since 1970.
    action_time: String,
    /// The name of the emoji.
    emoji_type: String,
    /// Who reacted.
    operator: Operator,
    /// Its id.
    reaction_id: String,
}

impl Item {
    fn of(tx: &Tx, viewer: &Viewer, reaction: Reaction) -> Self {
        let keys = &tx.engine().keys;
        Item {
            action_time: reaction.created_at.to_string(),
            operator: Operator::of(keys, viewer, &reaction),
            reaction_id: keys.reaction_id(reaction.number, tx.tenant()),
            emoji_type: reaction.emoji,
        }
    }
}

/// What is asked of every message.
pub(super) struct Asking<'a> {
    pub(super) emoji: Option<&'a str>,
    pub(super) size: usize,
    pub(super) viewer: Viewer,
}

impl Asking<'_> {
    /// Adds the answer for a message; returns why it has none.
    pub(super) async fn add(
        &self,
        tx: &mut Tx,
        message_id: &str,
        token: Option<&str>,
        message: i64,
        output: &mut Output,
    ) -> Result<Option<Reason>, StoreError> {
        let list = format!("im.v1.message_reaction.batch_query {} {message} {:?}", tx.tenant(), self.emoji);
        let Ok(begin) = paging::read(&tx.engine().keys, &list, token) else {
            return Ok(Some(Reason::InvalidPageToken));
        };
        let begin = begin.as_deref().and_then(super::parse_cursor);
        let mut found = reactions::page(tx, message, self.emoji, begin, self.size + 1).await?;
        let has_more = found.len() > self.size;
        found.truncate(self.size);
        let next = found.last().filter(|_| has_more).map(super::write_cursor);
        let counts = reactions::counts(tx, message, self.emoji).await?.into_iter();
        let count = |(reaction_type, count): (String, i64)| Count { count: count.to_string(), reaction_type };
        output
            .success_msg_reaction_counts
            .push(Counted { message_id: message_id.to_owned(), reaction_count: counts.map(count).collect() });
        output.success_msg_reaction_details.push(Detailed {
            has_more,
            message_id: message_id.to_owned(),
            message_reaction_items: found
                .into_iter()
                .map(|reaction| Item::of(tx, &self.viewer, reaction))
                .collect(),
            page_token: next.map(|place| paging::write(&tx.engine().keys, &list, &place)),
        });
        Ok(None)
    }
}
