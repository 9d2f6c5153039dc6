//! Edits and recalls messages, and replaces cards.

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::model::{ChatCondition, ChatMode, MsgType, RecallType};
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::chats::{Chat, Place};
use larkspur_store::messages::{self, Listed, Message, Recalled, Sender};
use larkspur_store::{Tx, moderation, own_cards, pins};

use super::sending::has_room;
use super::{Speaker, building, conditions, explained, invalid, standing};
use crate::cards;
use crate::events::message_recalled;

/// How long a sender may recall a message, in seconds, unless the world says otherwise: 24 hours. Source: the page on recalling, for the usual setting of
/// administrators.
pub const RECALL_SECONDS: i64 = 24 * 3600;
/// How long owner and managers may recall the messages of others, in milliseconds: a year. Source: the page on recalling.
pub const MANAGED_RECALL_MS: i64 = 365 * 24 * 3600 * 1000;
/// How long a message may be edited, in seconds, unless the world says otherwise: 24 hours. Assumed; the page names a setting of administrators.
pub const EDIT_SECONDS: i64 = 24 * 3600;
/// How often a message may be edited. Source: the page on editing.
pub const EDITS: i64 = 20;
/// How long a card may be replaced, in milliseconds: 14 days. Source: the page on cards.
pub const CARD_MS: i64 = 14 * 24 * 3600 * 1000;

/// Refuses a message that was recalled.
///
/// # Errors
/// 230011.
pub fn stands(message: &Message) -> Result<(), Fault> {
    match &message.recalled {
        None => Ok(()),
        Some(_) => Err(Fault::new(codes::MESSAGE_WITHDRAWN, "the message was recalled")),
    }
}

/// Refuses a part of a forwarded bundle: no speaker has access to it alone.
///
/// # Errors
/// 230002.
pub fn apart(speaker: &Speaker, message: &Message) -> Result<(), Fault> {
    match message.listed {
        Listed::Nowhere => Err(standing::outside(speaker)),
        Listed::InChat | Listed::InThread => Ok(()),
    }
}

/// Edits a message. It is locked, and the speaker may enter its chat.
///
/// # Errors
/// 230002 for a part of a bundle, 230011, 230054, 230071, 230072, 230075, and the refusals of the content.
pub async fn edit(
    tx: &mut Tx,
    speaker: &Speaker,
    place: &Place,
    message: Message,
    kind: MsgType,
    content: &str,
) -> Result<Message, Fault> {
    apart(speaker, &message)?;
    stands(&message)?;
    conditions::sees(tx, speaker, place, &message, codes::MESSAGE_INVISIBLE).await?;
    if !speaker.sent(&message) {
        let fault = Fault::new(codes::NOT_SENDER_OF_EDITED, "another sender's message");
        return Err(explained::not_sender(fault, speaker));
    }
    if !matches!(message.msg_type, MsgType::Text | MsgType::Post) {
        let why = format!("a message of type {} is not edited", message.msg_type.as_str());
        return Err(Fault::new(codes::MESSAGE_TYPE_UNSUPPORTED, why));
    }
    if !matches!(kind, MsgType::Text | MsgType::Post) {
        return Err(invalid("invalid msg_type"));
    }
    if speaker.app.is_some() {
        conditions::not_in(&place.chat, ChatCondition::Secret, codes::EDIT_IN_SECRET_GROUP)?;
        conditions::not_in(&place.chat, ChatCondition::Encrypted, codes::EDIT_IN_ENCRYPTED_GROUP)?;
    }
    let window = speaker.policy.message_edit_seconds.unwrap_or(EDIT_SECONDS);
    if speaker.now.saturating_sub(message.created_at) > window.saturating_mul(1000) {
        let fault = Fault::new(codes::EDIT_EXPIRED, format!("the message is older than {window} s"));
        return Err(explained::too_old(fault, &message, window.saturating_mul(1000), speaker.now));
    }
    if message.edits >= EDITS {
        return Err(Fault::new(codes::EDITED_TOO_OFTEN, format!("{EDITS} edits")));
    }
    let built = building::build(tx, speaker, place, kind, content).await?;
    messages::edit(tx, message.number, kind, &built.content, &built.mentions, speaker.now).await?;
    Ok(Message {
        msg_type: kind,
        content: built.content,
        mentions: built.mentions,
        updated_at: speaker.now,
        edits: message.edits + 1,
        ..message
    })
}

/// Replaces a card. It is locked; `place` is its chat, whether the speaker is in it or not.
///
/// # Errors
/// 230001 for a message that is not a card of the speaker, 230011, 230020, 230031, and the refusals of the content.
pub async fn replace_card(
    tx: &mut Tx,
    speaker: &Speaker,
    place: &Place,
    message: &Message,
    content: &str,
) -> Result<(), Fault> {
    // The page has no code of its own for a part of a bundle.
    if !speaker.sent(message) || place.manager.is_none() || message.listed == Listed::Nowhere {
        return Err(invalid("bot or user is not the message`s sender"));
    }
    stands(message)?;
    if message.msg_type != MsgType::Interactive {
        return Err(invalid("This message is NOT a card."));
    }
    if speaker.now.saturating_sub(message.created_at) > CARD_MS {
        let fault = Fault::new(codes::CARD_TOO_OLD, "the card is older than 14 days");
        return Err(explained::too_old(fault, message, CARD_MS, speaker.now));
    }
    let built = building::card(tx, speaker, content).await?;
    let counted = tx.engine().keys.message_id(message.number, tx.tenant()).0;
    if speaker.limited {
        has_room(tx, counted, speaker.now)?;
        messages::count_on_commit(tx, counted, speaker.now);
    }
    let was_personal = cards::is_personal(message);
    let message = Message { content: built, ..message.clone() };
    cards::mark_sent(tx, &message).await?;
    messages::set_card(tx, message.number, &message.content, speaker.now).await?;
    if was_personal {
        own_cards::forget(tx, message.number).await?;
    }
    Ok(())
}

/// Recalls a message, and tells the apps. It is locked, and the speaker may enter its chat.
///
/// # Errors
/// 230002 for a part of a bundle, 230110 for one that was recalled, 230054 for one of the system, 230026 without a right, 230009 if it is too late.
pub async fn recall(tx: &mut Tx, speaker: &Speaker, place: &Place, message: &Message) -> Result<(), Fault> {
    apart(speaker, message)?;
    if message.recalled.is_some() {
        return Err(Fault::new(codes::MESSAGE_DELETED, "the message was recalled before"));
    }
    conditions::sees(tx, speaker, place, message, codes::MESSAGE_INVISIBLE).await?;
    if message.msg_type == MsgType::System {
        return Err(Fault::new(codes::MESSAGE_TYPE_UNSUPPORTED, "a message of the system is not recalled"));
    }
    let kind = right(speaker, place, message)?;
    let recalled = Recalled { by: speaker.member(), kind, at: speaker.now };
    withdraw(tx, &place.chat, message, &recalled).await
}

/// Recalls a message whose recall was found right, and tells the apps. It is locked.
///
/// # Errors
/// The store is unavailable.
pub async fn withdraw(tx: &mut Tx, chat: &Chat, message: &Message, recalled: &Recalled) -> Result<(), Fault> {
    messages::recall(tx, message.number, recalled).await?;
    pins::remove(tx, message.number).await?;
    let message_id = tx.engine().keys.message_id(message.number, tx.tenant()).to_string();
    moderation::take_down(tx, chat.chat_id, &message_id).await?;
    message_recalled::emit(tx, chat, message, recalled).await?;
    Ok(())
}

/// In whose right the speaker recalls a message.
fn right(speaker: &Speaker, place: &Place, message: &Message) -> Result<RecallType, Fault> {
    let age = speaker.now.saturating_sub(message.created_at);
    let window = speaker.policy.recall_seconds.unwrap_or(RECALL_SECONDS).saturating_mul(1000);
    let own = speaker.sent(message) && !matches!(message.sender, Sender::Hook(_));
    match may_recall_others(speaker, place) {
        _ if own && age <= window => Ok(RecallType::MessageOwner),
        Ok(kind) if age <= MANAGED_RECALL_MS => Ok(kind),
        Err(refused) if !own => Err(refused),
        managed => {
            let fault = Fault::new(codes::RECALL_EXPIRED, format!("the message is {age} ms old"));
            let window = if managed.is_ok() { MANAGED_RECALL_MS } else { window };
            Err(explained::too_old(fault, message, window, speaker.now))
        }
    }
}

/// In whose right the speaker recalls the messages of others.
///
/// # Errors
/// 230026 if the speaker has no such right.
pub fn may_recall_others(speaker: &Speaker, place: &Place) -> Result<RecallType, Fault> {
    if place.chat.mode != ChatMode::P2p && (speaker.owns(place) || speaker.created(place)) {
        return Ok(RecallType::GroupOwner);
    }
    if place.chat.mode != ChatMode::P2p && speaker.manages(place) {
        return Ok(RecallType::GroupManager);
    }
    Err(Fault::new(codes::RECALL_NOT_ALLOWED, "neither the sender nor owner or manager of the group")
        .by_rule(RECALLING.name)
        .with_cause("User is NOT the group owner or group admin."))
}

/// How long a message can be recalled.
pub const RECALLING: Behaviour = Behaviour {
    name: "message_recall",
    rule: "Senders recall for 24 hours of the world's time, or as its settings say; owner, managers and the bot that created the group for a year. A second recall is 230110; 230026 names the cause of live answers. Recalled by the bot that created the group, the recall_type is group_owner. A recall removes the pin of the message and takes it off the top notice, without a further event. A part of a forwarded bundle is not recalled: 230002.",
    basis: Assumed,
    switch: false,
};
/// How long a message can be edited.
pub const EDITING: Behaviour = Behaviour {
    name: "message_edit",
    rule: "A message is edited by its sender for 24 hours of the world's time, or as its settings say, at most 20 times; text may become post, and post text. A part of a forwarded bundle is not edited: 230002.",
    basis: Assumed,
    switch: false,
};
/// How cards are replaced.
pub const CARDS: Behaviour = Behaviour {
    name: "message_card",
    rule: "Replacing a card sets update_time, not updated. config.update_multi is not demanded: the new card is for all readers, also in place of those that readers have for their own. A sender who has left the group is answered as another sender, and so is one who names a part of a forwarded bundle.",
    basis: Assumed,
    switch: false,
};
/// What stays of a recalled message.
pub const WITHDRAWN: Behaviour = Behaviour {
    name: "message_withdrawn",
    rule: "A recalled message is still read, with deleted true and the content This message was recalled.",
    basis: Documented,
    switch: false,
};
