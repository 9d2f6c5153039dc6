use larkspur_api::rules;
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::ids::{ChatId, TabId};
use larkspur_contract::model::{
    AnnouncementType, ChatMode, ChatSettings, ChatStatus, ChatType, GroupMessageType, I18nNames, Permission,
};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{LockedChat, Root, Tx, announcements, chats, members, tabs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shown;
use super::tab_draft::{TabDraft, add_tab};
use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `POST /larkspur/v1/worlds/:tenant_key/chats`
pub(crate) struct Create;

/// The values of `chat_tag`. Source: the page of a chat; the last two are of chats that have no link.
const TAGS: &[&str] =
    &["inner", "tenant", "department", "edu", "meeting", "customer_service", "secret", "team"];

/// The chat to create. Owner and managers are members, too, whether or not `members` names them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Group (the default), topic or p2p; a p2p chat has exactly two members.
    #[schemars(extend("default" = "group"))]
    chat_mode: Option<ChatMode>,
    /// Private (the default) or public.
    #[schemars(extend("default" = "private"))]
    chat_type: Option<ChatType>,
    /// `inner` (the default), or another of the platform's values.
    #[schemars(extend("default" = "inner", "enum" = TAGS))]
    chat_tag: Option<String>,
    /// State of the chat.
    #[schemars(extend("default" = "normal"))]
    chat_status: Option<ChatStatus>,
    /// Whether users of other tenants may be in it; false by default.
    #[schemars(extend("default" = false))]
    external: Option<bool>,
    /// Name.
    #[schemars(length(max = 1000))]
    name: Option<String>,
    /// Description.
    #[schemars(length(max = 10000))]
    description: Option<String>,
    /// Names by language.
    i18n_names: Option<I18nNames>,
    /// A user_id or an app_id; none by default.
    owner: Option<String>,
    /// user_ids and app_ids.
    #[serde(default)]
    managers: Vec<String>,
    /// user_ids and app_ids.
    #[serde(default)]
    members: Vec<String>,
    /// The app whose bot created it.
    creator_app: Option<String>,
    /// In one stream (the default) or in threads.
    #[schemars(extend("default" = "chat"))]
    group_message_type: Option<GroupMessageType>,
    /// Who may manage tabs, widgets and menus; all members by default.
    #[schemars(extend("default" = "all_members"))]
    manage_widgets: Option<Permission>,
    /// The format of its announcement: that of new groups of the world by default. A p2p chat never has one.
    announcement_type: Option<AnnouncementType>,
    /// The settings that answers show.
    settings: Option<ChatSettings>,
    /// Tabs after the message tab, which every chat has.
    #[serde(default)]
    tabs: Vec<TabDraft>,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.create",
        summary: "Create a chat in any state",
        route: post("/larkspur/v1/worlds/{tenant_key}/chats"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        behaviours: &[super::client::SILENT],
        example: r#"{"chat_mode":"topic","members":["{app_id}"]}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let body = &input.body;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let owner = match &body.owner {
            Some(id) => Some(support::member(&mut tx, "owner", id).await?),
            None => None,
        };
        let creator_app = match &body.creator_app {
            Some(id) => Some(support::app(&mut tx, "creator_app", id).await?.app_id),
            None => None,
        };
        let mode = body.chat_mode.unwrap_or(ChatMode::Group);
        let unnamed = if mode == ChatMode::P2p { "" } else { rules::chats::NO_NAME };
        let chat = Chat {
            chat_id: ChatId(tx.random_id()),
            mode,
            chat_type: body.chat_type.unwrap_or(ChatType::Private),
            tag: body.chat_tag.clone().unwrap_or_else(|| "inner".to_owned()),
            status: body.chat_status.unwrap_or(ChatStatus::Normal),
            external: body.external.unwrap_or(false),
            name: body.name.clone().unwrap_or_else(|| unnamed.to_owned()),
            description: body.description.clone().unwrap_or_default(),
            i18n_names: body.i18n_names.clone().unwrap_or_default(),
            avatar: String::new(),
            owner: owner.clone(),
            creator_app,
            group_message_type: body.group_message_type.unwrap_or(GroupMessageType::Chat),
            settings: body.settings.clone().unwrap_or_default(),
            manage_widgets: body.manage_widgets.unwrap_or(Permission::AllMembers),
            conditions: Vec::new(),
            user_count: 0,
            bot_count: 0,
        };
        let locked = chats::insert(&mut tx, chat, now).await?;
        let usual = announcements::usual(&mut tx).await?;
        announcements::begin(&mut tx, &locked, body.announcement_type.unwrap_or(usual)).await?;
        people(&mut tx, &locked, owner, body, now).await?;
        super::parties::check(&mut tx, &locked).await?;
        add_tabs(&mut tx, &locked, &body.tabs).await?;
        super::show(&mut tx, Chat::clone(&locked)).await
    }
}

async fn people(
    tx: &mut Tx,
    chat: &LockedChat,
    owner: Option<Member>,
    body: &Body,
    now: i64,
) -> Result<(), Fault> {
    // Managers come first: a member of several lists is added once, with its highest role.
    let mut managers = Vec::with_capacity(body.managers.len());
    for id in &body.managers {
        managers.push(support::member(tx, "managers[*]", id).await?);
    }
    members::add_all(tx, chat, &managers, true, now).await?;
    let mut others = Vec::from_iter(owner);
    for id in &body.members {
        others.push(support::member(tx, "members[*]", id).await?);
    }
    members::add_all(tx, chat, &others, false, now).await?;
    Ok(())
}

async fn add_tabs(tx: &mut Tx, chat: &LockedChat, drafts: &[TabDraft]) -> Result<(), Fault> {
    let message = tabs::Tab::message(TabId(tx.next_id()));
    tabs::insert(tx, chat, &message).await?;
    for (draft, position) in drafts.iter().zip(1..) {
        add_tab(tx, chat, draft, position).await?;
    }
    Ok(())
}
