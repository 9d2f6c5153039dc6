//! Entities of the card kit, for operations on them and for messages that show them.

use std::collections::HashMap;

use larkspur_contract::Basis::Assumed;
use larkspur_contract::codes::CardReason;
use larkspur_contract::ids::{AppId, CardId};
use larkspur_contract::model::MsgType;
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::cards::{self, Card};
use larkspur_store::messages::{self, Message, Sender};
use larkspur_store::{StoreError, Tx, Uuid, idempotency, own_cards};
use serde_json::{Value, json};

use crate::rules::card::entity::{self, LIFE_MS, SIZE_MAX, STREAMING_MS};
use crate::rules::card::{entity_invalid, refused};
use crate::{Call, rules};

/// How long a uuid is remembered, in milliseconds. Assumed: an hour, as for messages.
const UUID_MS: i64 = 3_600_000;

/// The JSON of an entity as readers of its message see it now; `None` if there is no such entity.
pub async fn current(tx: &mut Tx, card_id: &str) -> Result<Option<String>, StoreError> {
    let Some(id) = CardId::parse(card_id) else { return Ok(None) };
    Ok(cards::get(tx, id).await?.map(|card| card.content))
}

/// Whether an app may send an entity: 230099 if it does not exist, has expired, belongs to another app, or was sent before.
/// People at their clients send none.
pub async fn may_send(tx: &mut Tx, app: Option<AppId>, card_id: &str, now_ms: i64) -> Result<(), Fault> {
    let found = match CardId::parse(card_id) {
        Some(id) => cards::get(tx, id).await?,
        None => None,
    };
    let Some(card) = found else { return Err(entity_invalid("no card entity has this card_id")) };
    if has_expired(&card, now_ms) {
        return Err(entity_invalid("the card entity is older than 14 days"));
    }
    if app != Some(card.app_id) {
        return Err(refused(CardReason::ENTITY_NOT_OWN, None, "another app made the card entity"));
    }
    if card.message != 0 {
        return Err(sent_before());
    }
    Ok(())
}

fn sent_before() -> Fault {
    refused(CardReason::ENTITY_NOT_OWN, None, "the card entity was sent before")
}

/// Records that a message is about to show its entity, if its content names one. 230099 if another message shows it.
pub async fn mark_sent(tx: &mut Tx, message: &Message) -> Result<(), Fault> {
    match entity_of(message) {
        Some(id) if !cards::mark_sent(tx, id, message.number).await? => Err(sent_before()),
        _ => Ok(()),
    }
}

/// The entity that a message shows.
fn entity_of(message: &Message) -> Option<CardId> {
    if message.msg_type != MsgType::Interactive || !message.content.contains("\"card_id\"") {
        return None;
    }
    match rules::card::of(serde_json::from_str(&message.content).ok()?).ok()? {
        rules::card::Card::Entity(card_id) => CardId::parse(&card_id),
        _ => None,
    }
}

/// Messages with the present JSON of the entities that they show as their content.
pub async fn filled(tx: &mut Tx, mut messages: Vec<Message>) -> Result<Vec<Message>, StoreError> {
    let entities: Vec<Option<CardId>> = messages.iter().map(entity_of).collect();
    let ids: Vec<CardId> = entities.iter().copied().flatten().collect();
    if ids.is_empty() {
        return Ok(messages);
    }
    let contents: HashMap<CardId, String> = cards::contents(tx, &ids).await?.into_iter().collect();
    for (message, entity) in messages.iter_mut().zip(entities) {
        if let Some(content) = entity.and_then(|id| contents.get(&id)) {
            message.content.clone_from(content);
        }
    }
    Ok(messages)
}

/// Whether each reader of a message has a card of their own.
pub fn is_personal(message: &Message) -> bool {
    message.msg_type == MsgType::Interactive && rules::card::is_personal(&message.content)
}

/// Messages with the cards that a user has for its own in the place of those that were sent. The user's cards are looked up only
/// if there can be any.
///
/// # Errors
/// The store is unavailable.
pub async fn seen_by(
    tx: &mut Tx,
    user_no: i64,
    mut messages: Vec<Message>,
) -> Result<Vec<Message>, StoreError> {
    let personal: Vec<i64> =
        messages.iter().filter(|message| is_personal(message)).map(|message| message.number).collect();
    if personal.is_empty() {
        return Ok(messages);
    }
    let mut own = own_cards::seen_by(tx, user_no, &personal).await?;
    for message in &mut messages {
        if let Some(card) = own.remove(&message.number) {
            message.content = card.content;
            message.updated_at = card.updated_at;
        }
    }
    Ok(messages)
}

/// The most users whose own cards one update replaces. Assumed: the page names no limit.
pub const OWNERS_MAX: usize = 200;

/// What a card is that is not shared.
pub const PERSONAL: Behaviour = Behaviour {
    name: "card_personal",
    rule: "A card of schema 1.0 is shared by all of its readers only while the card of the message has config.update_multi true. Otherwise each person has their own: the card in the answer to a click is for the user who clicked, and that of a later update for the users in open_ids, at most 200 (more is 200320). The others and apps see the card of the message; a user token reads the user's own. A card that a PATCH puts in its place is for all again, and so is an entity of the card kit.",
    basis: Assumed,
    switch: false,
};

/// The entity of the calling app that a message shows. A message with a card of its own gets an entity: from now on it shows
/// that one. The message is locked.
pub(crate) async fn convert(tx: &mut Tx, call: &Call, message: &Message) -> Result<CardId, Fault> {
    if message.msg_type != MsgType::Interactive || message.recalled.is_some() {
        return Err(Fault::new(codes::CARD_PARAM_INVALID, "the message shows no card"));
    }
    if message.sender != Sender::Bot(call.app_id()) {
        return Err(Fault::new(codes::CARD_NOT_OWN, "the message is not one of the app's bot"));
    }
    if let Some(id) = entity_of(message) {
        return Ok(id);
    }
    let id = create(tx, call, &entity::read(&message.content)?).await?;
    cards::mark_sent(tx, id, message.number).await?;
    let content = json!({"type": "card", "data": {"card_id": id.to_string()}}).to_string();
    messages::set_card(tx, message.number, &content, message.updated_at).await?;
    if is_personal(message) {
        // The entity is shared.
        own_cards::forget(tx, message.number).await?;
    }
    Ok(id)
}

/// How long the token of a click can be used, in milliseconds. Source: the page on updating cards, 30 minutes.
pub const TOKEN_MS: i64 = 30 * 60_000;
/// How often the token of a click can be used. Source: the same page.
pub const TOKEN_USES: i64 = 2;

/// A new token of a click, for the callback.
pub fn new_token(tx: &Tx) -> String {
    format!("c-{:032x}{:08x}", tx.random_id(), tx.random_id() & 0xffff_ffff)
}

/// Stores the token of a click before its callback is sent. It cannot be used yet, but an update with it waits for
/// the acknowledgment for a moment: an app may use it at once after it has answered.
pub async fn announce_token(
    tx: &mut Tx,
    token: &str,
    app_id: AppId,
    message: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    cards::announce_token(tx, token, &unused(app_id, message, now_ms)).await
}

/// Lets an app replace a card by the token of a click, from the time that the callback was acknowledged.
pub async fn issue_token(
    tx: &mut Tx,
    token: &str,
    app_id: AppId,
    message: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    cards::add_token(tx, token, &unused(app_id, message, now_ms)).await
}

/// Removes the token of a click whose callback failed.
pub async fn withdraw_token(tx: &mut Tx, token: &str) -> Result<(), StoreError> {
    cards::drop_token(tx, token).await
}

fn unused(app_id: AppId, message: i64, now_ms: i64) -> cards::Token {
    cards::Token { app_id, message, expires_at: now_ms.saturating_add(TOKEN_MS), uses: 0 }
}

fn has_expired(card: &Card, now_ms: i64) -> bool {
    now_ms >= card.created_at.saturating_add(LIFE_MS)
}

/// Adds an entity, and returns its id.
pub(crate) async fn create(tx: &mut Tx, call: &Call, content: &Value) -> Result<CardId, Fault> {
    let card = Card {
        card_id: CardId(tx.next_id()),
        app_id: call.app_id(),
        content: judged(content)?,
        sequence: 0,
        streaming_until: streaming(call, content, None),
        created_at: call.now,
        message: 0,
    };
    cards::insert(tx, &card).await?;
    Ok(card.card_id)
}

/// The JSON of an entity as it is stored: judged as a whole, and short enough. The text is longer than the one that was sent
/// where numbers are written in another way.
fn judged(content: &Value) -> Result<String, Fault> {
    entity::check(content)?;
    let text = content.to_string();
    if text.len() > SIZE_MAX {
        return Err(Fault::new(codes::CARD_TOO_LARGE, format!("the card has {} bytes", text.len())));
    }
    Ok(text)
}

/// Until when text is streamed: 10 minutes from when it is switched on.
fn streaming(call: &Call, content: &Value, before: Option<i64>) -> i64 {
    match before {
        _ if !entity::is_streaming(content) => 0,
        Some(until) if until > 0 => until,
        _ => call.now.saturating_add(STREAMING_MS),
    }
}

/// A change of an entity that was begun.
pub(crate) struct Change {
    card: Card,
    key: Option<(String, String)>,
    /// The JSON to change.
    pub(crate) content: Value,
    /// Whether streaming was switched on and has ended by itself.
    pub(crate) timed_out: bool,
}

/// What a call says about a change.
pub(crate) struct Asked<'a> {
    /// The card_id of its path.
    pub(crate) card_id: &'a str,
    /// Its uuid.
    pub(crate) uuid: Option<&'a str>,
    /// Its sequence.
    pub(crate) sequence: i32,
    /// The operation.
    pub(crate) operation: &'static str,
}

/// Locks an entity of the calling app for a change. `None` if the call repeats an earlier one and has nothing to do.
pub(crate) async fn begin(tx: &mut Tx, call: &Call, asked: &Asked<'_>) -> Result<Option<Change>, Fault> {
    let Some(id) = CardId::parse(asked.card_id) else {
        return Err(Fault::new(codes::CARD_PARAM_INVALID, "a card_id is a decimal number"));
    };
    let card = cards::lock(tx, id).await?;
    let Some(card) = card else { return Err(Fault::new(codes::CARD_UNKNOWN, "no card entity has this id")) };
    if card.app_id != call.app_id() {
        return Err(Fault::new(codes::CARD_NOT_OWN, "another app made the card entity"));
    }
    if has_expired(&card, call.now) {
        return Err(Fault::new(codes::CARD_EXPIRED, "the card entity is older than 14 days"));
    }
    let key = asked.uuid.map(|uuid| {
        (format!("larkspur.card {id} {uuid}"), format!("{} {}", asked.operation, asked.sequence))
    });
    if let Some((name, mine)) = &key {
        match idempotency::answer(tx, name, call.now).await? {
            Some(first) if first == *mine => {
                tx.named(Uuid::Recalled);
                return Ok(None);
            }
            Some(_) => {
                return Err(Fault::new(
                    codes::CARD_UUID_CONFLICT,
                    "another call used this uuid for the card",
                ));
            }
            None => {}
        }
    }
    if i64::from(asked.sequence) <= card.sequence {
        let note = format!("the last change of the card had sequence {}; send a larger one", card.sequence);
        return Err(Fault::new(codes::CARD_SEQUENCE, note));
    }
    let content: Value = serde_json::from_str(&card.content)
        .map_err(|error| StoreError::Broken(format!("the JSON of card {id}: {error}")))?;
    let timed_out = card.streaming_until > 0 && call.now >= card.streaming_until;
    let card = Card { sequence: asked.sequence.into(), ..card };
    Ok(Some(Change { card, key, content, timed_out }))
}

impl Change {
    /// Switches streaming on again, for another 10 minutes if it is on.
    pub(crate) fn restart(&mut self) {
        self.card.streaming_until = 0;
    }

    /// Judges the changed JSON as a whole and writes it.
    pub(crate) async fn save(self, tx: &mut Tx, call: &Call) -> Result<(), Fault> {
        let content = judged(&self.content)?;
        let streaming_until = streaming(call, &self.content, Some(self.card.streaming_until));
        cards::update(tx, &Card { content, streaming_until, ..self.card }).await?;
        if let Some((name, mine)) = &self.key {
            let until = call.now.saturating_add(UUID_MS);
            idempotency::claim(tx, name, mine, call.now, until).await?;
            tx.named(Uuid::New);
        }
        Ok(())
    }
}

/// The order of checks.
pub(crate) const ORDER: Behaviour = Behaviour {
    name: "card_check_order",
    rule: "Order of checks: form of the card_id (10002), entity (200740), app (300311), 14 days (200750), uuid (200770), sequence (300317), then the change, then the card as a whole. Nothing is written unless all pass.",
    basis: Assumed,
    switch: false,
};
/// What a uuid does.
pub(crate) const UUID: Behaviour = Behaviour {
    name: "card_uuid",
    rule: "A uuid belongs to a card for one hour after the call that used it. The same call again (same operation and sequence) succeeds without effect; another one is 200770. Refused calls use no uuid and no sequence.",
    basis: Assumed,
    switch: false,
};
/// What streaming is.
pub(crate) const STREAMING: Behaviour = Behaviour {
    name: "card_streaming",
    rule: "Text can be streamed for 10 minutes from when config.streaming_mode becomes true, or is set to true again by settings. After that, content is 200850 and adding elements 200510 until the settings say otherwise.",
    basis: Assumed,
    switch: false,
};
/// How large an entity may be.
pub(crate) const SIZE: Behaviour = Behaviour {
    name: "card_entity_size",
    rule: "The JSON of an entity has at most 200,000 bytes, as it is sent and as it is stored (without spaces, numbers in their usual form); more is 200860.",
    basis: Assumed,
    switch: false,
};
