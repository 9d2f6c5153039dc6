//! A chat, as the chat operations answer it.

use larkspur_contract::Fault;
use larkspur_contract::model::{
    ChatMode, ChatSettings, ChatType, GroupMessageType, I18nNames, MembershipApproval, MessageVisibility,
    Moderation, Permission, RestrictedMode, SharePermission, UserIdType,
};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{Tx, users};
use schemars::JsonSchema;
use serde::Serialize;

use crate::rules::images::avatar_url;
use crate::{Call, translate};

/// A chat, as answers show it.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(default)]
pub(super) struct ChatInfo {
    /// Its id, if the request did not name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chat_id: Option<String>,
    /// URL of its avatar.
    pub(super) avatar: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    /// Its name in three languages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) i18n_names: Option<I18nNames>,
    /// The owner; absent if the owner is a bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner_id: Option<String>,
    /// The form of `owner_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner_id_type: Option<UserIdType>,
    /// The managers that are users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_manager_id_list: Option<Vec<String>>,
    /// The managers that are bots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bot_manager_id_list: Option<Vec<String>>,
    /// Who may send urgent messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) urgent_setting: Option<Permission>,
    /// Who may start video meetings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) video_conference_setting: Option<Permission>,
    /// Who may add members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) add_member_permission: Option<Permission>,
    /// Whether it may be shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) share_card_permission: Option<SharePermission>,
    /// Who may mention all members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at_all_permission: Option<Permission>,
    /// Who may edit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) edit_permission: Option<Permission>,
    /// In one stream or in threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group_message_type: Option<GroupMessageType>,
    /// Group, topic or p2p.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chat_mode: Option<ChatMode>,
    /// Private or public.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chat_type: Option<ChatType>,
    /// `inner`, `tenant`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chat_tag: Option<String>,
    /// Whether users of other tenants may be in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external: Option<bool>,
    /// Its tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenant_key: Option<String>,
    /// Who sees that a member joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) join_message_visibility: Option<MessageVisibility>,
    /// Who sees that a member left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) leave_message_visibility: Option<MessageVisibility>,
    /// Whether joining needs approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) membership_approval: Option<MembershipApproval>,
    /// Who may speak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) moderation_permission: Option<Moderation>,
    /// Restricted mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restricted_mode_setting: Option<RestrictedMode>,
    /// Who sees the number of members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hide_member_count_setting: Option<Permission>,
    /// Who may pin and unpin messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pin_manage_setting: Option<Permission>,
    /// Members who are users, decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_count: Option<String>,
    /// Members that are bots, decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bot_count: Option<String>,
    /// Normal or dissolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chat_status: Option<String>,
}

/// The fields that creating and getting a chat both return. A p2p chat omits fields that it does not have; topic and
/// p2p chats omit the message type. Source: the get page.
pub(super) async fn show(tx: &mut Tx, call: &Call, chat: &Chat, form: UserIdType) -> Result<ChatInfo, Fault> {
    let ChatSettings {
        urgent_setting,
        video_conference_setting,
        add_member_permission,
        share_card_permission,
        at_all_permission,
        edit_permission,
        join_message_visibility,
        leave_message_visibility,
        membership_approval,
        moderation_permission,
        restricted_mode_setting,
        hide_member_count_setting,
        pin_manage_setting,
    } = chat.settings.clone();
    let has_owner = chat.mode != ChatMode::P2p;
    let owner_id = match &chat.owner {
        Some(Member::User(user_id)) if has_owner => {
            let owner = users::by_id(tx, user_id).await?;
            owner.map(|owner| translate::user_id(&tx.engine().keys, call, &owner, form))
        }
        _ => None,
    };
    Ok(ChatInfo {
        avatar: avatar_url(&chat.avatar),
        name: Some(chat.name.clone()).filter(|name| !name.is_empty()),
        description: Some(chat.description.clone()),
        i18n_names: Some(chat.i18n_names.clone()),
        owner_id_type: owner_id.is_some().then_some(form),
        owner_id,
        urgent_setting: Some(urgent_setting),
        video_conference_setting: Some(video_conference_setting),
        add_member_permission: has_owner.then_some(add_member_permission),
        share_card_permission: has_owner.then_some(share_card_permission),
        at_all_permission: has_owner.then_some(at_all_permission),
        edit_permission: Some(edit_permission),
        group_message_type: (chat.mode == ChatMode::Group).then_some(chat.group_message_type),
        chat_mode: Some(chat.mode),
        chat_type: has_owner.then_some(chat.chat_type),
        chat_tag: has_owner.then(|| chat.tag.clone()),
        external: Some(chat.external),
        tenant_key: Some(tx.tenant().to_string()),
        join_message_visibility: has_owner.then_some(join_message_visibility),
        leave_message_visibility: has_owner.then_some(leave_message_visibility),
        membership_approval: has_owner.then_some(membership_approval),
        moderation_permission: Some(moderation_permission),
        restricted_mode_setting: Some(restricted_mode_setting),
        hide_member_count_setting: Some(hide_member_count_setting),
        pin_manage_setting: has_owner.then_some(pin_manage_setting),
        ..ChatInfo::default()
    })
}
