//! A chat to make: what the request says of it, and whether it was made already.

use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{
    ChatSettings, ChatType, GroupMessageType, I18nNames, MembershipApproval, MessageVisibility, Permission,
    RestrictedMode,
};
use larkspur_contract::{Fault, codes};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{Tx, chats, idempotency};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Call, rules};

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
    /// `group`
    pub(super) chat_mode: Option<OnlyGroup>,
    /// Private (the default) or public.
    pub(super) chat_type: Option<ChatType>,
    join_message_visibility: Option<MessageVisibility>,
    leave_message_visibility: Option<MessageVisibility>,
    membership_approval: Option<MembershipApproval>,
    pub(super) restricted_mode_setting: Option<RestrictedMode>,
    urgent_setting: Option<Permission>,
    video_conference_setting: Option<Permission>,
    edit_permission: Option<Permission>,
    hide_member_count_setting: Option<Permission>,
    /// Accepted and ignored: a chat is internal when it is made.
    external: Option<bool>,
    /// Accepted and ignored.
    chat_tags: Vec<String>,
    /// Accepted and ignored.
    labels: Vec<String>,
    /// Accepted and ignored: numbers to one client, texts to another.
    toolkit_ids: Option<serde_json::Value>,
}

/// The only mode that can be made.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnlyGroup {
    Group,
}

impl Body {
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
