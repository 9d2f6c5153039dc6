//! Finds the message that a request names.

use larkspur_contract::Basis::Observed;
use larkspur_contract::ids::MessageId;
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::messages::{self, Message};
use larkspur_store::{Tx, ephemeral, tenants};

use super::invalid_field;

/// The number that a message_id of this tenant stands for; `None` for any other text.
pub fn number(tx: &Tx, message_id: &str) -> Option<i64> {
    let (number, tenant) = tx.engine().keys.read_message_id(MessageId::parse(message_id)?);
    (tenant == tx.tenant()).then_some(number)
}

/// The message that the field `message_id` names. Operations that only add rows may call it.
///
/// # Errors
/// 99992354 for an id that never existed, 230001 for one of another tenant or of a batch of messages.
pub async fn message(tx: &mut Tx, message_id: &str) -> Result<Message, Fault> {
    let found = match number(tx, message_id) {
        Some(number) => messages::get(tx, number).await?,
        None => None,
    };
    match found {
        Some(found) => Ok(found),
        None => Err(absent(tx, message_id).await?),
    }
}

/// As [`message`]; until this transaction ends, no other one changes the message.
pub async fn lock(tx: &mut Tx, message_id: &str) -> Result<Message, Fault> {
    let found = match number(tx, message_id) {
        Some(number) => messages::lock(tx, number).await?,
        None => None,
    };
    match found {
        Some(found) => Ok(found),
        None => Err(absent(tx, message_id).await?),
    }
}

/// The refusal of an id that names no message of this tenant.
pub async fn absent(tx: &mut Tx, message_id: &str) -> Result<Fault, Fault> {
    if message_id.starts_with("bm-") {
        return Ok(invalid_field("message_id", message_id));
    }
    if let Some(id) = MessageId::parse(message_id) {
        let (number, tenant) = tx.engine().keys.read_message_id(id);
        if tenant == tx.tenant() && ephemeral::exists(tx, number).await? {
            return Ok(invalid_field("message_id", message_id));
        }
        if tenants::is_elsewhere(tx, tenant).await? {
            return Ok(invalid_field("message_id", message_id));
        }
    }
    Ok(unknown("message_id", message_id))
}

/// The gateway's refusal of a message_id that never existed.
pub fn unknown(field: &str, message_id: &str) -> Fault {
    let example = "om_dc13264520392913993dd051dba21dcf";
    let text = codes::unknown_id_text("open_message_id", example, &[message_id.to_owned()]);
    Fault::new(codes::MESSAGE_ID_UNKNOWN, format!("no message {}", super::cut(message_id)))
        .with_text(text)
        .with_violation(field, Some(message_id), "invalid id")
}

/// How unknown ids are answered.
pub const UNKNOWN: Behaviour = Behaviour {
    name: "message_id_unknown",
    rule: "A malformed or unknown message_id is the gateway's 99992354; one of another tenant, that of a batch (bm-…) and that of a card for one person, is 230001 with the cause invalid message_id.",
    basis: Observed,
    switch: false,
};
