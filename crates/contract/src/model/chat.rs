//! A chat: its enums and its settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Mode of a chat.
    ChatMode {
        /// A group.
        Group = "group",
        /// A topic group.
        Topic = "topic",
        /// A chat of two parties.
        P2p = "p2p",
    }
    /// Type of a group.
    ChatType {
        /// Joined by invitation.
        Private = "private",
        /// Found by search and joined freely.
        Public = "public",
    }
    /// State of a chat.
    ChatStatus {
        /// In use.
        Normal = "normal",
        /// Dissolved.
        Dissolved = "dissolved",
        /// Dissolved, with its history kept.
        DissolvedSave = "dissolved_save",
    }
    /// Format of a group's messages.
    GroupMessageType {
        /// In one stream.
        Chat = "chat",
        /// In threads.
        Thread = "thread",
    }
    /// Who sees that a member joined or left.
    MessageVisibility {
        /// Owner and managers.
        OnlyOwner = "only_owner",
        /// All members.
        AllMembers = "all_members",
        /// No member.
        NotAnyone = "not_anyone",
    }
    /// Who may do something.
    Permission {
        /// Owner and managers.
        OnlyOwner = "only_owner",
        /// All members.
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
        /// All members.
        AllMembers = "all_members",
        /// No member.
        NotAnyone = "not_anyone",
    }
    /// A state of a chat that no public operation sets.
    ChatCondition {
        /// No one may send to it.
        Muted = "muted",
        /// The user of a p2p chat has stopped the bot from sending.
        Stopped = "stopped",
        /// Members do not see what was sent before they joined.
        HiddenHistory = "hidden_history",
        /// A secret group.
        Secret = "secret",
        /// A group with the encryption of a third party.
        Encrypted = "encrypted",
        /// A connection group.
        Connection = "connection",
        /// Its messages destroy themselves.
        SelfDestructing = "self_destructing",
        /// Its messages have no threads.
        NoThreads = "no_threads",
    }
    /// Who may speak.
    Moderation {
        /// All members.
        AllMembers = "all_members",
        /// Owner and managers.
        OnlyOwner = "only_owner",
        /// A list of members.
        ModeratorList = "moderator_list",
    }
    /// Format of a chat's announcement.
    AnnouncementType {
        /// The old format.
        Doc = "doc",
        /// The new format, which has its own operations.
        Docx = "docx",
        /// No announcement. Only the control API uses this value.
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

impl I18nNames {
    /// The name in a language such as `zh_cn`, if there is one.
    pub fn in_language(&self, language: &str) -> Option<&str> {
        let name = match language {
            "zh_cn" => &self.zh_cn,
            "en_us" => &self.en_us,
            "ja_jp" => &self.ja_jp,
            _ => return None,
        };
        name.as_deref().filter(|name| !name.is_empty())
    }
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
    /// Who may add members; must agree with `share_card_permission`.
    pub add_member_permission: Permission,
    /// Whether the chat may be shared; must agree with `add_member_permission`.
    pub share_card_permission: SharePermission,
    /// Who may mention all members.
    pub at_all_permission: Permission,
    /// Who may edit name, avatar, description and announcement.
    pub edit_permission: Permission,
    /// Who sees that a member joined.
    pub join_message_visibility: MessageVisibility,
    /// Who sees that a member left.
    pub leave_message_visibility: MessageVisibility,
    /// Whether joining needs approval.
    pub membership_approval: MembershipApproval,
    /// Who may speak.
    pub moderation_permission: Moderation,
    /// Restricted mode.
    pub restricted_mode_setting: RestrictedMode,
    /// Who sees the number of members.
    pub hide_member_count_setting: Permission,
    /// Who may pin and unpin messages.
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
