//! The reference model: what a tenant must answer, worked out on plain maps, without SQL and without the product's rules.
//!
//! Ids that the product draws are written `<kind:number>` here, in operations and answers alike: `<chat:3>` is the
//! fourth chat. Users are `<user:n>` by user_id and `<open:n>` by open_id, the bot is `<bot>`.

mod chats;
mod operation;
mod tabs;
mod tags;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub use operation::{Actor, Names, Op, TabDraft};

/// What an operation must answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The code.
    pub code: u32,
    /// The data of a success; `None` where the model does not say.
    pub data: Option<Value>,
}

type Outcome = Result<Value, u32>;

/// A tenant with one app, some users, chats, tags, tabs, images and documents.
#[derive(Debug, Clone)]
pub struct Model {
    /// The tenant's time, in milliseconds since 1970.
    pub now: i64,
    bot: bool,
    external_sharing: bool,
    /// The users who see the app; `None` means all.
    visible_to: Option<BTreeSet<usize>>,
    resigned: BTreeSet<usize>,
    tags: Vec<Tag>,
    chats: Vec<Chat>,
    images: Vec<Image>,
    documents: Vec<Document>,
    /// By owner and uuid: which chat, and until when.
    uuids: BTreeMap<(String, String), (usize, i64)>,
    tab_count: usize,
}

#[derive(Debug, Clone)]
struct Tag {
    name: String,
    names: Names,
    created: i64,
    updated: i64,
}

#[derive(Debug, Clone, Default)]
struct Chat {
    mode: String,
    chat_type: String,
    status: String,
    external: bool,
    name: String,
    description: String,
    avatar: String,
    owner: Option<String>,
    only_owner_manages: bool,
    /// Everybody in it, and whether as a manager.
    members: BTreeMap<String, bool>,
    tabs: Vec<Tab>,
    /// By tag: when it was bound.
    bound: BTreeMap<usize, i64>,
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
    avatar: bool,
    deleted: bool,
}

#[derive(Debug, Clone)]
struct Document {
    owner: String,
    /// Members and chats.
    shared_with: BTreeSet<String>,
}

/// A chat to begin with.
#[derive(Debug, Clone)]
pub struct Start {
    /// Group, topic or p2p.
    pub mode: &'static str,
    /// Whether it is external.
    pub external: bool,
    /// Its name.
    pub name: &'static str,
    /// Its description.
    pub description: &'static str,
    /// Its owner.
    pub owner: Option<&'static str>,
    /// Everybody in it.
    pub members: &'static [&'static str],
}

impl Model {
    /// A tenant in use, in which the last `resigned` users have left.
    pub fn new(now: i64, resigned: &[usize]) -> Self {
        Model {
            now,
            bot: true,
            external_sharing: false,
            visible_to: None,
            resigned: resigned.iter().copied().collect(),
            tags: Vec::new(),
            chats: Vec::new(),
            images: Vec::new(),
            documents: Vec::new(),
            uuids: BTreeMap::new(),
            tab_count: 0,
        }
    }

    /// Adds a chat that is there from the start.
    pub fn start_with(&mut self, start: &Start) {
        let mut chat = Chat {
            mode: start.mode.to_owned(),
            chat_type: "private".to_owned(),
            status: "normal".to_owned(),
            external: start.external,
            name: start.name.to_owned(),
            description: start.description.to_owned(),
            owner: start.owner.map(str::to_owned),
            ..Chat::default()
        };
        chat.members = start.members.iter().map(|member| ((*member).to_owned(), false)).collect();
        chat.tabs.push(self.message_tab());
        self.chats.push(chat);
    }

    /// Adds a document that is there from the start.
    pub fn document(&mut self, owner: &str, shared_with: &[&str]) {
        let shared_with = shared_with.iter().map(|member| (*member).to_owned()).collect();
        self.documents.push(Document { owner: owner.to_owned(), shared_with });
    }

    /// How many tags, chats and images there are.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.tags.len(), self.chats.len(), self.images.len())
    }

    /// The ids of a chat's tabs, in their order.
    pub fn tabs_of(&self, chat: &str) -> Vec<String> {
        self.chat(chat).map_or_else(Vec::new, |chat| chat.tabs.iter().map(|tab| tab.id.clone()).collect())
    }

    /// Does an operation and says what it must answer.
    pub fn apply(&mut self, op: &Op) -> Expected {
        match self.run(op) {
            Ok(data) => Expected { code: 0, data: Some(data).filter(|data| !data.is_null()) },
            Err(code) => Expected { code, data: None },
        }
    }

    fn run(&mut self, op: &Op) -> Outcome {
        match op {
            Op::CreateTag { kind, name, names } => self.create_tag(kind, name, names),
            Op::PatchTag { tag, id, name, names } => {
                self.patch_tag(tag, id.as_deref(), name.as_deref(), names.as_ref())
            }
            Op::ListTags { ids } => self.list_tags(ids),
            Op::Bind { chat, tags } => self.bind(chat, tags),
            Op::Unbind { chat, tags } => self.unbind(chat, tags),
            Op::Bound { chat } => self.bound(chat),
            Op::AddTabs { by, chat, drafts } => self.add_tabs(*by, chat, drafts),
            Op::UpdateTabs { by, chat, drafts } => self.update_tabs(*by, chat, drafts),
            Op::DeleteTabs { by, chat, ids } => self.delete_tabs(*by, chat, ids),
            Op::SortTabs { by, chat, ids } => self.sort_tabs(*by, chat, ids),
            Op::ListTabs { by, chat } => self.list_tabs(*by, chat),
            Op::CreateChat { name, chat_type, description, avatar, owner, users, uuid, bot_manages } => {
                let draft = chats::Draft { name, chat_type, description, avatar, bot_manages: *bot_manages };
                self.create_chat(&draft, owner.as_deref(), users, uuid.as_deref())
            }
            Op::GetChat { by, chat } => self.get_chat(*by, chat),
            Op::Upload { avatar } => {
                if !self.bot {
                    return Err(234007);
                }
                self.images.push(Image { avatar: *avatar, deleted: false });
                Ok(json!({"image_key": format!("<image:{}>", self.images.len() - 1)}))
            }
            Op::DeleteImage { image } => {
                let image =
                    number(image, "image").and_then(|at| self.images.get_mut(at)).ok_or(5275404u32)?;
                image.deleted = true;
                Ok(Value::Null)
            }
            Op::SetApp { bot, external_sharing, visible_to } => {
                (self.bot, self.external_sharing) = (*bot, *external_sharing);
                self.visible_to = visible_to.as_ref().map(|users| users.iter().copied().collect());
                Ok(Value::Null)
            }
            Op::SetMember { chat, member, manager } => self.set_member(chat, member, *manager),
            Op::RemoveMember { chat, member } => self.remove_member(chat, member),
            Op::SetChat { chat, status, only_owner_manages, owner } => {
                self.set_chat(chat, status, *only_owner_manages, owner.as_deref())
            }
        }
    }

    fn chat(&self, id: &str) -> Option<&Chat> {
        self.chats.get(number(id, "chat")?)
    }

    fn message_tab(&mut self) -> Tab {
        let id = self.fresh_tab();
        Tab { id, tab_type: "message".into(), name: String::new(), target: String::new(), config: None }
    }

    fn fresh_tab(&mut self) -> String {
        self.tab_count += 1;
        format!("<tab:{}>", self.tab_count - 1)
    }

    fn sees_app(&self, user: usize) -> bool {
        self.visible_to.as_ref().is_none_or(|users| users.contains(&user))
    }
}

/// The number of `<kind:number>`.
fn number(id: &str, kind: &str) -> Option<usize> {
    id.strip_prefix('<')?.strip_prefix(kind)?.strip_prefix(':')?.strip_suffix('>')?.parse().ok()
}
