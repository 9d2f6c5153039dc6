//! Chats of a world, in any state, including those that no public operation can produce.

use larkspur_contract::Fault;
use larkspur_contract::model::{
    ChatCondition, ChatMode, ChatSettings, ChatStatus, ChatType, GroupMessageType, I18nNames, Permission,
    TabType,
};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{Tx, members, moderation, tabs as chat_tabs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::role::Role;

mod acts;
mod announcement;
mod client;
pub(crate) mod create;
pub(super) mod dissolve;
pub(super) mod get;
pub(super) mod leaving;
pub(super) mod list;
mod listed;
pub(super) mod member_delete;
pub(crate) mod member_put;
pub(super) mod messages;
mod names;
mod own_cards;
mod parties;
pub(super) mod pending_delete;
pub(super) mod pending_list;
pub(super) mod pending_put;
mod role;
pub(crate) mod say;
mod shown_message;
pub(super) mod tab_add;
pub(super) mod tab_delete;
pub(crate) mod tab_draft;
pub(super) mod tab_order;
mod tabs;
pub(crate) mod update;
pub(super) mod view;
mod view_menu;
mod view_parts;

/// A chat of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The tenant.
    tenant_key: String,
    /// The chat.
    chat_id: String,
}

/// A member of a chat of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct MemberPath {
    /// The tenant.
    tenant_key: String,
    /// The chat.
    chat_id: String,
    /// A user_id or an app_id.
    member: String,
}

/// A chat with everything that belongs to it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// Its id.
    chat_id: String,
    /// Group, topic or p2p.
    chat_mode: ChatMode,
    /// Private or public.
    chat_type: ChatType,
    /// `inner`, `tenant`, …
    chat_tag: String,
    /// Normal or dissolved.
    chat_status: ChatStatus,
    /// Whether users of other tenants may be in it.
    external: bool,
    /// Name; empty means none.
    name: String,
    /// Description; empty means none.
    description: String,
    /// Names by language.
    i18n_names: I18nNames,
    /// The owner: a user_id or an app_id.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    /// The app whose bot created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    creator_app: Option<String>,
    /// In one stream or in threads.
    group_message_type: GroupMessageType,
    /// Who may manage tabs, widgets and menus.
    manage_widgets: Permission,
    /// The settings that answers show.
    settings: ChatSettings,
    /// Its members, in the order in which they joined.
    members: Vec<ShownMember>,
    /// Its tabs, in their order.
    tabs: Vec<ShownTab>,
    /// The items of its top notice.
    top_notice: Vec<ShownNotice>,
    /// Whether the platform has banned it.
    banned: bool,
    /// Whether a meeting takes place in it.
    meeting: bool,
    /// States that no public operation sets.
    conditions: Vec<ChatCondition>,
    /// Its announcement.
    announcement: announcement::Shown,
}

impl Shown {
    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.chat_id
    }
}

/// A member of a chat.
#[derive(Debug, Serialize, JsonSchema)]
struct ShownMember {
    /// A user_id or an app_id.
    member: String,
    /// Its role.
    role: Role,
}

/// A tab.
#[derive(Debug, Serialize, JsonSchema)]
struct ShownTab {
    /// Its id.
    tab_id: String,
    /// Its type.
    tab_type: TabType,
    /// Its name; empty means none.
    tab_name: String,
    /// What it opens; empty for the built-in tabs.
    target: String,
}

impl ShownTab {
    fn of(tab: chat_tabs::Tab) -> Self {
        let tab_id = tab.tab_id.to_string();
        ShownTab { tab_id, tab_type: tab.tab_type, tab_name: tab.name, target: tab.target }
    }
}

/// An item of a chat's top notice.
#[derive(Debug, Serialize, JsonSchema)]
struct ShownNotice {
    /// `1` for a message, `2` for the announcement.
    action_type: String,
    /// The message; empty for the announcement.
    message_id: String,
}

async fn show(tx: &mut Tx, chat: Chat) -> Result<Shown, Fault> {
    let role = |found: &members::Membership| Role::of(&chat, &found.member, found.manager);
    let people = members::all(tx, chat.chat_id).await?;
    let top = moderation::top(tx, chat.chat_id).await?.into_iter();
    let holds = moderation::holds(tx, chat.chat_id).await?;
    Ok(Shown {
        top_notice: top
            .map(|notice| ShownNotice { action_type: notice.action_type, message_id: notice.message_id })
            .collect(),
        banned: holds.banned,
        meeting: holds.meeting,
        chat_id: chat.chat_id.to_string(),
        members: people
            .iter()
            .map(|found| ShownMember { member: found.member.to_column(), role: role(found) })
            .collect(),
        tabs: chat_tabs::list(tx, chat.chat_id).await?.into_iter().map(ShownTab::of).collect(),
        announcement: announcement::show(tx, &chat).await?,
        chat_mode: chat.mode,
        chat_type: chat.chat_type,
        chat_tag: chat.tag,
        chat_status: chat.status,
        external: chat.external,
        name: chat.name,
        description: chat.description,
        i18n_names: chat.i18n_names,
        owner: chat.owner.as_ref().map(Member::to_column),
        creator_app: chat.creator_app.map(|app| app.to_string()),
        group_message_type: chat.group_message_type,
        manage_widgets: chat.manage_widgets,
        conditions: chat.conditions,
        settings: chat.settings,
    })
}
