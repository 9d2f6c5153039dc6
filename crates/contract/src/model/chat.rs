//! A chat: its closed lists and its settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Mode of a chat.
    ChatMode {
        /// A group.
        Group = "group",
        /// A topic group.
        Topic = "topic",
        /// Two parties.
        P2p = "p2p",
    }
    /// Type of a group.
    ChatType {
        /// Found and joined by invitation.
        Private = "private",
        /// Found by search and joined freely.
        Public = "public",
    }
    /// Life of a chat.
    ChatStatus {
        /// In use.
        Normal = "normal",
        /// Dissolved.
        Dissolved = "dissolved",
        /// Dissolved, its history kept.
        DissolvedSave = "dissolved_save",
    }
    /// Form of a group's messages.
    GroupMessageType {
        /// In one stream.
        Chat = "chat",
        /// In threads.
        Thread = "thread",
    }
    /// Who sees that somebody joined or left.
    MessageVisibility {
        /// Owner and managers.
        OnlyOwner = "only_owner",
        /// Everybody.
        AllMembers = "all_members",
        /// Nobody.
        NotAnyone = "not_anyone",
    }
    /// Who may do something.
    Permission {
        /// Owner and managers.
        OnlyOwner = "only_owner",
        /// Everybody.
        AllMembers = "all_members",
    }
    /// Whether the chat may be shared.
    SharePermission {
        /// Yes.
        Allowed = "allowed",
        /// No.
        NotAllowed = "not_allowed",
    }
    /// Whether joining needs approval.
    MembershipApproval {
        /// It does not.
        NoApprovalRequired = "no_approval_required",
        /// It does.
        ApprovalRequired = "approval_required",
    }
    /// What restricted mode lets members do.
    RestrictedPermission {
        /// Everybody.
        AllMembers = "all_members",
        /// Nobody.
        NotAnyone = "not_anyone",
    }
    /// Who may speak.
    Moderation {
        /// Everybody.
        AllMembers = "all_members",
        /// Owner and managers.
        OnlyOwner = "only_owner",
        /// A list of members.
        ModeratorList = "moderator_list",
    }
    /// Form of a chat's announcement.
    AnnouncementType {
        /// The old one.
        Doc = "doc",
        /// The new one, which has operations of its own.
        Docx = "docx",
        /// There is no announcement. Larkspur's own word: only the control API says it.
        Absent = "none",
    }
}

/// A chat's name in three languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct I18nNames {
    /// Chinese.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zh_cn: Option<String>,
    /// English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub en_us: Option<String>,
    /// Japanese.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja_jp: Option<String>,
}

/// Restricted mode: no screenshots, no downloads, no copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RestrictedMode {
    /// Whether it is on.
    pub status: bool,
    /// Who may take screenshots.
    pub screenshot_has_permission_setting: RestrictedPermission,
    /// Who may download.
    pub download_has_permission_setting: RestrictedPermission,
    /// Who may copy and forward messages.
    pub message_has_permission_setting: RestrictedPermission,
}

impl Default for RestrictedMode {
    fn default() -> Self {
        RestrictedMode {
            status: false,
            screenshot_has_permission_setting: RestrictedPermission::AllMembers,
            download_has_permission_setting: RestrictedPermission::AllMembers,
            message_has_permission_setting: RestrictedPermission::AllMembers,
        }
    }
}

/// The settings of a chat that answers show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ChatSettings {
    /// Who may send urgent messages.
    pub urgent_setting: Permission,
    /// Who may start video meetings.
    pub video_conference_setting: Permission,
    /// Who may add members; agrees with `share_card_permission`.
    pub add_member_permission: Permission,
    /// Whether the chat may be shared; agrees with `add_member_permission`.
    pub share_card_permission: SharePermission,
    /// Who may mention everybody.
    pub at_all_permission: Permission,
    /// Who may edit name, avatar, description and announcement.
    pub edit_permission: Permission,
    /// Who sees that somebody joined.
    pub join_message_visibility: MessageVisibility,
    /// Who sees that somebody left.
    pub leave_message_visibility: MessageVisibility,
    /// Whether joining needs approval.
    pub membership_approval: MembershipApproval,
    /// Who may speak.
    pub moderation_permission: Moderation,
    /// Restricted mode.
    pub restricted_mode_setting: RestrictedMode,
    /// Who sees the number of members.
    pub hide_member_count_setting: Permission,
    /// Who may pin messages and take pins away.
    pub pin_manage_setting: Permission,
}

impl Default for ChatSettings {
    fn default() -> Self {
        ChatSettings {
            urgent_setting: Permission::AllMembers,
            video_conference_setting: Permission::AllMembers,
            add_member_permission: Permission::AllMembers,
            share_card_permission: SharePermission::Allowed,
            at_all_permission: Permission::AllMembers,
            edit_permission: Permission::AllMembers,
            join_message_visibility: MessageVisibility::AllMembers,
            leave_message_visibility: MessageVisibility::AllMembers,
            membership_approval: MembershipApproval::NoApprovalRequired,
            moderation_permission: Moderation::AllMembers,
            restricted_mode_setting: RestrictedMode::default(),
            hide_member_count_setting: Permission::AllMembers,
            pin_manage_setting: Permission::AllMembers,
        }
    }
}
