//! `im.chat.updated_v1`: the settings of a chat changed. Both sides of the change have only what differs.

use std::collections::HashMap;

use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::{
    GroupMessageType, MembershipApproval, MessageVisibility, Moderation, Permission, RestrictedMode,
    RestrictedPermission, SharePermission,
};
use larkspur_contract::{Behaviour, EventType, events};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::users::{self, User};
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Event, Ids, Party, Recipient, chat};
use crate::entry::schema;
use crate::rules::images;

/// The change of the list of speakers.
#[derive(Debug, Default)]
pub struct Speakers {
    /// Users who were added.
    pub added: Vec<Member>,
    /// Users who were removed.
    pub removed: Vec<Member>,
}

/// A chat before and after a change.
struct Updated<'a> {
    before: &'a Chat,
    after: &'a Chat,
    speakers: &'a Speakers,
    users: HashMap<String, User>,
    operator: &'a Party,
}

#[derive(Serialize, JsonSchema)]
struct Told<'a> {
    after_change: Side<'a>,
    before_change: Side<'a>,
    chat_id: String,
    external: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    moderator_list: Option<ToldSpeakers>,
    operator_id: Ids,
    operator_tenant_key: String,
}

/// One side of a change: what differs from the other one.
#[derive(Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
struct Side<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    add_member_permission: Option<Permission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_all_permission: Option<Permission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edit_permission: Option<Permission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_message_type: Option<GroupMessageType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    i18n_names: Option<chat::Names<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    join_message_visibility: Option<MessageVisibility>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leave_message_visibility: Option<MessageVisibility>,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership_approval: Option<MembershipApproval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moderation_permission: Option<Moderation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id: Option<Ids>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restricted_mode_setting: Option<Restricted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_card_permission: Option<SharePermission>,
}

/// Restricted mode, in the order of events.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
struct Restricted {
    download_has_permission_setting: RestrictedPermission,
    message_has_permission_setting: RestrictedPermission,
    screenshot_has_permission_setting: RestrictedPermission,
    status: bool,
}

#[derive(Serialize, JsonSchema)]
struct ToldSpeakers {
    added_member_list: Vec<Speaker>,
    removed_member_list: Vec<Speaker>,
}

#[derive(Serialize, JsonSchema)]
struct Speaker {
    tenant_key: String,
    user_id: Ids,
}

/// The JSON Schema of the payload.
pub(super) fn shape() -> Value {
    schema::<Told<'_>>(true)
}

impl Event for Updated<'_> {
    const TYPE: &'static EventType = &events::CHAT_UPDATED;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        let (before, after) = (self.before, self.after);
        let owner = |of: &Chat, other: &Chat| {
            of.owner
                .as_ref()
                .filter(|owner| Some(*owner) != other.owner.as_ref())
                .and_then(|one| self.ids(to, one))
        };
        Told {
            after_change: Side { owner_id: owner(after, before), ..side(after, before) },
            before_change: Side { owner_id: owner(before, after), ..side(before, after) },
            chat_id: after.chat_id.to_string(),
            external: after.external,
            moderator_list: changes_speakers(before, after, self.speakers).then(|| self.speakers(to)),
            operator_id: to.party(self.operator),
            operator_tenant_key: to.tenant.to_string(),
        }
    }
}

impl Updated<'_> {
    fn ids(&self, to: &Recipient<'_>, member: &Member) -> Option<Ids> {
        match member {
            Member::Bot(app_id) => Some(to.bot(*app_id)),
            Member::User(user_id) => self.users.get(user_id).map(|user| to.party(&Party::from(user))),
        }
    }

    /// The owner may always speak, and is always among the added users. Source: the page.
    fn speakers(&self, to: &Recipient<'_>) -> ToldSpeakers {
        let speaker = |member: &Member| {
            Some(Speaker { tenant_key: to.tenant.to_string(), user_id: self.ids(to, member)? })
        };
        let owner = self.after.owner.as_ref();
        let others = self.speakers.added.iter().filter(|added| Some(*added) != owner);
        ToldSpeakers {
            added_member_list: owner.into_iter().chain(others).filter_map(speaker).collect(),
            removed_member_list: self.speakers.removed.iter().filter_map(speaker).collect(),
        }
    }
}

/// What differs in a chat from another state of it, except for its owner.
fn side<'a>(of: &'a Chat, other: &Chat) -> Side<'a> {
    fn unless<T: PartialEq + Copy>(one: T, other: &T) -> Option<T> {
        (one != *other).then_some(one)
    }
    let (settings, others) = (&of.settings, &other.settings);
    // No value stands for a list of speakers: the list itself is in the event.
    let moderation = unless(settings.moderation_permission, &others.moderation_permission);
    Side {
        add_member_permission: unless(settings.add_member_permission, &others.add_member_permission),
        at_all_permission: unless(settings.at_all_permission, &others.at_all_permission),
        avatar: (of.avatar != other.avatar).then(|| images::avatar_key(&of.avatar)),
        description: (of.description != other.description).then_some(&of.description),
        edit_permission: unless(settings.edit_permission, &others.edit_permission),
        group_message_type: unless(of.group_message_type, &other.group_message_type),
        i18n_names: (of.i18n_names != other.i18n_names).then(|| chat::Names::of(&of.i18n_names)),
        join_message_visibility: unless(settings.join_message_visibility, &others.join_message_visibility),
        leave_message_visibility: unless(settings.leave_message_visibility, &others.leave_message_visibility),
        membership_approval: unless(settings.membership_approval, &others.membership_approval),
        moderation_permission: moderation.filter(|setting| *setting != Moderation::ModeratorList),
        name: (of.name != other.name).then_some(&of.name),
        owner_id: None,
        restricted_mode_setting: unless(
            restricted(&settings.restricted_mode_setting),
            &restricted(&others.restricted_mode_setting),
        ),
        share_card_permission: unless(settings.share_card_permission, &others.share_card_permission),
    }
}

fn restricted(mode: &RestrictedMode) -> Restricted {
    Restricted {
        download_has_permission_setting: mode.download_has_permission_setting,
        message_has_permission_setting: mode.message_has_permission_setting,
        screenshot_has_permission_setting: mode.screenshot_has_permission_setting,
        status: mode.status,
    }
}

/// Whether the list of speakers changed and applies.
fn changes_speakers(before: &Chat, after: &Chat, speakers: &Speakers) -> bool {
    let listed = |chat: &Chat| chat.settings.moderation_permission == Moderation::ModeratorList;
    listed(after) && (!listed(before) || !speakers.added.is_empty() || !speakers.removed.is_empty())
}

/// Tells the bots of a chat what changed, if the event has a key for it. `now` is the tenant's time.
///
/// # Errors
/// The store is unavailable.
pub async fn emit(
    tx: &mut Tx,
    (before, after): (&Chat, &Chat),
    speakers: &Speakers,
    operator: &Party,
    now: i64,
) -> Result<(), StoreError> {
    let listed = changes_speakers(before, after, speakers);
    let new_owner = before.owner != after.owner;
    if !listed && !new_owner && side(before, after) == side(after, before) {
        return Ok(());
    }
    let listeners = chat::listeners_in(tx, Updated::TYPE, after).await?;
    if listeners.is_empty() {
        return Ok(());
    }
    let owners = [&before.owner, &after.owner].into_iter().flatten().filter(|_| listed || new_owner);
    let named = owners.chain(&speakers.added).chain(&speakers.removed).filter_map(Member::user_id);
    let named: std::collections::BTreeSet<&str> = named.collect();
    let users = users::by_ids(tx, named).await?;
    let users = users.into_iter().map(|user| (user.user_id.clone(), user)).collect();
    super::emit(tx, &Updated { before, after, speakers, users, operator }, &listeners, now).await
}

/// What the event of a change has.
pub const CHANGES: Behaviour = Behaviour {
    name: "event_chat_changes",
    rule: "before_change and after_change have the changed keys only. A call that changes nothing, or only settings without a key in the event (chat_type and the settings of urgent messages, meetings, pins and the member count), causes no event. The default avatar is given as its key.",
    basis: Assumed,
    switch: false,
};

/// How the event shows a list of speakers.
pub const SPEAKERS: Behaviour = Behaviour {
    name: "event_speakers",
    rule: "moderator_list is present if a list of speakers applies after the call and is new or changed. Its added members are the owner and those who were not on the list before. No value of moderation_permission stands for a list: that side then lacks the key.",
    basis: Assumed,
    switch: false,
};
