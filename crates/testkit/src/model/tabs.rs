//! Tabs of chats, and what a chat asks of whoever works in it.

use serde_json::{Map, Value, json};

use super::{Actor, Chat, Model, Outcome, Tab, TabDraft, number};

/// A tab as it shall be, and whether its content and its icon are new.
struct Change {
    tab: Tab,
    content: bool,
    icon: bool,
}

impl Model {
    /// The chat, if the actor may work in it.
    pub(super) fn enter(&self, by: Actor, chat: &str) -> Result<usize, u32> {
        let number = number(chat, "chat").ok_or(232006u32)?;
        let chat = &self.chats[number];
        if !self.bot {
            return Err(232025);
        }
        if chat.external && !self.external_sharing {
            return Err(232033);
        }
        if chat.status != "normal" {
            return Err(232009);
        }
        if !chat.members.contains_key(&by.member()) {
            return Err(232011);
        }
        let unseen = |member: &String| super::number(member, "user").is_some_and(|user| !self.sees_app(user));
        if chat.mode == "p2p" && chat.members.keys().any(unseen) {
            return Err(232024);
        }
        Ok(number)
    }

    /// The chat, if the actor may change its tabs.
    fn manage(&self, by: Actor, chat: &str) -> Result<usize, u32> {
        let number = self.enter(by, chat)?;
        let chat = &self.chats[number];
        if chat.mode == "topic" {
            return Err(232050);
        }
        let member = by.member();
        let manages = chat.owner.as_ref() == Some(&member) || chat.members.get(&member) == Some(&true);
        if chat.only_owner_manages && chat.mode != "p2p" && !manages {
            return Err(232055);
        }
        Ok(number)
    }

    pub(super) fn list_tabs(&self, by: Actor, chat: &str) -> Outcome {
        let number = self.enter(by, chat)?;
        if self.chats[number].mode == "topic" {
            return Err(232050);
        }
        Ok(shown(&self.chats[number]))
    }

    pub(super) fn add_tabs(&mut self, by: Actor, chat: &str, drafts: &[TabDraft]) -> Outcome {
        if drafts.is_empty() || drafts.iter().any(|draft| !is_custom(&draft.tab_type)) {
            return Err(232001);
        }
        let number = self.manage(by, chat)?;
        let blank = |draft: &TabDraft| Tab {
            id: String::new(),
            tab_type: draft.tab_type.clone(),
            name: String::new(),
            target: String::new(),
            config: None,
        };
        let mut changes: Vec<Change> = drafts.iter().map(|draft| changed(draft, &blank(draft))).collect();
        changes.iter_mut().for_each(|change| change.content = true);
        self.check(by, &changes)?;
        let custom = self.chats[number].tabs.iter().filter(|tab| is_custom(&tab.tab_type)).count();
        if custom + changes.len() > 20 {
            return Err(232046);
        }
        for change in changes {
            let id = self.fresh_tab();
            self.chats[number].tabs.push(Tab { id, ..change.tab });
        }
        Ok(shown(&self.chats[number]))
    }

    pub(super) fn update_tabs(&mut self, by: Actor, chat: &str, drafts: &[TabDraft]) -> Outcome {
        if drafts.iter().any(|draft| !ANY_TYPE.contains(&draft.tab_type.as_str())) {
            return Err(232001);
        }
        let number = self.manage(by, chat)?;
        let (mut tabs, mut changes) = (self.chats[number].tabs.clone(), Vec::new());
        for draft in drafts {
            let id = draft.id.as_deref().unwrap_or_default();
            let present = tabs.iter_mut().find(|tab| tab.id == id).ok_or(232001u32)?;
            if !is_custom(&present.tab_type) {
                return Err(232049);
            }
            if !is_custom(&draft.tab_type) {
                return Err(232001);
            }
            let change = changed(draft, present);
            *present = change.tab.clone();
            changes.push(change);
        }
        self.check(by, &changes)?;
        self.chats[number].tabs = tabs;
        Ok(shown(&self.chats[number]))
    }

    pub(super) fn delete_tabs(&mut self, by: Actor, chat: &str, ids: &[String]) -> Outcome {
        if ids.is_empty() {
            return Err(232001);
        }
        let number = self.manage(by, chat)?;
        for id in ids {
            let tab = self.chats[number].tabs.iter().find(|tab| tab.id == *id).ok_or(232001u32)?;
            if !is_custom(&tab.tab_type) {
                return Err(232049);
            }
        }
        self.chats[number].tabs.retain(|tab| !ids.contains(&tab.id));
        Ok(shown(&self.chats[number]))
    }

    pub(super) fn sort_tabs(&mut self, by: Actor, chat: &str, ids: &[String]) -> Outcome {
        let number = self.manage(by, chat)?;
        let tabs = &self.chats[number].tabs;
        let mut sorted = Vec::with_capacity(tabs.len());
        for id in ids {
            let tab = tabs.iter().find(|tab| tab.id == *id).ok_or(232001u32)?;
            sorted.push(tab.clone());
        }
        let each_once = sorted.len() == tabs.len() && tabs.iter().all(|tab| ids.contains(&tab.id));
        if !each_once || sorted.first().is_none_or(|first| first.tab_type != "message") {
            return Err(232001);
        }
        self.chats[number].tabs = sorted;
        Ok(shown(&self.chats[number]))
    }

    /// Every name, then every content, then rights, then icons.
    fn check(&self, by: Actor, changes: &[Change]) -> Result<(), u32> {
        if changes.iter().any(|change| change.tab.name.chars().count() > 60) {
            return Err(232047);
        }
        if changes.iter().any(|change| !content_fits(&change.tab)) {
            return Err(232048);
        }
        let documents = changes.iter().filter(|change| change.content && change.tab.tab_type == "doc");
        if documents.into_iter().any(|change| !self.may_open(&by.member(), &change.tab.target)) {
            return Err(232051);
        }
        let icons =
            changes.iter().filter(|change| change.icon).filter_map(|change| change.tab.config.as_ref());
        for (icon, _) in icons.filter(|(icon, _)| !icon.is_empty()) {
            let image = number(icon, "image").and_then(|image| self.images.get(image));
            if image.is_none_or(|image| image.avatar || image.deleted) {
                return Err(232056);
            }
        }
        Ok(())
    }

    fn may_open(&self, member: &String, target: &str) -> bool {
        let Some(document) = number(target, "document").map(|document| &self.documents[document]) else {
            return false;
        };
        let through_chat = |shared: &String| {
            self.chat(shared).is_some_and(|chat| chat.status == "normal" && chat.members.contains_key(member))
        };
        document.owner == *member
            || document.shared_with.contains(member)
            || document.shared_with.iter().any(through_chat)
    }
}

const ANY_TYPE: [&str; 5] = ["doc", "url", "message", "pin", "file"];

fn is_custom(tab_type: &str) -> bool {
    tab_type == "doc" || tab_type == "url"
}

/// Documents and web pages; the addresses of tests are simple ones.
fn content_fits(tab: &Tab) -> bool {
    let document = number(&tab.target, "document").is_some() || tab.target.contains("/docx/");
    document || (tab.tab_type == "url" && tab.target.starts_with("https://"))
}

/// A tab as a draft changes it: what is absent stays, unless the type is another one.
fn changed(draft: &TabDraft, present: &Tab) -> Change {
    let is_url = draft.tab_type == "url";
    let has_content = draft.url.is_some() || draft.doc.is_some();
    let sent = if is_url { &draft.url } else { &draft.doc };
    let other_type = draft.tab_type != present.tab_type;
    let target = match (has_content, other_type) {
        (true, _) => sent.clone().unwrap_or_default(),
        (false, true) => String::new(),
        (false, false) => present.target.clone(),
    };
    let config = match &draft.config {
        _ if !is_url => None,
        Some((icon, inside)) => Some((icon.clone().unwrap_or_default(), inside.unwrap_or(false))),
        None => present.config.clone(),
    };
    let name = draft.name.clone().unwrap_or_else(|| present.name.clone());
    let tab = Tab { id: present.id.clone(), tab_type: draft.tab_type.clone(), name, target, config };
    Change { tab, content: has_content || other_type, icon: draft.config.is_some() }
}

fn shown(chat: &Chat) -> Value {
    let one = |tab: &Tab| {
        let mut shown = Map::new();
        shown.insert("tab_id".into(), json!(tab.id));
        shown.insert("tab_type".into(), json!(tab.tab_type));
        if !tab.name.is_empty() {
            shown.insert("tab_name".into(), json!(tab.name));
        }
        if is_custom(&tab.tab_type) {
            let mut content = Map::new();
            content.insert(tab.tab_type.clone(), json!(tab.target));
            shown.insert("tab_content".into(), Value::Object(content));
        }
        if let Some((icon, inside)) = &tab.config {
            let config = match icon.as_str() {
                "" => json!({"is_built_in": inside}),
                icon => json!({"icon_key": icon, "is_built_in": inside}),
            };
            shown.insert("tab_config".into(), config);
        }
        Value::Object(shown)
    };
    json!({"chat_tabs": chat.tabs.iter().map(one).collect::<Vec<_>>()})
}
