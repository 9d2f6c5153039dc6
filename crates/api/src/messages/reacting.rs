//! Reactions to messages.

use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::MsgType;
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::chats::Place;
use larkspur_store::messages::{Listed, Message};
use larkspur_store::reactions::{self, Reaction};
use larkspur_store::{Keys, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::standing::{self, Act};
use super::{Speaker, Viewer, conditions, explained, finding};
use crate::events::{message_reaction_created, message_reaction_deleted};
use crate::rules::emoji;

/// The kind of a reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionType {
    /// The name of the emoji; case matters.
    pub emoji_type: String,
}

/// Who reacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operator {
    /// The id: of a bot its app_id.
    pub operator_id: String,
    /// `user` or `app`.
    pub operator_type: String,
}

impl Operator {
    /// Who reacted, as a reader sees it.
    pub fn of(keys: &Keys, viewer: &Viewer, reaction: &Reaction) -> Self {
        let shown = viewer.sender(keys, &reaction.operator);
        Operator { operator_id: shown.id, operator_type: shown.sender_type }
    }
}

/// A reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownReaction {
    /// When it was added, in milliseconds since 1970.
    pub action_time: String,
    /// Who reacted.
    pub operator: Operator,
    /// Its id.
    pub reaction_id: String,
    /// Its kind.
    pub reaction_type: ReactionType,
}

impl ShownReaction {
    /// A reaction as a reader sees it.
    pub fn of(tx: &Tx, viewer: &Viewer, reaction: &Reaction) -> Self {
        let keys = &tx.engine().keys;
        ShownReaction {
            action_time: reaction.created_at.to_string(),
            operator: Operator::of(keys, viewer, reaction),
            reaction_id: keys.reaction_id(reaction.number, tx.tenant()),
            reaction_type: ReactionType { emoji_type: reaction.emoji.clone() },
        }
    }
}

/// Whether there is an emoji of this name. `more` are the names beside the documented ones.
///
/// # Errors
/// 231001.
pub fn known(name: &str, more: &[String]) -> Result<(), Fault> {
    if emoji::is_known(name) || more.iter().any(|other| other == name) {
        return Ok(());
    }
    let fault = Fault::new(codes::REACTION_TYPE_INVALID, format!("no emoji {}", super::cut(name)));
    Err(fault.with_violation("reaction_type.emoji_type", Some(name), "invalid emoji_type"))
}

/// The message with this id and its chat, if the speaker may do this there. Operations that only add rows may call it.
///
/// # Errors
/// 99992354 for an id that never existed, 231003 for one of another tenant or of a message that was recalled, and the refusals of
/// [`standing::enter`].
pub async fn target(
    tx: &mut Tx,
    speaker: &Speaker,
    message_id: &str,
    act: Act,
) -> Result<(Message, Place), Fault> {
    let found = finding::message(tx, message_id).await;
    let message = found.map_err(|fault| match fault.code() {
        codes::MESSAGE_INVALID => fault.without_cause().with_code(codes::REACTION_MESSAGE_NOT_FOUND),
        _ => fault,
    })?;
    let place = standing::enter(tx, speaker, message.chat_id, act).await?;
    let place = place.ok_or_else(|| Fault::new(codes::REACTION_CHAT_NOT_FOUND, "no chat"))?;
    if message.listed == Listed::Nowhere {
        return Err(standing::outside(speaker));
    }
    conditions::sees(tx, speaker, &place, &message, codes::REACTION_MESSAGE_INVISIBLE).await?;
    if message.recalled.is_some() {
        return Err(Fault::new(codes::REACTION_MESSAGE_NOT_FOUND, "the message was recalled"));
    }
    Ok((message, place))
}

/// Adds a reaction, and tells the apps. If the speaker has this emoji on the message, that reaction is returned. It only adds rows.
///
/// # Errors
/// 231017 for a message of the system.
pub async fn react(
    tx: &mut Tx,
    speaker: &Speaker,
    place: &Place,
    message: &Message,
    emoji: &str,
) -> Result<Reaction, Fault> {
    supported(message)?;
    if let Some(found) = reactions::same(tx, message.number, &speaker.sender, emoji).await? {
        return Ok(found);
    }
    let reaction = Reaction {
        number: tx.next_id(),
        message: message.number,
        emoji: emoji.to_owned(),
        operator: speaker.sender.clone(),
        created_at: speaker.now,
    };
    reactions::insert(tx, &reaction).await?;
    message_reaction_created::emit(tx, &place.chat, &reaction, speaker.now).await?;
    Ok(reaction)
}

/// Removes a reaction, tells the apps, and returns what it was.
///
/// # Errors
/// 231011 for an unknown id, 231010 for a reaction to another message, 231007 for one of another operator.
pub async fn unreact(
    tx: &mut Tx,
    speaker: &Speaker,
    place: &Place,
    message: &Message,
    reaction_id: &str,
) -> Result<Reaction, Fault> {
    let unknown = || Fault::new(codes::REACTION_ID_INVALID, format!("no reaction {reaction_id}"));
    let read = tx.engine().keys.read_reaction_id(reaction_id);
    let number = read.filter(|(_, tenant)| *tenant == tx.tenant()).map(|(number, _)| number);
    let found = match number {
        Some(number) => reactions::get(tx, number).await?,
        None => None,
    };
    let reaction = found.ok_or_else(unknown)?;
    if reaction.message != message.number {
        return Err(Fault::new(codes::REACTION_OF_OTHER_MESSAGE, "a reaction to another message"));
    }
    if reaction.operator != speaker.sender {
        let fault = Fault::new(codes::REACTION_NOT_OWN, "a reaction of another operator");
        return Err(explained::not_sender(fault, speaker));
    }
    if !reactions::remove(tx, reaction.number).await? {
        return Err(unknown());
    }
    message_reaction_deleted::emit(tx, &place.chat, &reaction, speaker.now).await?;
    Ok(reaction)
}

fn supported(message: &Message) -> Result<(), Fault> {
    if message.msg_type == MsgType::System {
        return Err(Fault::new(codes::REACTION_TYPE_UNSUPPORTED, "a message of the system"));
    }
    Ok(())
}

/// Which messages have reactions.
pub const TARGETS: Behaviour = Behaviour {
    name: "reaction_message",
    rule: "A recalled message, and one of another tenant, is 231003; an unknown or malformed message_id is the gateway's 99992354. Reactions of a recalled message are neither shown nor changed. In a p2p chat with a user who has left the tenant, reacting is 231019.",
    basis: Assumed,
    switch: false,
};
/// What a repeated reaction does.
pub const REPEATED: Behaviour = Behaviour {
    name: "reaction_repeated",
    rule: "An operator has each emoji once on a message: the same again answers the existing reaction, with its time, and no event. A bot and each user on whose behalf its app acts are different operators.",
    basis: Assumed,
    switch: false,
};
/// What the answer to a removal says.
pub const REMOVED: Behaviour = Behaviour {
    name: "reaction_removed",
    rule: "The answer has the time at which the reaction was added, the event the time at which it was removed. A reaction is removed by its operator alone.",
    basis: Assumed,
    switch: false,
};
/// Who is told.
pub const TOLD: Behaviour = Behaviour {
    name: "event_reaction_receivers",
    rule: "Every subscribed app whose bot is in the chat is told, the one that reacted included.",
    basis: Assumed,
    switch: false,
};
