//! Colliding edits of one chat, in a world with the setting [`Policy::edit_ms`].
//!
//! Without the setting, calls that change one chat at the same time wait for one another. With it, each edit takes that
//! long on the world's clock, and calls that need the chat meanwhile are refused: two calls in a row make a collision.
//!
//! [`Policy::edit_ms`]: larkspur_store::policies::Policy::edit_ms

use larkspur_contract::Basis::Documented;
use larkspur_contract::ids::ChatId;
use larkspur_contract::{Behaviour, Code, Fault, Fix, codes};
use larkspur_store::{LockedChat, Tx, idempotency};
use serde_json::json;

use crate::Call;

/// Begins an edit of a chat; refused while another edit is in progress (232019).
pub async fn edit(tx: &mut Tx, call: &Call, chat: &LockedChat) -> Result<(), Fault> {
    begin(tx, call, &editing(chat.chat_id), codes::CHAT_BUSY).await
}

/// Begins an edit of a chat's menu; refused while another edit is in progress (232073).
pub async fn edit_menu(tx: &mut Tx, call: &Call, chat: &LockedChat) -> Result<(), Fault> {
    begin(tx, call, &format!("larkspur.menu {}", chat.chat_id), codes::MENU_BUSY).await
}

/// Refuses to read a chat while an edit of it is in progress (232019).
pub async fn read(tx: &mut Tx, call: &Call, chat: ChatId) -> Result<(), Fault> {
    if call.policy.edit_ms == 0 || idempotency::answer(tx, &editing(chat), call.now).await?.is_none() {
        return Ok(());
    }
    Err(busy(Fault::new(codes::CHAT_BUSY, "an edit of the chat is in progress"), call.policy.edit_ms))
}

/// Begins to create a chat; refused while the app is creating another one (232019).
pub async fn create(tx: &mut Tx, call: &Call) -> Result<(), Fault> {
    begin(tx, call, &format!("larkspur.create {}", call.app_id()), codes::CHAT_BUSY).await
}

/// Begins a call with a uuid; refused while another call with it is in progress (232068).
pub async fn create_once(tx: &mut Tx, call: &Call, uuid: &str) -> Result<(), Fault> {
    begin(tx, call, &format!("larkspur.uuid {uuid}"), codes::CHAT_BEING_CREATED).await
}

fn editing(chat: ChatId) -> String {
    format!("larkspur.edit {chat}")
}

/// If the call is refused, its claim is rolled back with all its other writes.
async fn begin(tx: &mut Tx, call: &Call, what: &str, code: Code) -> Result<(), Fault> {
    let length = call.policy.edit_ms;
    if length == 0 || idempotency::claim(tx, what, "", call.now, call.now.saturating_add(length)).await? {
        return Ok(());
    }
    Err(busy(Fault::new(code, format!("{what} is in progress: the world's edit_ms is {length}")), length))
}

fn busy(fault: Fault, edit_ms: i64) -> Fault {
    let seconds = edit_ms.saturating_add(999) / 1000;
    fault.by_rule("chat_limiter").with_fact("edit_ms", edit_ms.to_string()).with_fix(Fix::new(
        "larkspur.v1.world.clock",
        Vec::new(),
        json!({"advance_seconds": seconds}),
    ))
}

/// Which calls collide.
pub(crate) const LIMITER: Behaviour = Behaviour {
    name: "chat_limiter",
    rule: "On the pages, colliding edits of one chat are 232019 (menus: 232073, the same uuid: 232068). By default such calls wait for one another. If the control API sets the world's edit_ms, an edit takes that long on the world's clock, and another edit meanwhile is refused. Edits of a chat and of its menu do not collide with each other. Creating a chat collides with another creation by the same app.",
    basis: Documented,
    switch: false,
};
