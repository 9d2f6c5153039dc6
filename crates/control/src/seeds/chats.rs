//! Chats of a seed, and what is said in them.

use larkspur_api::messages::Speaker;
use larkspur_api::messages::sending::{self, Draft as Message};
use larkspur_api::messages::standing::{self, Act};
use larkspur_contract::Fault;
use larkspur_contract::ids::{AppId, ChatId, TagId};
use larkspur_contract::model::MsgType;
use larkspur_store::chats::{self, Member as Party};
use larkspur_store::messages::Sender;
use larkspur_store::{LockedChat, Tx, apps, tabs, tags, tenants, users};
use serde_json::{Value, json};

use super::loader::{Draft, Loader, joined};
use super::node::{Kind, Member, Node};
use crate::operations::chat::{create, member_put, say, tab_draft, update};
use crate::operations::message::Content;
use crate::support;

/// Members of a chat that are loaded one by one.
const APART: [&str; 8] =
    ["owner", "managers", "members", "creator_app", "tags", "announcement", "tabs", "messages"];
const OF_TAB: [&str; 4] = ["name", "type", "url", "document"];
const OF_MESSAGE: [&str; 5] = ["as", "text", "card", "content", "msg_type"];
const MEMBERS: &[&str] = &["users", "apps"];

impl Loader<'_> {
    /// A chat, found by its name. Returns its id, if it is new.
    pub(super) async fn chat(&mut self, member: &Member) -> Result<Option<String>, Fault> {
        let path = joined("chats", &member.name);
        let mut draft = Draft::of(path.clone(), member, &APART);
        draft.or("name", &member.name);
        for one in ["owner", "creator_app"] {
            let Some(node) = member.value.get(one) else { continue };
            let kinds: &[&str] = if one == "owner" { MEMBERS } else { &["apps"] };
            let Some(id) = self.named(&joined(&path, one), node, kinds).await? else { return Ok(None) };
            draft.set(one, id);
        }
        let mut lists = Vec::new();
        for list in ["managers", "members"] {
            lists.push(self.all_named(&joined(&path, list), member.value.get(list), MEMBERS).await?);
        }
        let tabs = self.tabs(&joined(&path, "tabs"), member.value.get("tabs")).await?;
        let name = draft.body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let found = chats::named(&mut self.tx(), &name).await?;
        let id = match found.as_slice() {
            [] => {
                draft.set("managers", std::mem::take(&mut lists[0]));
                draft.set("members", std::mem::take(&mut lists[1]));
                draft.set("tabs", tabs.clone());
                let made = self.run::<create::Create>(json!({"tenant_key": self.key}), &draft).await?;
                made.map(|made| made.id().to_owned())
            }
            [one] => self.old_chat(draft, *one, &lists).await?,
            _ => {
                self.wrong(member.place, &path, "several chats of the world have this name; rename one");
                None
            }
        };
        let Some(id) = id else { return Ok(None) };
        self.define("chats", &member.name, &id);
        let is_new = found.is_empty();
        *(if is_new { &mut self.report.loaded.chats } else { &mut self.report.merged.chats }) += 1;
        let locked = support::lock_chat(&mut self.tx(), &id).await?;
        if !is_new {
            self.missing_tabs((&path, &member.value), &locked, tabs).await?;
        }
        self.bind(&path, member, &locked).await?;
        if is_new {
            self.announce(&path, member, locked).await?;
        }
        Ok(is_new.then_some(id))
    }

    async fn old_chat(
        &mut self,
        mut draft: Draft<'_>,
        id: ChatId,
        lists: &[Vec<String>],
    ) -> Result<Option<String>, Fault> {
        draft.body.remove("creator_app");
        draft.body.remove("name");
        let id = id.to_string();
        let path = json!({"tenant_key": self.key, "chat_id": id});
        if self.run::<update::Update>(path, &draft).await?.is_none() {
            return Ok(None);
        }
        for (list, manager) in lists.iter().zip([Some(true), None]) {
            for party in list {
                draft.body = json!({"manager": manager}).as_object().cloned().unwrap_or_default();
                let path = json!({"tenant_key": self.key, "chat_id": id, "member": party});
                self.run::<member_put::Put>(path, &draft).await?;
            }
        }
        Ok(Some(id))
    }

    /// The tabs of a chat, as the operation takes them.
    async fn tabs(&mut self, path: &str, node: Option<&Node>) -> Result<Vec<Value>, Fault> {
        let mut tabs = Vec::new();
        for (index, element) in self.list(path, node).iter().enumerate() {
            let at = format!("{path}[{index}]");
            let members = self.part(&at, Some(element));
            self.known(&at, members, &OF_TAB);
            let name = match element.get("name") {
                Some(node) => self.text(&joined(&at, "name"), node).map(str::to_owned),
                None => None,
            };
            let (kind, target) = match (element.get("url"), element.get("document")) {
                (Some(url), None) => ("url", json!(self.text(&joined(&at, "url"), url))),
                (None, Some(node)) => {
                    let token = self.named(&joined(&at, "document"), node, &["documents"]).await?;
                    let Some(token) = token else { continue };
                    ("doc", self.url(&token).await?)
                }
                (None, None) if element.get("type").is_some() => ("", Value::Null),
                _ => {
                    self.wrong(element.place, &at, "one of url, document and type is wanted");
                    continue;
                }
            };
            let kind = match element.get("type") {
                Some(node) => self.text(&joined(&at, "type"), node).unwrap_or_default(),
                None => kind,
            };
            tabs.push(json!({"tab_type": kind, "tab_name": name, "target": target}));
        }
        Ok(tabs)
    }

    /// Adds tabs whose names a chat does not have.
    async fn missing_tabs(
        &mut self,
        (path, node): (&str, &Node),
        chat: &LockedChat,
        drafts: Vec<Value>,
    ) -> Result<(), Fault> {
        let mut tx = self.tx();
        for value in drafts {
            let present = tabs::list(&mut tx, chat.chat_id).await?;
            if present.iter().any(|tab| Some(tab.name.as_str()) == value["tab_name"].as_str()) {
                continue;
            }
            let body = value.as_object().cloned().unwrap_or_default();
            let draft = Draft { path: path.to_owned(), place: node.place, node, body, renamed: &[] };
            let Some(tab) = self.typed::<tab_draft::TabDraft>(&draft) else { continue };
            if let Err(refused) = tab_draft::add_tab(&mut tx, chat, &tab, tabs::end(&present)).await {
                self.refuse(&draft, refused)?;
            }
        }
        Ok(())
    }

    async fn bind(&mut self, path: &str, member: &Member, chat: &LockedChat) -> Result<(), Fault> {
        let ids = self.all_named(&joined(path, "tags"), member.value.get("tags"), &["tags"]).await?;
        let mut tx = self.tx();
        let bound = tags::bound(&mut tx, chat.chat_id).await?;
        let now = self.now().await?;
        for id in ids.iter().filter_map(|id| id.parse().ok().map(TagId)) {
            if bound.iter().all(|(tag, _)| tag.tag_id != id) {
                tags::bind(&mut tx, chat, id, now).await?;
            }
        }
        Ok(())
    }

    async fn announce(&mut self, path: &str, member: &Member, chat: LockedChat) -> Result<(), Fault> {
        let Some(node) = member.value.get("announcement") else { return Ok(()) };
        let at = joined(path, "announcement");
        let Some(text) = self.text(&at, node) else { return Ok(()) };
        let now = self.now().await?;
        let done = larkspur_api::announce(&mut self.tx(), chat, text, now).await;
        let draft = Draft { path: at, place: node.place, node, body: serde_json::Map::new(), renamed: &[] };
        done.or_else(|refused| self.refuse(&draft, refused))
    }

    /// What is said in a new chat; without one, it is only checked.
    pub(super) async fn messages(&mut self, member: &Member, chat: Option<&str>) -> Result<(), Fault> {
        let path = format!("chats.{}.messages", member.name);
        for (index, element) in self.list(&path, member.value.get("messages")).iter().enumerate() {
            let at = format!("{path}[{index}]");
            let members = self.part(&at, Some(element));
            self.known(&at, members, &OF_MESSAGE);
            let Some(by) = element.get("as") else {
                self.wrong(element.place, &at, "as is wanted: the user or app that says it");
                continue;
            };
            let speaker = self.named(&joined(&at, "as"), by, MEMBERS).await?;
            let content = self.content(&at, element, speaker.as_deref()).await?;
            if let (Some(chat), Some(speaker), Some(body)) = (chat, speaker, content) {
                let (node, renamed) = (element, &[("content", "card")] as &[_]);
                let draft = Draft { path: at, place: element.place, node, body, renamed };
                self.message(chat, &speaker, draft).await?;
            }
        }
        Ok(())
    }

    /// The content of a message, with ids in place of names.
    async fn content(
        &mut self,
        path: &str,
        node: &Node,
        speaker: Option<&str>,
    ) -> Result<Option<serde_json::Map<String, Value>>, Fault> {
        let mut body = serde_json::Map::new();
        for name in ["content", "msg_type"] {
            if let Some(value) = node.get(name) {
                body.insert(name.to_owned(), value.json());
            }
        }
        if let Some(value) = node.get("text") {
            let Some(text) = self.text(&joined(path, "text"), value) else { return Ok(None) };
            let text = self.with_mentions(text, speaker.and_then(AppId::parse)).await?;
            body.insert("text".to_owned(), text.into());
        }
        if let Some(value) = node.get("card") {
            let card = match &value.kind {
                Kind::Map(_) => Some(value.json()),
                Kind::Text(file) => self.given.files.get(file).cloned(),
                _ => None,
            };
            let Some(card) = card else {
                let why = match value.text() {
                    Some(file) => {
                        format!("the card {file:?} was not sent with the seed: name a file that is beside it")
                    }
                    None => "an object is wanted, or the name of a file with one".to_owned(),
                };
                self.wrong(value.place, &joined(path, "card"), why);
                return Ok(None);
            };
            body.insert("content".to_owned(), card);
            body.insert("msg_type".to_owned(), MsgType::Interactive.as_str().into());
        }
        Ok(Some(body))
    }

    /// A text with mentions in place of `@` and a name of the seed, in the ids that the speaker uses.
    async fn with_mentions(&mut self, text: &str, speaker: Option<AppId>) -> Result<String, Fault> {
        let mut written = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('@') {
            let end =
                after.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(after.len());
            let (name, behind) = after.split_at(end);
            written.push_str(before);
            let ids = &self.report.ids;
            match ids.users.get(name).or_else(|| ids.apps.get(name)).cloned() {
                Some(id) => {
                    let id = mentioned(&mut self.tx(), &id, speaker).await?;
                    written.push_str(&format!("<at user_id=\"{id}\"></at>"));
                }
                None => {
                    written.push('@');
                    written.push_str(name);
                }
            }
            rest = behind;
        }
        written.push_str(rest);
        Ok(written)
    }

    async fn message(&mut self, chat: &str, speaker: &str, mut draft: Draft<'_>) -> Result<(), Fault> {
        let sent = match AppId::parse(speaker) {
            None => {
                draft.set("as", speaker);
                let path = json!({"tenant_key": self.key, "chat_id": chat});
                self.run::<say::Say>(path, &draft).await?.is_some()
            }
            Some(app_id) => {
                let Some(content) = self.typed::<Content>(&draft) else { return Ok(()) };
                match self.say_as_bot(chat, app_id, &content).await {
                    Ok(()) => true,
                    Err(refused) => self.refuse(&draft, refused).map(|()| false)?,
                }
            }
        };
        self.report.loaded.messages += u32::from(sent);
        Ok(())
    }

    /// A message of a bot, by the rules of the platform's operation; rates and scopes do not apply.
    async fn say_as_bot(&mut self, chat: &str, app_id: AppId, content: &Content) -> Result<(), Fault> {
        let (msg_type, content) = content.read()?;
        let mut tx = self.tx();
        let world = tenants::get(&mut tx).await?.ok_or_else(|| support::no_world(self.key))?;
        let speaker = Speaker {
            sender: Sender::Bot(app_id),
            app: apps::install(&mut tx, app_id).await?,
            now: self.call.now + world.clock_offset_ms,
            policy: world.policy.clone(),
            limited: false,
            markdown: false,
        };
        let chat = support::chat(&mut tx, chat).await?;
        let place = standing::enter(&mut tx, &speaker, chat.chat_id, Act::Send).await?;
        let place = place.ok_or_else(|| standing::outside(&speaker))?;
        let draft = Message { msg_type, content: &content, uuid: None, reply: None };
        sending::send(&mut tx, &speaker, &place, draft).await.map(drop)
    }
}

/// The id of a user or a bot in a mention. Apps use their own open_ids, and people at clients the world's ids.
async fn mentioned(tx: &mut Tx, id: &str, speaker: Option<AppId>) -> Result<String, Fault> {
    let Some(speaker) = speaker else { return Ok(id.to_owned()) };
    let keys = &tx.engine().clone().keys;
    Ok(match Party::parse(id) {
        Party::Bot(app_id) => keys.open_id(app_id.0, speaker).to_string(),
        Party::User(user_id) => match users::by_id(tx, &user_id).await? {
            Some(user) => keys.open_id(user.user_no.cast_unsigned(), speaker).to_string(),
            None => user_id,
        },
    })
}
