//! `im/v1/chats/:chat_id/top_notice`

use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::{LockedChat, Tx};

use crate::{Call, Entry, entry, rules, standing};

mod delete_top_notice;
mod put_top_notice;

pub(crate) static ENTRIES: &[Entry] =
    &[entry::<put_top_notice::PutTopNotice>(), entry::<delete_top_notice::DeleteTopNotice>()];

/// Codes of both operations; the last is only for putting.
const CODES: &[Code] = &[
    codes::PARAM_INVALID,
    codes::CHAT_DISSOLVED,
    codes::TENANT_MISMATCH,
    codes::OPERATOR_NOT_IN_CHAT,
    codes::TOKEN_LACKS_PERMISSION,
    codes::NOT_VISIBLE,
    codes::BOT_NOT_ACTIVATED,
    codes::EXTERNAL_NOT_ALLOWED,
    codes::APP_INACTIVE,
    codes::MESSAGE_SELF_DESTRUCTS,
];

/// [`CODES`] without the one about the message.
const TAKE_DOWN: &[Code] = CODES.split_at(9).0;

/// Locks a chat whose top notice the operator may change.
async fn lock(tx: &mut Tx, call: &Call, chat_id: &str) -> Result<LockedChat, Fault> {
    let found = standing::lock_as_member(tx, call, chat_id).await;
    let (chat, standing) = found.map_err(standing::unlisted_chat_code)?;
    rules::widgets::may_notice(&chat, &standing)?;
    Ok(chat)
}

const RIGHT: Behaviour = Behaviour {
    name: "top_notice_right",
    rule: "Every member may put and remove the top notice, unless the control API lets only owner and managers manage tabs and widgets (232014). That setting does not apply to p2p chats. An unknown chat is 232001.",
    basis: Assumed,
    switch: false,
};
