//! A chat to make: what the request says of it, and whether it was made already.

use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{
    ChatMode, ChatSettings, ChatType, GroupMessageType, I18nNames, MembershipApproval, MessageVisibility,
    Permission, RestrictedMode,
};
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::policies::Policy;
use larkspur_store::{Tx, chats, idempotency};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Call, busy, rules};

/// What to make.
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
    /// The users it begins with.
    #[schemars(length(max = 50))]
    pub(super) user_id_list: Vec<String>,
    /// The bots it begins with, beside the calling one.
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
    /// Accepted and ignored: a chat is internal when it is made.
    external: Option<bool>,
    /// Accepted and ignored.
    chat_tags: Vec<String>,
    /// Accepted and ignored.
    labels: Vec<String>,
    /// Accepted and ignored: numbers to one client, texts to another.
    toolkit_ids: Option<serde_json::Value>,
}

/// The modes that can be made.
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

    /// What the tenant's policy has against it.
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

/// The chat that an earlier call with the same uuid and owner made; otherwise the uuid is claimed for the new one.
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
        return Ok(None);
    }
    let first = idempotency::answer(tx, &name, call.now).await?.and_then(|answer| ChatId::parse(&answer));
    let chat = match first {
        Some(first) => chats::get(tx, first).await?,
        None => None,
    };
    chat.map(Some)
        .ok_or_else(|| Fault::new(codes::CHAT_BEING_CREATED, "the first call with this uuid is under way"))
}

/// Which modes can be made.
pub(super) const TOPICS: Behaviour = Behaviour {
    name: "topic_as_group",
    rule: "chat_mode topic makes a topic group, as seen since August 2026; with hide_member_count_setting only_owner it is 232079, which is assumed. The switch makes a plain group of it without a word, as seen in April 2026.",
    basis: Observed,
    switch: true,
};
/// What the control API sets for a world.
pub(super) const POLICY: Behaviour = Behaviour {
    name: "world_policy",
    rule: "By default a tenant's edition has everything, its administrators allow public groups, and names and descriptions are not reviewed. The control API changes that for a world: 232057 for restricted mode that is switched on, 232078 for hide_member_count_setting only_owner, 232091 for a group that is made public, 232023 for a name or description with a forbidden word. What a chat has already stays.",
    basis: Assumed,
    switch: false,
};
