//! Menus of chats. Only apps can call these.

use serde_json::{Map, Value, json};

use super::{Actor, Chat, MenuDraft, Model, Outcome};

/// An item of the top level with the items under it.
#[derive(Debug, Clone)]
pub(super) struct Top {
    id: String,
    item: Item,
    children: Vec<(String, Item)>,
}

#[derive(Debug, Clone)]
struct Item {
    links: bool,
    name: String,
    japanese: Option<String>,
    /// By platform.
    link: Vec<(&'static str, String)>,
    image: Option<String>,
}

impl Item {
    fn new(draft: &MenuDraft) -> Item {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let addresses = [("common_url", filled(&draft.common)), ("pc_url", filled(&draft.pc))];
        let link: Vec<_> = addresses.into_iter().filter_map(|(name, url)| Some((name, url?))).collect();
        Item {
            links: if draft.untyped { !link.is_empty() } else { draft.links },
            name: draft.name.clone().unwrap_or_default(),
            japanese: draft.japanese.clone(),
            link,
            image: filled(&draft.image),
        }
    }

    fn is_legal(&self, has_children: bool) -> bool {
        let named = self.japanese.as_ref().is_none_or(|name| (1..=120).contains(&name.chars().count()));
        let has_common = self.link.iter().any(|(name, _)| *name == "common_url");
        let addresses = self.link.iter().all(|(_, url)| url.starts_with("http") && url.contains("://"));
        named && addresses && (has_common || !self.links) && !(has_children && self.links)
    }

    fn shown(&self) -> Value {
        let mut shown = Map::new();
        let action = if self.links { "REDIRECT_LINK" } else { "NONE" };
        shown.insert("action_type".into(), json!(action));
        if !self.name.is_empty() {
            shown.insert("name".into(), json!(self.name));
        }
        if !self.link.is_empty() {
            let link: Map<String, Value> =
                self.link.iter().map(|(name, url)| ((*name).to_owned(), json!(url))).collect();
            shown.insert("redirect_link".into(), Value::Object(link));
        }
        if let Some(image) = &self.image {
            shown.insert("image_key".into(), json!(image));
        }
        if let Some(name) = &self.japanese {
            shown.insert("i18n_names".into(), json!({"ja_jp": name}));
        }
        Value::Object(shown)
    }
}

/// The ids of a menu's two levels.
pub(super) fn ids(menu: &[Top]) -> (Vec<String>, Vec<String>) {
    let second = menu.iter().flat_map(|top| top.children.iter().map(|(id, _)| id.clone()));
    (menu.iter().map(|top| top.id.clone()).collect(), second.collect())
}

fn tree(menu: &[Top]) -> Value {
    let child = |(id, item): &(String, Item)| json!({"chat_menu_second_level_id": id, "chat_menu_item": item.shown()});
    let top = |top: &Top| {
        let children: Vec<Value> = top.children.iter().map(child).collect();
        json!({"chat_menu_top_level_id": top.id, "chat_menu_item": top.item.shown(), "children": children})
    };
    json!({"menu_tree": {"chat_menu_top_levels": menu.iter().map(top).collect::<Vec<_>>()}})
}

fn fits(name: &str) -> bool {
    (1..=120).contains(&name.chars().count())
}

/// The schema's requirements for new items: those of the second level need neither type nor name.
fn proper(drafts: &[MenuDraft]) -> bool {
    let child = |draft: &MenuDraft| draft.name.as_deref().is_none_or(fits);
    let top = |draft: &MenuDraft| !draft.untyped && draft.name.as_deref().is_some_and(fits);
    drafts.iter().all(|draft| top(draft) && draft.children.iter().all(child))
}

impl Model {
    /// The chat whose menu the app may change.
    fn menu(&mut self, app: usize, id: &str, unsupported: u32) -> Result<&mut Chat, u32> {
        let by = Actor::bot(app);
        let listed = |code| match code {
            232006 => 232001,
            232010 => 232014,
            code => code,
        };
        let chat = self.enter(by, id).map_err(listed)?;
        if chat.mode != "group" {
            return Err(unsupported);
        }
        if chat.only_owner_manages && !chat.is_managed_by(by) {
            return Err(232055);
        }
        self.chats.get_mut(id).ok_or(232001)
    }

    /// Whether an image may be an icon of this app.
    pub(super) fn is_icon(&self, app: usize, key: &str) -> bool {
        self.images.get(key).is_some_and(|image| !image.avatar && !image.deleted && image.app == app)
    }

    pub(super) fn add_menus(&mut self, app: usize, id: &str, drafts: &[MenuDraft]) -> Outcome {
        if drafts.is_empty() || !proper(drafts) {
            return Err(232001);
        }
        self.menu(app, id, 232008)?;
        let new: Vec<(Item, Vec<Item>)> = drafts
            .iter()
            .map(|draft| (Item::new(draft), draft.children.iter().map(Item::new).collect()))
            .collect();
        let legal = |(top, children): &(Item, Vec<Item>)| {
            top.is_legal(!children.is_empty()) && children.iter().all(|child| child.is_legal(false))
        };
        if !new.iter().all(legal) {
            return Err(232078);
        }
        let items = new.iter().flat_map(|(top, children)| std::iter::once(top).chain(children));
        if items.filter_map(|item| item.image.as_ref()).any(|image| !self.is_icon(app, image)) {
            return Err(232056);
        }
        if self.chats[id].menu.len() + new.len() > 3 {
            return Err(232070);
        }
        if new.iter().any(|(_, children)| children.len() > 5) {
            return Err(232071);
        }
        for (item, children) in new {
            let top = self.fresh("menu");
            let children = children.into_iter().map(|child| (self.fresh("menu"), child)).collect();
            if let Some(chat) = self.chats.get_mut(id) {
                chat.menu.push(Top { id: top, item, children });
            }
        }
        Ok(tree(&self.chats[id].menu))
    }

    pub(super) fn delete_menus(&mut self, app: usize, id: &str, ids: &[String]) -> Outcome {
        if ids.is_empty() {
            return Err(232001);
        }
        let chat = self.menu(app, id, 232008)?;
        if ids.iter().any(|id| chat.menu.iter().all(|top| top.id != *id)) {
            return Err(232001);
        }
        chat.menu.retain(|top| !ids.contains(&top.id));
        Ok(tree(&chat.menu))
    }

    pub(super) fn get_menus(&self, app: usize, id: &str) -> Outcome {
        let listed = |code| match code {
            232006 => 232001,
            232009 => 232011,
            232010 => 232014,
            code => code,
        };
        let chat = self.enter(Actor::bot(app), id).map_err(listed)?;
        if chat.mode == "group" { Ok(tree(&chat.menu)) } else { Err(232001) }
    }

    pub(super) fn sort_menus(&mut self, app: usize, id: &str, ids: &[String]) -> Outcome {
        let chat = self.menu(app, id, 232001)?;
        let found: Option<Vec<Top>> =
            ids.iter().map(|id| chat.menu.iter().find(|top| top.id == *id).cloned()).collect();
        let sorted = found.filter(|sorted| sorted.len() == chat.menu.len()).ok_or(232072u32)?;
        if chat.menu.iter().any(|top| !ids.contains(&top.id)) {
            return Err(232072);
        }
        chat.menu = sorted;
        Ok(tree(&chat.menu))
    }

    pub(super) fn patch_menu(
        &mut self,
        app: usize,
        chat: &str,
        id: &str,
        fields: &[&'static str],
        draft: &MenuDraft,
    ) -> Outcome {
        if fields.is_empty() {
            return Err(232001);
        }
        let menu = &mut self.menu(app, chat, 232001)?.menu;
        let mut changed = menu.clone();
        let mut found = None;
        for top in &mut changed {
            let has_children = !top.children.is_empty();
            if top.id == id {
                found = Some((&mut top.item, has_children));
            } else if let Some((_, child)) = top.children.iter_mut().find(|(child, _)| child == id) {
                found = Some((child, false));
            }
        }
        let (item, has_children) = found.ok_or(232001u32)?;
        match draft.name.as_deref() {
            _ if !fields.contains(&"NAME") => {}
            None => return Err(232078),
            Some(name) if !fits(name) => return Err(232001),
            Some(_) => {}
        }
        let new = Item::new(draft);
        for field in fields {
            match *field {
                "ICON" => item.image.clone_from(&new.image),
                "NAME" => item.name.clone_from(&new.name),
                "I18N_NAME" => item.japanese.clone_from(&new.japanese),
                _ => item.link.clone_from(&new.link),
            }
        }
        if !item.is_legal(has_children) {
            return Err(232078);
        }
        let (shown, image) = (item.shown(), item.image.clone());
        let strange = image.is_some_and(|image| !self.is_icon(app, &image));
        if fields.contains(&"ICON") && strange {
            return Err(232078);
        }
        if let Some(chat) = self.chats.get_mut(chat) {
            chat.menu = changed;
        }
        Ok(json!({"chat_menu_item": shown}))
    }
}
