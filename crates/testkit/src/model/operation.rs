//! Operations, with the model's ids.

use serde_json::Value;

/// The actor of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The app that calls.
    pub app: usize,
    /// The user that it acts for; the app's bot if there is none.
    pub user: Option<usize>,
}

impl Actor {
    /// An app's bot.
    pub fn bot(app: usize) -> Actor {
        Actor { app, user: None }
    }

    /// As a member of chats.
    pub fn member(self) -> String {
        self.user.map_or_else(|| format!("<app:{}>", self.app), |user| format!("<user:{user}>"))
    }
}

/// The form of the ids of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the platform")]
pub enum Form {
    Open,
    Union,
    User,
    App,
}

impl Form {
    /// The parameter's value.
    pub fn word(self) -> &'static str {
        match self {
            Form::Open => "open_id",
            Form::Union => "union_id",
            Form::User => "user_id",
            Form::App => "app_id",
        }
    }
}

/// Names by language: a locale, and the name if there is one.
pub type Names = Vec<(String, Option<String>)>;

/// A tab in a request. `None` is not sent.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members of the request")]
pub struct TabDraft {
    pub id: Option<String>,
    pub tab_type: String,
    pub name: Option<String>,
    pub url: Option<String>,
    pub doc: Option<String>,
    pub config: Option<(Option<String>, Option<bool>)>,
}

/// A menu item in a request. `None` is not sent.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members of the request")]
pub struct MenuDraft {
    pub links: bool,
    /// Whether the type is omitted.
    pub untyped: bool,
    pub name: Option<String>,
    pub japanese: Option<String>,
    pub common: Option<String>,
    pub pc: Option<String>,
    pub image: Option<String>,
    /// The items under it.
    pub children: Vec<MenuDraft>,
}

/// The fields of a chat in a request, for creation or change. `None` is not sent.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members of the request")]
pub struct Change {
    pub name: Option<String>,
    pub description: Option<String>,
    pub avatar: Option<String>,
    pub english: Option<String>,
    /// Only for creation.
    pub mode: Option<String>,
    pub chat_type: Option<String>,
    pub message_type: Option<String>,
    /// Settings in answers: name and value of each.
    pub settings: Vec<(&'static str, Value)>,
    pub owner: Option<String>,
}

/// An edit of an old announcement.
#[derive(Debug, Clone)]
pub enum Edit {
    /// A paragraph at the beginning or at the end.
    Paragraph(String, bool),
    /// A title.
    Title(String),
    /// A kind that announcements do not support.
    Unsupported,
}

/// An operation. Those from `DeleteImage` on belong to the control API.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the members of the requests")]
pub enum Op {
    CreateTag {
        app: usize,
        kind: String,
        name: String,
        names: Names,
    },
    PatchTag {
        app: usize,
        tag: String,
        id: Option<String>,
        name: Option<String>,
        names: Option<Names>,
    },
    ListTags {
        app: usize,
        ids: Vec<String>,
    },
    Bind {
        app: usize,
        chat: String,
        tags: Vec<String>,
    },
    Unbind {
        app: usize,
        chat: String,
        tags: Vec<String>,
    },
    Bound {
        app: usize,
        chat: String,
    },
    AddTabs {
        by: Actor,
        chat: String,
        drafts: Vec<TabDraft>,
    },
    UpdateTabs {
        by: Actor,
        chat: String,
        drafts: Vec<TabDraft>,
    },
    DeleteTabs {
        by: Actor,
        chat: String,
        ids: Vec<String>,
    },
    SortTabs {
        by: Actor,
        chat: String,
        ids: Vec<String>,
    },
    ListTabs {
        by: Actor,
        chat: String,
    },
    CreateChat {
        app: usize,
        form: Form,
        draft: Change,
        /// Users in this form, and apps.
        people: (Vec<String>, Vec<String>),
        uuid: Option<String>,
        bot_manages: bool,
    },
    GetChat {
        by: Actor,
        form: Form,
        chat: String,
    },
    UpdateChat {
        by: Actor,
        form: Form,
        chat: String,
        change: Change,
    },
    DeleteChat {
        by: Actor,
        chat: String,
    },
    ListChats {
        by: Actor,
        form: Form,
        active: bool,
        size: usize,
    },
    AddMembers {
        by: Actor,
        form: Form,
        chat: String,
        ids: Vec<String>,
        kind: usize,
    },
    RemoveMembers {
        by: Actor,
        form: Form,
        chat: String,
        ids: Vec<String>,
    },
    Members {
        by: Actor,
        form: Form,
        chat: String,
        size: usize,
    },
    IsInChat {
        by: Actor,
        chat: String,
    },
    Join {
        by: Actor,
        chat: String,
    },
    Appoint {
        by: Actor,
        form: Form,
        chat: String,
        ids: Vec<String>,
        manager: bool,
    },
    AddMenus {
        app: usize,
        chat: String,
        drafts: Vec<MenuDraft>,
    },
    DeleteMenus {
        app: usize,
        chat: String,
        ids: Vec<String>,
    },
    GetMenus {
        app: usize,
        chat: String,
    },
    SortMenus {
        app: usize,
        chat: String,
        ids: Vec<String>,
    },
    PatchMenu {
        app: usize,
        chat: String,
        id: String,
        fields: Vec<&'static str>,
        draft: MenuDraft,
    },
    GetAnnouncement {
        by: Actor,
        form: Form,
        chat: String,
    },
    PatchAnnouncement {
        by: Actor,
        chat: String,
        revision: String,
        edits: Vec<Edit>,
    },
    Send {
        by: Actor,
        chat: String,
        /// `None` sends content that is not JSON.
        text: Option<String>,
        uuid: Option<String>,
    },
    Reply {
        by: Actor,
        message: String,
        in_thread: bool,
        uuid: Option<String>,
    },
    GetMessage {
        by: Actor,
        message: String,
    },
    ListMessages {
        by: Actor,
        chat: String,
        newest_first: bool,
        size: usize,
    },
    EditMessage {
        by: Actor,
        message: String,
        text: String,
    },
    Recall {
        by: Actor,
        message: String,
    },
    React {
        by: Actor,
        message: String,
        emoji: String,
    },
    Unreact {
        by: Actor,
        message: String,
        reaction: String,
    },
    Pin {
        by: Actor,
        message: String,
    },
    Unpin {
        by: Actor,
        message: String,
    },
    ListPins {
        by: Actor,
        chat: String,
        size: usize,
    },
    Upload {
        app: usize,
        avatar: bool,
    },
    DeleteImage {
        image: String,
    },
    SetApp {
        app: usize,
        bot: bool,
        external_sharing: bool,
        as_owner: bool,
        visible_to: Option<Vec<usize>>,
    },
    SetMember {
        tenant: usize,
        chat: String,
        member: String,
        manager: bool,
    },
    DropMember {
        tenant: usize,
        chat: String,
        member: String,
    },
    Answer {
        tenant: usize,
        chat: String,
        member: String,
        welcome: bool,
    },
    SetChat {
        tenant: usize,
        chat: String,
        status: String,
        only_owner_manages: bool,
        owner: Option<String>,
        announcement: Option<(String, bool)>,
        settings: Vec<(&'static str, &'static str)>,
    },
}

impl Op {
    /// Its name in counts.
    pub fn name(&self) -> String {
        let debug = format!("{self:?}");
        let name = debug.split([' ', '{']).next().unwrap_or_default();
        match self {
            Op::Appoint { manager: false, .. } => "Dismiss".to_owned(),
            _ => name.to_owned(),
        }
    }

    /// The chat that it locks for a change as a client's call: success updates its time of activity.
    pub(super) fn locks(&self) -> Option<&String> {
        match self {
            Op::AddTabs { chat, .. }
            | Op::UpdateTabs { chat, .. }
            | Op::DeleteTabs { chat, .. }
            | Op::SortTabs { chat, .. }
            | Op::UpdateChat { chat, .. }
            | Op::DeleteChat { chat, .. }
            | Op::AddMembers { chat, .. }
            | Op::RemoveMembers { chat, .. }
            | Op::Join { chat, .. }
            | Op::Appoint { chat, .. }
            | Op::AddMenus { chat, .. }
            | Op::DeleteMenus { chat, .. }
            | Op::SortMenus { chat, .. }
            | Op::PatchMenu { chat, .. }
            | Op::PatchAnnouncement { chat, .. } => Some(chat),
            _ => None,
        }
    }
}
