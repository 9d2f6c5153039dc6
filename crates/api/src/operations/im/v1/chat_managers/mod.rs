//! `im/v1/chats/:chat_id/managers`

use larkspur_contract::Basis::{Assumed, Documented, Observed};
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{MemberIdType, UserIdType};
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::chats::Member;
use larkspur_store::{LockedChat, Tx, members, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::chat_members::distinct;
use crate::busy;
use crate::standing;
use crate::{Call, Entry, entry, rules, translate};

mod add_managers;
mod delete_managers;

pub(crate) static ENTRIES: &[Entry] =
    &[entry::<add_managers::AddManagers>(), entry::<delete_managers::DeleteManagers>()];

/// The form of the ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// `open_id` by default.
    member_id_type: Option<MemberIdType>,
}

/// The managers to add or remove.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Body {
    /// At most 50 users or, as `app_id`, 5 bots.
    manager_ids: Vec<String>,
}

/// The managers after the call.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Managers {
    /// The users, in the form of the request; as open_ids, if that was `app_id`.
    chat_managers: Vec<String>,
    /// The bots, by app_id.
    chat_bot_managers: Vec<String>,
}

/// Codes of both operations; the last, about the limit, is only for adding.
const CODES: &[Code] = &[
    codes::PARAM_INVALID,
    codes::CHAT_DISSOLVED,
    codes::OPERATOR_NOT_IN_CHAT,
    codes::CHAT_BUSY,
    codes::NOT_VISIBLE,
    codes::BOT_NOT_ACTIVATED,
    codes::NO_VALID_MEMBERS,
    codes::EXTERNAL_NOT_ALLOWED,
    codes::APP_UNAVAILABLE,
    codes::NOT_OWNER,
    codes::MANAGERS_NOT_RETURNED,
    codes::OPEN_ID_UNKNOWN,
    codes::USER_ID_UNKNOWN,
    codes::UNION_ID_UNKNOWN,
    codes::OPEN_ID_CROSS_APP,
    codes::MANAGER_LIMIT,
];

/// [`CODES`] without the limit.
const DISMISS: &[Code] = CODES.split_at(15).0;

/// A checked call of the chat's owner.
struct Order {
    chat: LockedChat,
    form: Option<UserIdType>,
    /// The listed members that can be managers.
    members: Vec<Member>,
}

/// Checks a call of the owner, or refuses it.
async fn order(tx: &mut Tx, call: &Call, chat_id: &str, query: &Query, body: &Body) -> Result<Order, Fault> {
    let asked = query.member_id_type;
    let form = translate::member_form(call, asked, codes::PARAM_INVALID)?;
    let (chat, standing) = standing::lock_as_member(tx, call, chat_id).await.map_err(unlisted)?;
    rules::members::change(&chat, codes::PARAM_INVALID)?;
    let itself = rules::members::appoints_itself(&chat, &call.operator()) && form.is_none();
    let alone = itself
        && !body.manager_ids.is_empty()
        && body.manager_ids.iter().all(|id| *id == call.app_id().to_string());
    if !alone {
        rules::members::may_appoint(&standing)?;
    }
    busy::edit(tx, call, &chat).await?;
    let ids = distinct("manager_ids", &body.manager_ids, asked)?;
    let mut named = Vec::with_capacity(ids.len());
    for (id, found) in ids.iter().zip(translate::all_named_members(tx, call, form, &ids).await?) {
        match (found, form) {
            (translate::Named::Unknown | translate::Named::OtherTenant, None) => {}
            (found, Some(form)) if found.clone().member().is_none() => {
                return Err(translate::refusal(form, id, &found).about("manager_ids[*]"));
            }
            (found, _) => named.extend(found.member()),
        }
    }
    let present = members::among(tx, chat.chat_id, &named).await?;
    let me = call.operator();
    let may = |member: &Member| chat.owner.as_ref() != Some(member) || (itself && *member == me);
    named.retain(|member| present.contains(member) && may(member));
    if named.is_empty() {
        let note = format!("no members except the owner: {}", ids.join(", "));
        return Err(Fault::new(codes::NO_VALID_MEMBERS, note));
    }
    Ok(Order { chat, form, members: named })
}

/// Maps codes that these pages lack, for an unknown chat or one of another tenant.
fn unlisted(fault: Fault) -> Fault {
    if [codes::CHAT_ID_INVALID, codes::TENANT_MISMATCH].contains(&fault.code()) {
        return Fault::new(codes::PARAM_INVALID, fault.note().to_owned()).with_violation(
            "chat_id",
            None,
            "invalid chat_id",
        );
    }
    fault
}

async fn show(tx: &mut Tx, call: &Call, chat: ChatId, form: Option<UserIdType>) -> Result<Managers, Fault> {
    let (mut user_ids, mut bots) = (Vec::new(), Vec::new());
    for manager in members::managers(tx, chat).await? {
        match manager {
            Member::Bot(app) => bots.push(app.to_string()),
            Member::User(user_id) => user_ids.push(user_id),
        }
    }
    let found = users::by_ids(tx, user_ids.iter().map(String::as_str)).await?;
    let keys = &tx.engine().keys;
    let form = form.unwrap_or(UserIdType::OpenId);
    let shown = user_ids
        .iter()
        .filter_map(|id| found.iter().find(|user| user.user_id == *id))
        .map(|user| translate::user_id(keys, call, user, form));
    Ok(Managers { chat_managers: shown.collect(), chat_bot_managers: bots })
}

const OWNER: Behaviour = Behaviour {
    name: "managers_by_owner",
    rule: "Only the owner may add and remove managers: neither managers nor the bot that created the chat may.",
    basis: Documented,
    switch: false,
};
const ITSELF: Behaviour = Behaviour {
    name: "bot_appoints_itself",
    rule: "In a chat that no user owns, the bot that created it may add or remove itself as a manager, by its app_id, even if it is the owner. It stays a manager after ownership is transferred.",
    basis: Observed,
    switch: false,
};
const IDS: Behaviour = Behaviour {
    name: "manager_ids",
    rule: "An unknown user is the gateway's 9999235x/236x. Users who are not in the chat, and the owner, are ignored; if no id is left, the call is 232027. An unknown chat, a chat of another tenant and a p2p chat are 232001, since these pages have no other code for them.",
    basis: Assumed,
    switch: false,
};
const SUPERGROUP: Behaviour = Behaviour {
    name: "supergroup",
    rule: "A supergroup, with at most 20 managers instead of 10, is a chat of more than 5000 users.",
    basis: Assumed,
    switch: false,
};
