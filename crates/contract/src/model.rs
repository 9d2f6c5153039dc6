//! Wire types that are also kept as they are: the closed lists of a chat, and a tag.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A closed list of words that go on the wire and into columns alike.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
            pub enum $name {
                $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)*
            }

            impl $name {
                /// The word.
                pub const fn as_str(self) -> &'static str {
                    match self { $($name::$variant => $text,)* }
                }

                /// The value of a word.
                pub fn parse(text: &str) -> Option<Self> {
                    match text { $($text => Some($name::$variant),)* _ => None }
                }
            }
        )*
    };
}

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
    /// Type of a chat tab.
    TabType {
        /// Messages: the first tab of every chat.
        Message = "message",
        /// Cloud documents.
        DocList = "doc_list",
        /// A document.
        Doc = "doc",
        /// Pinned messages.
        Pin = "pin",
        /// Meeting minutes.
        MeetingMinute = "meeting_minute",
        /// The announcement.
        ChatAnnouncement = "chat_announcement",
        /// A web page.
        Url = "url",
        /// Files.
        File = "file",
        /// Files, documents and links.
        FilesResources = "files_resources",
        /// Pictures and videos.
        ImagesVideos = "images_videos",
        /// Tasks.
        Task = "task",
    }
    /// What a menu item of a chat does.
    MenuAction {
        /// Nothing of its own: it opens its children, if it has any.
        None = "NONE",
        /// It opens a link.
        RedirectLink = "REDIRECT_LINK",
    }
    /// A part of a menu item that can be changed.
    MenuField {
        /// The icon.
        Icon = "ICON",
        /// The name.
        Name = "NAME",
        /// The names by language.
        I18nName = "I18N_NAME",
        /// The link.
        RedirectLink = "REDIRECT_LINK",
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
    /// Kind of user id in a request or an answer.
    UserIdType {
        /// `ou_…`, different in every app.
        OpenId = "open_id",
        /// `on_…`, different for every developer.
        UnionId = "union_id",
        /// The tenant's own.
        UserId = "user_id",
    }
    /// Kind of member id in a request.
    MemberIdType {
        /// A user's, `ou_…`, different in every app.
        OpenId = "open_id",
        /// A user's, `on_…`, different for every developer.
        UnionId = "union_id",
        /// A user's, the tenant's own.
        UserId = "user_id",
        /// A bot's: the id of its app.
        AppId = "app_id",
    }
    /// What an image may be used for.
    ImageType {
        /// Messages, tab icons, menu icons.
        Message = "message",
        /// Avatars.
        Avatar = "avatar",
    }
    /// Type of a tag.
    TagType {
        /// Of the whole tenant.
        Tenant = "tenant",
    }
    /// What a tag is bound to.
    TagBizType {
        /// A chat.
        Chat = "chat",
    }
    /// Kind of app.
    AppKind {
        /// Made by the tenant that uses it.
        Custom = "custom",
        /// Made by a vendor for many tenants.
        Isv = "isv",
    }
    /// An app in a tenant.
    InstallStatus {
        /// In use.
        Enabled = "enabled",
        /// Switched off by the tenant.
        Disabled = "disabled",
        /// Not installed (any more).
        Uninstalled = "uninstalled",
    }
    /// State of a user's account.
    UserStatus {
        /// In use.
        Active = "active",
        /// Suspended.
        Frozen = "frozen",
        /// Left the tenant.
        Resigned = "resigned",
    }
    /// Right on a document.
    DocPermission {
        /// Read.
        View = "view",
        /// Read and write.
        Edit = "edit",
        /// And share.
        FullAccess = "full_access",
    }
    /// Kind of cloud document.
    DocType {
        /// Legacy document.
        Doc = "doc",
        /// Document.
        Docx = "docx",
        /// Spreadsheet.
        Sheet = "sheet",
        /// Base.
        Bitable = "bitable",
        /// File.
        File = "file",
        /// Wiki node.
        Wiki = "wiki",
        /// Mind note.
        Mindnote = "mindnote",
        /// Slides.
        Slides = "slides",
        /// Minutes.
        Minutes = "minutes",
        /// Folder.
        Folder = "folder",
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

/// Where a menu item of a chat leads. A platform without an address of its own uses the common one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RedirectLink {
    /// For every platform without an address of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_url: Option<String>,
    /// For iOS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ios_url: Option<String>,
    /// For Android.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub android_url: Option<String>,
    /// For desktops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pc_url: Option<String>,
    /// For browsers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_url: Option<String>,
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

/// A name of a tag in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TagI18nName {
    /// Language, such as `zh_cn`; kept and echoed as it was sent.
    #[schemars(length(min = 1))]
    pub locale: String,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A tag, as answers show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TagInfo {
    /// Decimal id.
    pub id: String,
    /// `tenant`
    pub tag_type: String,
    /// Default name.
    pub name: String,
    /// Names by language.
    pub i18n_names: Vec<TagI18nName>,
    /// Milliseconds since 1970, decimal.
    pub create_time: String,
    /// Milliseconds since 1970, decimal.
    pub update_time: String,
}
