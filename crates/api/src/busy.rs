//! Edits of one chat that collide, in a world that is set so ([`Policy::edit_ms`]).
//!
//! Without the setting, calls that change one chat at the same time wait for one another. With it, each edit takes so long
//! on the world's clock, and what needs the chat meanwhile is refused: a test makes a collision by two calls in a row.
//!
//! [`Policy::edit_ms`]: larkspur_store::policies::Policy::edit_ms

use larkspur_contract::Basis::Documented;
use larkspur_contract::ids::ChatId;
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::{LockedChat, Tx, idempotency};

use crate::Call;

/// Begins an edit of a chat; while another one is under way, it is refused (232019).
pub async fn edit(tx: &mut Tx, call: &Call, chat: &LockedChat) -> Result<(), Fault> {
    begin(tx, call, &editing(chat.chat_id), codes::CHAT_BUSY).await
}

/// Begins an edit of a chat's menu; while another one is under way, it is refused (232073).
pub async fn edit_menu(tx: &mut Tx, call: &Call, chat: &LockedChat) -> Result<(), Fault> {
    begin(tx, call, &format!("larkspur.menu {}", chat.chat_id), codes::MENU_BUSY).await
}

/// Where an edit of a chat is under way, it is not read (232019).
pub async fn read(tx: &mut Tx, call: &Call, chat: ChatId) -> Result<(), Fault> {
    if call.policy.edit_ms == 0 || idempotency::answer(tx, &editing(chat), call.now).await?.is_none() {
        return Ok(());
    }
    Err(Fault::new(codes::CHAT_BUSY, "an edit of the chat is under way"))
}

/// Begins to make a chat; while the app is making another one, it is refused (232019).
pub async fn create(tx: &mut Tx, call: &Call) -> Result<(), Fault> {
    begin(tx, call, &format!("larkspur.create {}", call.app_id()), codes::CHAT_BUSY).await
}

/// Begins a call with a uuid; while another one with it is under way, it is refused (232068).
pub async fn create_once(tx: &mut Tx, call: &Call, uuid: &str) -> Result<(), Fault> {
    begin(tx, call, &format!("larkspur.uuid {uuid}"), codes::CHAT_BEING_CREATED).await
}

fn editing(chat: ChatId) -> String {
    format!("larkspur.edit {chat}")
}

/// A call that is refused takes its claim back with everything else that it wrote.
async fn begin(tx: &mut Tx, call: &Call, what: &str, code: Code) -> Result<(), Fault> {
    let length = call.policy.edit_ms;
    if length == 0 || idempotency::claim(tx, what, "", call.now, call.now.saturating_add(length)).await? {
        return Ok(());
    }
    Err(Fault::new(code, format!("{what} is under way: the world's edit_ms is {length}")))
}

/// Which calls collide.
pub(crate) const LIMITER: Behaviour = Behaviour {
    name: "chat_limiter",
    rule: "The pages answer 232019 (menus: 232073, the same uuid: 232068) where edits of one chat collide. Here such calls wait for one another, unless the control API gives the world an edit_ms: then an edit takes so long on the world's clock, and another one meanwhile is refused. Chats and their menus collide apart; creating collides with another creation by the app.",
    basis: Documented,
    switch: false,
};
