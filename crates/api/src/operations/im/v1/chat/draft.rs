//! A new chat: what the request says about it, and the chat of an earlier call with the same uuid.

use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{
    ChatMode, ChatSettings, ChatType, GroupMessageType, I18nNames, MembershipApproval, MessageVisibility,
    Permission, RestrictedMode,
};
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::policies::Policy;
use larkspur_store::{Tx, Uuid, chats, idempotency};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::CREATE_BY_USER;
use crate::{Call, busy, rules};

/// The chat to create.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Body {
    /// An image of type avatar; empty for the default one.
    pub(super) avatar: String,
    /// Its name.
    pub(super) name: String,
    /// Its description.
    pub(super) description: String,
    /// Its name in three languages.
    pub(super) i18n_names: I18nNames,
    /// Its owner; the bot by default.
    pub(super) owner_id: Option<String>,
    /// Its initial users.
    #[schemars(length(max = 50))]
    pub(super) user_id_list: Vec<String>,
    /// Its initial bots, in addition to the calling one.
    #[schemars(length(max = 5))]
    pub(super) bot_id_list: Vec<String>,
    /// In one stream (the default) or in threads.
    pub(super) group_message_type: Option<GroupMessageType>,
    /// A group (the default) or a topic group.
    pub(super) chat_mode: Option<Mode>,
    /// Private (the default) or public.
    pub(super) chat_type: Option<ChatType>,
    join_message_visibility: Option<MessageVisibility>,
    leave_message_visibility: Option<MessageVisibility>,
    membership_approval: Option<MembershipApproval>,
    pub(super) restricted_mode_setting: Option<RestrictedMode>,
    urgent_setting: Option<Permission>,
    video_conference_setting: Option<Permission>,
    edit_permission: Option<Permission>,
    pub(super) hide_member_count_setting: Option<Permission>,
    pin_manage_setting: Option<Permission>,
    /// Accepted and ignored: a new chat is internal.
    external: Option<bool>,
    /// Accepted and ignored.
    chat_tags: Vec<String>,
    /// Accepted and ignored.
    labels: Vec<String>,
    /// Accepted and ignored: some clients send numbers, others strings.
    toolkit_ids: Option<serde_json::Value>,
}

/// The modes of chats that can be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    Group,
    Topic,
}

impl Body {
    /// The mode of the new chat.
    pub(super) fn mode(&self, topic_as_group: bool) -> ChatMode {
        match self.chat_mode {
            Some(Mode::Topic) if !topic_as_group => ChatMode::Topic,
            _ => ChatMode::Group,
        }
    }

    /// Checks the request against the tenant's policy.
    pub(super) fn fits(&self, policy: &Policy) -> Result<(), Fault> {
        let chat_type = self.chat_type.unwrap_or(ChatType::Private);
        rules::policies::may_publish(policy, ChatType::Private, chat_type)?;
        rules::policies::may_restrict(policy, self.restricted_mode_setting.as_ref())?;
        rules::policies::may_hide_count(policy, self.hide_member_count_setting)?;
        let (name, description) = (Some(self.name.as_str()), Some(self.description.as_str()));
        rules::policies::passes_review(policy, name, description, Some(&self.i18n_names))
    }

    /// The settings of the new chat.
    pub(super) fn settings(&self) -> ChatSettings {
        let default = ChatSettings::default();
        ChatSettings {
            urgent_setting: self.urgent_setting.unwrap_or(default.urgent_setting),
            video_conference_setting: self
                .video_conference_setting
                .unwrap_or(default.video_conference_setting),
            edit_permission: self.edit_permission.unwrap_or(default.edit_permission),
            join_message_visibility: self.join_message_visibility.unwrap_or(default.join_message_visibility),
            leave_message_visibility: self
                .leave_message_visibility
                .unwrap_or(default.leave_message_visibility),
            membership_approval: self.membership_approval.unwrap_or(default.membership_approval),
            restricted_mode_setting: self.restricted_mode_setting.clone().unwrap_or_default(),
            hide_member_count_setting: self
                .hide_member_count_setting
                .unwrap_or(default.hide_member_count_setting),
            pin_manage_setting: self.pin_manage_setting.unwrap_or(default.pin_manage_setting),
            ..default
        }
    }
}

/// The chat that an earlier call with the same uuid created; otherwise claims the uuid for the new chat.
pub(super) async fn first_answer(
    tx: &mut Tx,
    call: &Call,
    uuid: Option<&str>,
    owner: &Member,
    chat_id: ChatId,
) -> Result<Option<Chat>, Fault> {
    let Some(uuid) = uuid.filter(|uuid| !uuid.is_empty()) else { return Ok(None) };
    let name = format!("im.v1.chat.create {} {} {uuid}", call.app_id(), owner.to_column());
    busy::create_once(tx, call, &name).await?;
    let until = call.now + rules::chats::UUID_LIFE_MS;
    if idempotency::claim(tx, &name, &chat_id.to_string(), call.now, until).await? {
        tx.named(Uuid::New);
        return Ok(None);
    }
    let first = idempotency::answer(tx, &name, call.now).await?.and_then(|answer| ChatId::parse(&answer));
    let chat = match first {
        Some(first) => chats::get(tx, first).await?,
        None => None,
    };
    tx.named(Uuid::Recalled);
    chat.map(Some)
        .ok_or_else(|| Fault::new(codes::CHAT_BEING_CREATED, "the first call with this uuid is in progress"))
}

/// A repeated uuid.
pub(super) const UUID: Behaviour = Behaviour {
    name: "chat_create_uuid",
    rule: "A repeated uuid is answered with the first chat in its present state.",
    basis: Assumed,
    switch: false,
};
/// The modes of chats that can be created.
pub(super) const TOPICS: Behaviour = Behaviour {
    name: "topic_as_group",
    rule: "chat_mode topic creates a topic group, as seen since August 2026; with hide_member_count_setting only_owner it is 232079, which is assumed. With the switch, an ordinary group is created without an error, as seen in April 2026.",
    basis: Observed,
    switch: true,
};
/// Whether a user may create a group.
pub(super) const BY_USER: Behaviour = Behaviour {
    name: CREATE_BY_USER,
    rule: "The page takes tenant tokens only. With the switch, user tokens are accepted, too, as the vendor's clients send them; they need im:chat:create_by_user. The user is a member and, without owner_id, the owner. The app's bot does not join, and the group has no creator with a bot's additional rights.",
    basis: Assumed,
    switch: true,
};
/// The policy that the control API sets for a world.
pub(super) const POLICY: Behaviour = Behaviour {
    name: "world_policy",
    rule: "By default a tenant's edition has every feature, its administrators allow public groups, and names and descriptions are not reviewed. The control API can change this for a world: then enabling restricted mode is 232057, hide_member_count_setting only_owner 232078, making a group public 232091, and a name or description with a forbidden word 232023. Present settings of chats are unchanged.",
    basis: Assumed,
    switch: false,
};
