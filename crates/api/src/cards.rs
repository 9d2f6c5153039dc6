//! Entities of the card kit, for operations on them and for messages that show them.

use larkspur_contract::Basis::Assumed;
use larkspur_contract::codes::CardReason;
use larkspur_contract::ids::{AppId, CardId};
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::cards::{self, Card};
use larkspur_store::{StoreError, Tx, idempotency};
use serde_json::Value;

use crate::Call;
use crate::rules::card::entity::{self, LIFE_MS, SIZE_MAX, STREAMING_MS};
use crate::rules::card::{entity_invalid, refused};

/// How long a uuid is remembered, in milliseconds. Assumed: an hour, as for messages.
const UUID_MS: i64 = 3_600_000;

/// The JSON of an entity as readers of its message see it now; `None` if there is no such entity.
pub async fn current(tx: &mut Tx, card_id: &str) -> Result<Option<String>, StoreError> {
    let Some(id) = CardId::parse(card_id) else { return Ok(None) };
    Ok(cards::get(tx, id).await?.map(|card| card.content))
}

/// Sends an entity with the message of a number: 230099 if it does not exist, has expired, belongs to another app, or was
/// sent before. Returns its JSON.
pub async fn send(
    tx: &mut Tx,
    app: AppId,
    card_id: &str,
    message: i64,
    now_ms: i64,
) -> Result<String, Fault> {
    let found = match CardId::parse(card_id) {
        Some(id) => cards::get(tx, id).await?,
        None => None,
    };
    let Some(card) = found else { return Err(entity_invalid("no card entity has this card_id")) };
    if has_expired(&card, now_ms) {
        return Err(entity_invalid("the card entity is older than 14 days"));
    }
    let own = card.app_id == app;
    if !own || !cards::mark_sent(tx, card.card_id, message).await? {
        let note = if own { "the card entity was sent before" } else { "another app made the card entity" };
        return Err(refused(CardReason::ENTITY_NOT_OWN, None, note));
    }
    Ok(card.content)
}

fn has_expired(card: &Card, now_ms: i64) -> bool {
    now_ms >= card.created_at.saturating_add(LIFE_MS)
}

/// Adds an entity, and returns its id.
pub(crate) async fn create(tx: &mut Tx, call: &Call, content: &Value) -> Result<CardId, Fault> {
    entity::check(content)?;
    let card = Card {
        card_id: CardId(tx.next_id()),
        app_id: call.app_id(),
        content: content.to_string(),
        sequence: 0,
        streaming_until: streaming(call, content, None),
        created_at: call.now,
        message: 0,
    };
    cards::insert(tx, &card).await?;
    Ok(card.card_id)
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
            Some(first) if first == *mine => return Ok(None),
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
        entity::check(&self.content)?;
        let content = self.content.to_string();
        if content.len() > SIZE_MAX {
            return Err(Fault::new(codes::CARD_TOO_LARGE, format!("the card has {} bytes", content.len())));
        }
        let streaming_until = streaming(call, &self.content, Some(self.card.streaming_until));
        cards::update(tx, &Card { content, streaming_until, ..self.card }).await?;
        if let Some((name, mine)) = &self.key {
            let until = call.now.saturating_add(UUID_MS);
            idempotency::claim(tx, name, mine, call.now, until).await?;
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
    rule: "The JSON of an entity has at most 1,000,000 bytes; more is 200860.",
    basis: Assumed,
    switch: false,
};
