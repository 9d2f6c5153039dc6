//! The reference model: computes a server's answers on plain maps, without SQL and without the product's rules.
//!
//! Ids that the product draws are written `<kind:…>` here, in operations and answers alike: `<chat:17>` is the chat
//! that step 17 created, `<tab:17.2>` a tab, `<menu:17.0>` a menu item, `<message:17>` the message and `<reaction:17>` the reaction of that step. Users are `<user:n>` by user_id,
//! `<open:a.n>` by the open_id for app `a` and `<union:t.n>` by the union_id of tenant `t`; bots are `<app:n>`. Since a
//! name contains its step, a step can be left out of a sequence without renaming other things.
//!
//! If an answer has no order, or one that depends on drawn ids, the model says so: see [`UNORDERED`] and [`GROUPS`].

mod announcements;
mod chats;
mod control;
mod enter;
mod members;
mod menus;
mod messages;
mod operation;
mod pages;
mod sent;
mod tabs;
mod tags;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub use operation::{Actor, Change, Edit, Form, MenuDraft, Names, Op, TabDraft};
pub use sent::{Sent, Through};

/// The name of the only member of an object that stands for a list in any order.
pub const UNORDERED: &str = "$unordered";
/// The name of the only member of an object that stands for a sequence of lists, each in any order.
pub const GROUPS: &str = "$groups";
/// The name of the only member of an object that stands for a text: the JSON of this value.
pub const JSON: &str = "$json";

/// The expected answer of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The code.
    pub code: u32,
    /// The data of a success; `None` if the model does not predict it.
    pub data: Option<Value>,
}

type Outcome = Result<Value, u32>;

/// Two tenants with apps, users, chats, tags, tabs, messages, images and documents.
#[derive(Debug, Clone)]
pub struct Model {
    /// The time, in milliseconds since 1970.
    pub now: i64,
    /// The most users of a chat of tenant 0, as its administrators set it.
    chat_users: usize,
    apps: Vec<App>,
    users: Vec<User>,
    tags: BTreeMap<String, Tag>,
    chats: BTreeMap<String, Chat>,
    images: BTreeMap<String, Image>,
    documents: Vec<Document>,
    /// By app, owner and uuid: the chat, and until when it is repeated.
    uuids: BTreeMap<(usize, String, String), (String, i64)>,
    /// By the step that sent it.
    messages: BTreeMap<usize, messages::Message>,
    /// By the step that added it.
    reactions: BTreeMap<usize, messages::Reaction>,
    /// By app, sender and uuid: the message, and until when it is repeated.
    message_uuids: BTreeMap<(usize, String, String), (usize, i64)>,
    /// The current step, and how many things it has created.
    step: usize,
    made: usize,
}

#[derive(Debug, Clone)]
struct App {
    tenant: usize,
    bot: bool,
    external_sharing: bool,
    as_owner: bool,
    /// The users who see the app; `None` means all.
    visible_to: Option<BTreeSet<usize>>,
}

#[derive(Debug, Clone)]
struct User {
    tenant: usize,
    name: String,
    resigned: bool,
}

#[derive(Debug, Clone)]
struct Tag {
    tenant: usize,
    name: String,
    names: Names,
    created: i64,
    updated: i64,
}

#[derive(Debug, Clone, Default)]
struct Chat {
    tenant: usize,
    mode: String,
    chat_type: String,
    status: String,
    external: bool,
    name: String,
    description: String,
    i18n_names: BTreeMap<String, String>,
    avatar: String,
    owner: Option<String>,
    creator: Option<usize>,
    only_owner_manages: bool,
    /// The settings in answers, if they differ from the defaults.
    settings: BTreeMap<String, Value>,
    message_type: String,
    members: BTreeMap<String, Membership>,
    pending: BTreeSet<String>,
    tabs: Vec<Tab>,
    menu: Vec<menus::Top>,
    /// By tag: when it was bound.
    bound: BTreeMap<String, i64>,
    announcement: announcements::Announcement,
    created: i64,
    active: i64,
}

#[derive(Debug, Clone)]
struct Membership {
    manager: bool,
    joined: i64,
}

#[derive(Debug, Clone)]
struct Tab {
    id: String,
    tab_type: String,
    name: String,
    target: String,
    config: Option<(String, bool)>,
}

#[derive(Debug, Clone)]
struct Image {
    app: usize,
    avatar: bool,
    deleted: bool,
}

#[derive(Debug, Clone)]
struct Document {
    owner: String,
    /// Members and chats.
    shared_with: BTreeSet<String>,
}

/// An initial chat.
#[derive(Debug, Clone)]
pub struct Start {
    /// Its tenant.
    pub tenant: usize,
    /// Group, topic or p2p.
    pub mode: &'static str,
    /// Private or public.
    pub chat_type: &'static str,
    /// Whether it is external.
    pub external: bool,
    /// Its name.
    pub name: &'static str,
    /// Its description.
    pub description: &'static str,
    /// Its owner.
    pub owner: Option<&'static str>,
    /// The app that created it.
    pub creator: Option<usize>,
    /// Whether it asks for approval.
    pub approval: bool,
    /// Its members.
    pub members: &'static [&'static str],
}

impl Model {
    /// Two tenants without chats. For each app, its tenant; for each user, the tenant, the name, and whether they have
    /// left.
    pub fn new(now: i64, chat_users: usize, apps: &[usize], users: &[(usize, &str, bool)]) -> Self {
        let app = |tenant: &usize| App {
            tenant: *tenant,
            bot: true,
            external_sharing: false,
            as_owner: true,
            visible_to: None,
        };
        let user = |(tenant, name, resigned): &(usize, &str, bool)| User {
            tenant: *tenant,
            name: (*name).to_owned(),
            resigned: *resigned,
        };
        Model {
            now,
            chat_users,
            apps: apps.iter().map(app).collect(),
            users: users.iter().map(user).collect(),
            tags: BTreeMap::new(),
            chats: BTreeMap::new(),
            images: BTreeMap::new(),
            documents: Vec::new(),
            uuids: BTreeMap::new(),
            messages: BTreeMap::new(),
            reactions: BTreeMap::new(),
            message_uuids: BTreeMap::new(),
            step: 0,
            made: 0,
        }
    }

    /// Adds an initial chat, under the number of a step before all others.
    pub fn start_with(&mut self, number: usize, start: &Start) {
        let mut chat = Chat {
            tenant: start.tenant,
            mode: start.mode.to_owned(),
            chat_type: start.chat_type.to_owned(),
            status: "normal".to_owned(),
            external: start.external,
            name: start.name.to_owned(),
            description: start.description.to_owned(),
            owner: start.owner.map(str::to_owned),
            creator: start.creator,
            message_type: "chat".to_owned(),
            created: self.now,
            active: self.now,
            ..Chat::default()
        };
        if start.approval {
            chat.settings.insert("membership_approval".to_owned(), json!("approval_required"));
        }
        let joined = self.now;
        let member = |member: &&str| ((*member).to_owned(), Membership { manager: false, joined });
        chat.members = start.members.iter().map(member).collect();
        chat.tabs.push(message_tab(number));
        self.chats.insert(format!("<chat:{number}>"), chat);
    }

    /// Adds an initial document of tenant 0.
    pub fn document(&mut self, owner: &str, shared_with: &[&str]) {
        let shared_with = shared_with.iter().map(|member| (*member).to_owned()).collect();
        self.documents.push(Document { owner: owner.to_owned(), shared_with });
    }

    /// The ids of all things of a kind: `chat`, `tag` or `image`.
    pub fn all(&self, kind: &str) -> Vec<String> {
        match kind {
            "chat" => self.chats.keys().cloned().collect(),
            "tag" => self.tags.keys().cloned().collect(),
            _ => self.images.keys().cloned().collect(),
        }
    }

    /// The id of one of the chats.
    pub fn nth_chat(&self, number: usize) -> Option<&String> {
        self.chats.keys().nth(number % self.chats.len().max(1))
    }

    /// The ids of a chat's tabs, in their order.
    pub fn tabs_of(&self, chat: &str) -> Vec<String> {
        self.chats
            .get(chat)
            .map_or_else(Vec::new, |chat| chat.tabs.iter().map(|tab| tab.id.clone()).collect())
    }

    /// The ids of the top level of a chat's menu, in their order, and those of the second level.
    pub fn menu_of(&self, chat: &str) -> (Vec<String>, Vec<String>) {
        self.chats.get(chat).map_or_else(Default::default, |chat| menus::ids(&chat.menu))
    }

    /// Whether a chat is active, and visible to the apps of its tenant.
    pub fn is_open(&self, chat: &str) -> bool {
        let shared = |chat: &&Chat| !chat.external || self.apps[0].external_sharing;
        self.chats.get(chat).filter(shared).is_some_and(|chat| chat.status == "normal")
    }

    /// Whether a chat asks for approval.
    pub fn asks_approval(&self, chat: &str) -> bool {
        let asks = |chat: &&Chat| chat.is_set("membership_approval", "approval_required");
        self.is_open(chat) && self.chats.get(chat).filter(asks).is_some()
    }

    /// Whether people can join a chat without approval.
    pub fn is_joined_unasked(&self, chat: &str) -> bool {
        let open = |chat: &&Chat| {
            chat.chat_type == "public" && !chat.is_set("membership_approval", "approval_required")
        };
        self.is_open(chat) && self.chats.get(chat).filter(open).is_some()
    }

    /// Whether a chat takes no more users.
    pub fn is_full(&self, chat: &str) -> bool {
        self.chats.get(chat).is_some_and(|chat| !self.fits(chat, &["<user:99>".to_owned()]))
    }

    /// The members who wait for a chat's approval.
    pub fn waiting_in(&self, chat: &str) -> Vec<String> {
        self.chats.get(chat).map_or_else(Vec::new, |chat| chat.pending.iter().cloned().collect())
    }

    /// The members of a chat; the owner, if there is one, comes first.
    pub fn members_of(&self, chat: &str) -> Vec<String> {
        let Some(chat) = self.chats.get(chat) else { return Vec::new() };
        let others = chat.members.keys().filter(|member| chat.owner.as_ref() != Some(member));
        chat.owner.iter().chain(others).cloned().collect()
    }

    /// The revision of a chat's announcement.
    pub fn revision_of(&self, chat: &str) -> i64 {
        self.chats.get(chat).map_or(0, |chat| chat.announcement.revision)
    }

    /// The tenant of a chat; 0 for none.
    pub fn tenant_of(&self, chat: &str) -> usize {
        self.chats.get(chat).map_or(0, |chat| chat.tenant)
    }

    /// Applies the operation of a step and returns the expected answer.
    pub fn apply(&mut self, step: usize, op: &Op) -> Expected {
        (self.step, self.made) = (step, 0);
        let outcome = match self.run(op) {
            Err(code) => Err(self.untranslated(op).unwrap_or(code)),
            done => done,
        };
        match outcome {
            Ok(data) => {
                if let Some(chat) = op.locks().and_then(|chat| self.chats.get_mut(chat)) {
                    chat.active = chat.active.max(self.now);
                }
                Expected { code: 0, data: Some(data).filter(|data| !data.is_null()) }
            }
            Err(code) => Expected { code, data: None },
        }
    }

    /// A refusal changes nothing: all rules are checked before anything is written.
    fn run(&mut self, op: &Op) -> Outcome {
        match op {
            Op::CreateTag { app, kind, name, names } => self.create_tag(*app, kind, name, names),
            Op::PatchTag { app, tag, id, name, names } => {
                self.patch_tag(*app, tag, id.as_deref(), name.as_deref(), names.as_ref())
            }
            Op::ListTags { app, ids } => self.list_tags(*app, ids),
            Op::Bind { app, chat, tags } => self.bind(*app, chat, tags),
            Op::Unbind { app, chat, tags } => self.unbind(*app, chat, tags),
            Op::Bound { app, chat } => self.bound(*app, chat),
            Op::AddTabs { by, chat, drafts } => self.add_tabs(*by, chat, drafts),
            Op::UpdateTabs { by, chat, drafts } => self.update_tabs(*by, chat, drafts),
            Op::DeleteTabs { by, chat, ids } => self.delete_tabs(*by, chat, ids),
            Op::SortTabs { by, chat, ids } => self.sort_tabs(*by, chat, ids),
            Op::ListTabs { by, chat } => self.list_tabs(*by, chat),
            Op::CreateChat { app, form, draft, people, uuid, bot_manages } => {
                self.create_chat(*app, *form, draft, people, uuid.as_deref(), *bot_manages)
            }
            Op::GetChat { by, form, chat } => self.get_chat(*by, *form, chat),
            Op::UpdateChat { by, form, chat, change } => self.update_chat(*by, *form, chat, change),
            Op::DeleteChat { by, chat } => self.delete_chat(*by, chat),
            Op::ListChats { by, form, active, size } => self.list_chats(*by, *form, *active, *size),
            Op::AddMembers { by, form, chat, ids, kind } => self.add_members(*by, *form, chat, ids, *kind),
            Op::RemoveMembers { by, form, chat, ids } => self.remove_members(*by, *form, chat, ids),
            Op::Members { by, form, chat, size } => self.members(*by, *form, chat, *size),
            Op::IsInChat { by, chat } => self.is_in_chat(*by, chat),
            Op::Join { by, chat } => self.join(*by, chat),
            Op::Appoint { by, form, chat, ids, manager } => self.appoint(*by, *form, chat, ids, *manager),
            Op::AddMenus { app, chat, drafts } => self.add_menus(*app, chat, drafts),
            Op::DeleteMenus { app, chat, ids } => self.delete_menus(*app, chat, ids),
            Op::GetMenus { app, chat } => self.get_menus(*app, chat),
            Op::SortMenus { app, chat, ids } => self.sort_menus(*app, chat, ids),
            Op::PatchMenu { app, chat, id, fields, draft } => self.patch_menu(*app, chat, id, fields, draft),
            Op::GetAnnouncement { by, form, chat } => self.get_announcement(*by, *form, chat),
            Op::PatchAnnouncement { by, chat, revision, edits } => {
                self.patch_announcement(*by, chat, revision, edits)
            }
            Op::Upload { app, avatar } => {
                if !self.apps[*app].bot {
                    return Err(234007);
                }
                let name = format!("<image:{}>", self.step);
                self.images.insert(name.clone(), Image { app: *app, avatar: *avatar, deleted: false });
                Ok(json!({"image_key": name}))
            }
            control_or_message => self.run_on_messages(control_or_message),
        }
    }

    fn run_on_messages(&mut self, op: &Op) -> Outcome {
        match op {
            Op::Send { by, chat, text, uuid } => self.send(*by, chat, text.as_deref(), uuid.as_deref()),
            Op::Reply { by, message, in_thread, uuid } => {
                self.reply(*by, message, *in_thread, uuid.as_deref())
            }
            Op::GetMessage { by, message } => self.get_message(*by, message),
            Op::ListMessages { by, chat, newest_first, size } => {
                self.list_messages(*by, chat, *newest_first, *size)
            }
            Op::EditMessage { by, message, text } => self.edit_message(*by, message, text),
            Op::Recall { by, message } => self.recall(*by, message),
            Op::React { by, message, emoji } => self.react(*by, message, emoji),
            Op::Unreact { by, message, reaction } => self.unreact(*by, message, reaction),
            Op::Pin { by, message } => self.pin(*by, message),
            Op::Unpin { by, message } => self.unpin(*by, message),
            Op::ListPins { by, chat, size } => self.list_pins(*by, chat, *size),
            control => self.control(control),
        }
    }

    /// The id of a thing that this step creates.
    fn fresh(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("<{kind}:{}.{}>", self.step, self.made - 1)
    }

    fn sees_app(&self, user: usize, app: usize) -> bool {
        self.apps[app].visible_to.as_ref().is_none_or(|users| users.contains(&user))
    }
}

/// The tab that every chat starts with.
fn message_tab(step: usize) -> Tab {
    Tab {
        id: format!("<tab:{step}.m>"),
        tab_type: "message".into(),
        name: String::new(),
        target: String::new(),
        config: None,
    }
}

/// The number of `<kind:number>`.
fn number(id: &str, kind: &str) -> Option<usize> {
    id.strip_prefix('<')?.strip_prefix(kind)?.strip_prefix(':')?.strip_suffix('>')?.parse().ok()
}
