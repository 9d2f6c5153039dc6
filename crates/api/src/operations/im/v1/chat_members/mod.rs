//! `im/v1/chats/:chat_id/members`

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::model::MemberIdType;
use larkspur_contract::{Behaviour, Code, Fault, codes};
use larkspur_store::{LockedChat, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::busy;
use crate::people::People;
use crate::standing::{self, Standing};
use crate::{Call, Entry, entry, rules};

mod bots;
mod create;
mod delete;
mod get;
mod guests;
mod is_in_chat;
mod list;
mod me_join;
mod people;

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<create::Create>(),
    entry::<delete::Delete>(),
    entry::<get::Get>(),
    entry::<is_in_chat::IsInChat>(),
    entry::<me_join::MeJoin>(),
    entry::<list::List>(),
    entry::<bots::Bots>(),
];

/// The members to add or remove.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct IdList {
    /// At most 50 users or, as `app_id`, 5 bots.
    id_list: Vec<String>,
}

impl IdList {
    /// The ids without duplicates, in the order of their first appearance. An empty list is 232027, as the pages say.
    fn distinct(&self, form: Option<MemberIdType>) -> Result<Vec<&str>, Fault> {
        distinct("id_list", &self.id_list, form)
    }

    /// The ids of people; `None` if there are more than a call may have.
    fn people(&self, form: Option<MemberIdType>) -> Option<People<'_>> {
        people("id_list[*]", &self.id_list, form)
    }
}

/// The people in a list of member ids; `None` if there are more than a call may have, which is refused first.
pub(super) fn people<'a>(
    field: &'static str,
    ids: &'a [String],
    form: Option<MemberIdType>,
) -> Option<People<'a>> {
    People::among(form, field, ids).filter(|people| people.ids.len() <= rules::members::USERS_A_CALL)
}

/// A list of member ids without duplicates, in the order of their first appearance.
pub(super) fn distinct<'a>(
    field: &str,
    ids: &'a [String],
    form: Option<MemberIdType>,
) -> Result<Vec<&'a str>, Fault> {
    if ids.is_empty() {
        return Err(Fault::new(codes::NO_VALID_MEMBERS, format!("{field} is empty")));
    }
    rules::members::list_fits(field, ids.len(), form == Some(MemberIdType::AppId))?;
    let mut distinct: Vec<&str> = Vec::with_capacity(ids.len());
    for id in ids {
        if !distinct.contains(&id.as_str()) {
            distinct.push(id);
        }
    }
    Ok(distinct)
}

/// Locks a group that the operator is in; a p2p chat is refused with `two_parties`.
async fn lock_group(
    tx: &mut Tx,
    call: &Call,
    chat_id: &str,
    two_parties: Code,
) -> Result<(LockedChat, Standing), Fault> {
    let chat = standing::lock(tx, call, chat_id).await?;
    standing::shareable(call, &chat)?;
    standing::in_use(&chat)?;
    let standing = standing::of(tx, call, &chat).await?;
    standing::joined(call, &standing)?;
    busy::edit(tx, call, &chat).await?;
    rules::members::change(&chat, two_parties)?;
    Ok((chat, standing))
}

const CAPS: Behaviour = Behaviour {
    name: "member_caps",
    rule: "Users and bots are counted separately: at most 15 bots (232013); at most 5000 users, or 3000 in a chat with chat_tag meeting (232013), or the limit that the tenant's administrators set through the control API (232044). A call that exceeds a limit changes nothing.",
    basis: Assumed,
    switch: false,
};
const SELF_REMOVAL: Behaviour = Behaviour {
    name: "member_leaves",
    rule: "Any member may remove itself. Owner, managers, and the creator bot with im:chat:operate_as_owner may also remove others.",
    basis: Documented,
    switch: false,
};
