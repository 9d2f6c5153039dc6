//! Tabs of chats.

use serde_json::{Map, Value, json};

use super::{Actor, Chat, Model, Outcome, Tab, TabDraft, number};

/// A tab after the change, and whether its content and its icon are new.
struct Change {
    tab: Tab,
    content: bool,
    icon: bool,
}

impl Model {
    /// The chat, if its kind has tabs.
    fn tabbed(chat: &Chat) -> Result<&Chat, u32> {
        if chat.mode == "topic" { Err(232050) } else { Ok(chat) }
    }

    /// The chat, if the actor may change its tabs.
    fn manage(&self, by: Actor, id: &str) -> Result<&Chat, u32> {
        let chat = Model::tabbed(self.enter(by, id)?)?;
        let manages = chat.mode == "p2p" || chat.is_managed_by(by);
        if chat.only_owner_manages && !manages { Err(232055) } else { Ok(chat) }
    }

    /// Sets a chat's tabs, and answers with them.
    fn set_tabs(&mut self, id: &str, tabs: Vec<Tab>) -> Value {
        let answer = shown(&tabs);
        if let Some(chat) = self.chats.get_mut(id) {
            chat.tabs = tabs;
        }
        answer
    }

    pub(super) fn list_tabs(&self, by: Actor, chat: &str) -> Outcome {
        Ok(shown(&Model::tabbed(self.look_into(by, chat)?)?.tabs))
    }

    pub(super) fn add_tabs(&mut self, by: Actor, chat: &str, drafts: &[TabDraft]) -> Outcome {
        if drafts.is_empty() || drafts.iter().any(|draft| !is_custom(&draft.tab_type)) {
            return Err(232001);
        }
        let mut tabs = self.manage(by, chat)?.tabs.clone();
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
        let custom = tabs.iter().filter(|tab| is_custom(&tab.tab_type)).count();
        if custom + changes.len() > 20 {
            return Err(232046);
        }
        for change in changes {
            let id = self.fresh("tab");
            tabs.push(Tab { id, ..change.tab });
        }
        Ok(self.set_tabs(chat, tabs))
    }

    pub(super) fn update_tabs(&mut self, by: Actor, chat: &str, drafts: &[TabDraft]) -> Outcome {
        if drafts.iter().any(|draft| !ANY_TYPE.contains(&draft.tab_type.as_str())) {
            return Err(232001);
        }
        let mut tabs = self.manage(by, chat)?.tabs.clone();
        let mut changes = Vec::new();
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
        Ok(self.set_tabs(chat, tabs))
    }

    pub(super) fn delete_tabs(&mut self, by: Actor, chat: &str, ids: &[String]) -> Outcome {
        if ids.is_empty() {
            return Err(232001);
        }
        let mut tabs = self.manage(by, chat)?.tabs.clone();
        for id in ids {
            let tab = tabs.iter().find(|tab| tab.id == *id).ok_or(232001u32)?;
            if !is_custom(&tab.tab_type) {
                return Err(232049);
            }
        }
        tabs.retain(|tab| !ids.contains(&tab.id));
        Ok(self.set_tabs(chat, tabs))
    }

    pub(super) fn sort_tabs(&mut self, by: Actor, chat: &str, ids: &[String]) -> Outcome {
        let tabs = self.manage(by, chat)?.tabs.clone();
        let mut sorted = Vec::with_capacity(tabs.len());
        for id in ids {
            let tab = tabs.iter().find(|tab| tab.id == *id).ok_or(232001u32)?;
            sorted.push(tab.clone());
        }
        let each_once = sorted.len() == tabs.len() && tabs.iter().all(|tab| ids.contains(&tab.id));
        if !each_once || sorted.first().is_none_or(|first| first.tab_type != "message") {
            return Err(232001);
        }
        Ok(self.set_tabs(chat, sorted))
    }

    /// Checks all names, then all contents, then rights, then icons.
    fn check(&self, by: Actor, changes: &[Change]) -> Result<(), u32> {
        if changes.iter().any(|change| change.tab.name.chars().count() > 60) {
            return Err(232047);
        }
        if changes.iter().any(|change| !content_fits(&change.tab)) {
            return Err(232048);
        }
        let documents = changes.iter().filter(|change| change.content && change.tab.tab_type == "doc");
        if documents.into_iter().any(|change| !self.may_open(by, &change.tab.target)) {
            return Err(232051);
        }
        let icons =
            changes.iter().filter(|change| change.icon).filter_map(|change| change.tab.config.as_ref());
        for (icon, _) in icons.filter(|(icon, _)| !icon.is_empty()) {
            if !self.is_icon(by.app, icon) {
                return Err(232056);
            }
        }
        Ok(())
    }

    /// Whether the caller can work with a document, in person or through a chat. All documents belong to tenant 0.
    fn may_open(&self, by: Actor, target: &str) -> bool {
        let member = by.member();
        let Some(document) = number(target, "document").map(|document| &self.documents[document]) else {
            return false;
        };
        let through_chat = |shared: &String| {
            let chat = self.chats.get(shared);
            chat.is_some_and(|chat| chat.status == "normal" && chat.members.contains_key(&member))
        };
        self.apps[by.app].tenant == 0
            && (document.owner == member
                || document.shared_with.contains(&member)
                || document.shared_with.iter().any(through_chat))
    }
}

const ANY_TYPE: [&str; 5] = ["doc", "url", "message", "pin", "file"];

fn is_custom(tab_type: &str) -> bool {
    tab_type == "doc" || tab_type == "url"
}

/// Documents and web pages; tests use simple URLs.
fn content_fits(tab: &Tab) -> bool {
    let document = number(&tab.target, "document").is_some() || tab.target.contains("/docx/");
    document || (tab.tab_type == "url" && tab.target.starts_with("https://"))
}

/// A tab changed by a draft: absent fields stay, unless the type changes.
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

fn shown(tabs: &[Tab]) -> Value {
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
    json!({"chat_tabs": tabs.iter().map(one).collect::<Vec<_>>()})
}
