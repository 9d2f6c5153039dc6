//! Pins.

use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::{ChatCondition, MsgType, Permission};
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::Tx;
use larkspur_store::chats::Place;
use larkspur_store::messages::{self, Listed, Message};
use larkspur_store::pins::{self, Pin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sending::has_room;
use super::{Speaker, Viewer, changing, conditions, explained, standing};

/// A pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownPin {
    /// The chat of the message.
    pub chat_id: String,
    /// When it was pinned, in milliseconds since 1970.
    pub create_time: String,
    /// The message.
    pub message_id: String,
    /// Who pinned it: of a bot the app_id.
    pub operator_id: String,
    /// The form of `operator_id`: `open_id` or `app_id`.
    pub operator_id_type: String,
}

impl ShownPin {
    /// A pin as a reader sees it.
    pub fn of(tx: &Tx, viewer: &Viewer, pin: &Pin) -> Self {
        let keys = &tx.engine().keys;
        let operator = viewer.sender(keys, &pin.operator);
        ShownPin {
            chat_id: pin.chat_id.to_string(),
            create_time: pin.created_at.to_string(),
            message_id: keys.message_id(pin.message, tx.tenant()).to_string(),
            operator_id: operator.id,
            operator_id_type: operator.id_type,
        }
    }
}

/// Pins a message, or returns its pin. It is locked, and the speaker may enter its chat.
///
/// # Errors
/// 230011 for a message that was recalled, 230046 without the right, 230054 for a message of the system, 230047 if it is pinned or
/// unpinned too often.
pub async fn pin(tx: &mut Tx, speaker: &Speaker, place: &Place, message: &Message) -> Result<Pin, Fault> {
    listed(speaker, message)?;
    changing::stands(message)?;
    conditions::sees(tx, speaker, place, message, codes::MESSAGE_INVISIBLE).await?;
    conditions::not_in(&place.chat, ChatCondition::SelfDestructing, codes::MESSAGE_SELF_DESTRUCTS)?;
    may_pin(speaker, place)?;
    if message.msg_type == MsgType::System {
        return Err(Fault::new(codes::MESSAGE_TYPE_UNSUPPORTED, "a message of the system is not pinned"));
    }
    count(tx, speaker, message)?;
    if let Some(found) = pins::get(tx, message.number).await? {
        return Ok(found);
    }
    let pin = Pin {
        message: message.number,
        chat_id: message.chat_id,
        number: tx.next_id(),
        operator: speaker.sender.clone(),
        created_at: speaker.now,
    };
    pins::insert(tx, &pin).await?;
    Ok(pin)
}

/// Unpins a message, if it is pinned. It is locked, and the speaker may enter its chat.
///
/// # Errors
/// 230046 without the right, 230047 if it is pinned or unpinned too often.
pub async fn unpin(tx: &mut Tx, speaker: &Speaker, place: &Place, message: &Message) -> Result<(), Fault> {
    listed(speaker, message)?;
    conditions::sees(tx, speaker, place, message, codes::MESSAGE_INVISIBLE).await?;
    may_pin(speaker, place)?;
    count(tx, speaker, message)?;
    Ok(pins::remove(tx, message.number).await?)
}

fn listed(speaker: &Speaker, message: &Message) -> Result<(), Fault> {
    if message.listed == Listed::Nowhere { Err(standing::outside(speaker)) } else { Ok(()) }
}

/// Whether the settings of the chat let the speaker pin and unpin messages.
///
/// # Errors
/// 230046.
pub fn may_pin(speaker: &Speaker, place: &Place) -> Result<(), Fault> {
    if place.chat.settings.pin_manage_setting == Permission::AllMembers || speaker.manages(place) {
        return Ok(());
    }
    let fault = Fault::new(codes::PIN_NOT_ALLOWED, "only owner and managers pin messages in this chat");
    let setting = ("pin_manage_setting", place.chat.settings.pin_manage_setting.as_str());
    Err(explained::reserved(fault, &place.chat, setting, Permission::AllMembers.as_str()))
}

/// Counts a call towards the limit of its message, which is another one than that of changes.
fn count(tx: &mut Tx, speaker: &Speaker, message: &Message) -> Result<(), Fault> {
    if !speaker.limited {
        return Ok(());
    }
    let of = !tx.engine().keys.message_id(message.number, tx.tenant()).0;
    has_room(tx, of, speaker.now).map_err(|fault| fault.with_code(codes::PIN_TOO_OFTEN))?;
    messages::count_on_commit(tx, of, speaker.now);
    Ok(())
}

/// Who may pin what, and how often.
pub const PINNING: Behaviour = Behaviour {
    name: "pin_rules",
    rule: "A message that is pinned keeps its pin, and unpinning one that is not pinned succeeds. If pin_manage_setting is only_owner, owner and managers pin and unpin, others get 230046. A part of a forwarded bundle is 230002.",
    basis: Assumed,
    switch: false,
};
/// How often a message is pinned and unpinned.
pub const LIMIT: Behaviour = Behaviour {
    name: "pin_limit",
    rule: "A message is pinned and unpinned five times per second of the world's time by all operators together; more are 230047. Calls that are refused do not count. Each server counts its own. The setting chat_limit turns it off.",
    basis: Assumed,
    switch: false,
};
