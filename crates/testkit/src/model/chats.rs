//! Chats: created, read, changed, dissolved.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::enter::Who;
use super::{Actor, Change, Chat, Form, Membership, Model, Outcome, UNORDERED, message_tab, number};

const TEN_HOURS_MS: i64 = 10 * 3600 * 1000;
/// Settings that creating a chat does not take.
const ONLY_UPDATED: [&str; 3] = ["add_member_permission", "share_card_permission", "at_all_permission"];

/// A name that a chat of this type may have; what an empty one comes to.
fn proper_name<'a>(chat_type: &str, name: &'a str, empty: u32, short: u32) -> Result<&'a str, u32> {
    match (chat_type, name.chars().count()) {
        ("public", 0) => Err(empty),
        ("public", 1) => Err(short),
        (_, 0) => Ok("(无主题)"),
        _ => Ok(name),
    }
}

fn too_long(text: Option<&String>) -> bool {
    text.is_some_and(|text| text.chars().count() > 255)
}

/// Whether restricted mode contradicts its settings: it must be on exactly if one of them restricts something.
fn restricted_contradicts(settings: &[(&'static str, Value)]) -> bool {
    settings.iter().any(|(name, value)| {
        *name == "restricted_mode_setting"
            && value["status"] != (value["download_has_permission_setting"] == "not_anyone")
    })
}

fn setting<'a>(settings: &'a [(&'static str, Value)], name: &str) -> Option<&'a str> {
    settings.iter().find(|(known, _)| *known == name).and_then(|(_, value)| value.as_str())
}

impl Model {
    /// Creates the step's chat, and answers.
    pub(super) fn create_chat(
        &mut self,
        app: usize,
        form: Form,
        draft: &Change,
        (users, bots): &(Vec<String>, Vec<String>),
        uuid: Option<&str>,
        bot_manages: bool,
    ) -> Outcome {
        if !self.apps[app].bot {
            return Err(232025);
        }
        let chat_type = draft.chat_type.as_deref().unwrap_or("private");
        let name = proper_name(chat_type, draft.name.as_deref().unwrap_or_default(), 232042, 232020)?;
        if too_long(draft.name.as_ref())
            || too_long(draft.english.as_ref())
            || restricted_contradicts(&draft.settings)
        {
            return Err(232001);
        }
        let mode = draft.mode.as_deref().unwrap_or("group");
        if mode == "topic" && setting(&draft.settings, "hide_member_count_setting") == Some("only_owner") {
            return Err(232079);
        }
        if !self.is_avatar(app, draft.avatar.as_deref()) {
            return Err(232001);
        }
        let bot = format!("<app:{app}>");
        let owner = match draft.owner.as_deref() {
            None => bot.clone(),
            Some(id) => match self.who(app, form, id) {
                Who::User(user) if self.users[user].resigned => return Err(232022),
                Who::User(user) if !self.sees_app(user, app) => return Err(232043),
                who => who.member().ok_or_else(|| Model::unknown(form, &who))?,
            },
        };
        let key = uuid.map(|uuid| (app, owner.clone(), uuid.to_owned()));
        if let Some((first, until)) = key.as_ref().and_then(|key| self.uuids.get(key))
            && *until > self.now
        {
            let unknown = users.iter().map(|id| self.who(app, form, id)).find(|who| who.member().is_none());
            if let Some(who) = unknown {
                return Err(Model::unknown(form, &who));
            }
            return Ok(self.created(app, form, first));
        }
        let joined = self.now;
        let mut members = BTreeMap::new();
        let mut join = |member: String, manager| {
            members.entry(member).or_insert(Membership { manager, joined });
        };
        join(owner.clone(), false);
        join(bot, bot_manages);
        for id in users {
            match self.who(app, form, id) {
                Who::User(user) if self.users[user].resigned => return Err(232022),
                Who::User(user) if self.sees_app(user, app) => join(format!("<user:{user}>"), false),
                who @ (Who::OtherApp | Who::Unknown) => return Err(Model::unknown(form, &who)),
                _ => return Err(232043),
            }
        }
        for id in bots {
            match self.who(app, Form::App, id) {
                Who::Bot(invited) if self.apps[invited].bot => join(format!("<app:{invited}>"), false),
                _ => return Err(232021),
            }
        }
        let taken = draft.settings.iter().filter(|(name, _)| !ONLY_UPDATED.contains(name));
        let chat = Chat {
            tenant: self.apps[app].tenant,
            mode: mode.to_owned(),
            chat_type: chat_type.to_owned(),
            status: "normal".to_owned(),
            name: name.to_owned(),
            description: draft.description.clone().unwrap_or_default(),
            i18n_names: draft.english.iter().map(|name| ("en_us".to_owned(), name.clone())).collect(),
            avatar: draft.avatar.clone().unwrap_or_default(),
            owner: Some(owner),
            creator: Some(app),
            settings: taken.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            message_type: draft.message_type.clone().unwrap_or_else(|| "chat".to_owned()),
            members,
            tabs: vec![message_tab(self.step)],
            created: self.now,
            active: self.now,
            ..Chat::default()
        };
        let id = format!("<chat:{}>", self.step);
        self.chats.insert(id.clone(), chat);
        if let Some(key) = key {
            self.uuids.insert(key, (id.clone(), self.now + TEN_HOURS_MS));
        }
        Ok(self.created(app, form, &id))
    }

    fn is_avatar(&self, app: usize, key: Option<&str>) -> bool {
        let image = |key: &str| self.images.get(key).is_some_and(|image| image.avatar && image.app == app);
        key.is_none_or(|key| key.is_empty() || key.starts_with("default-avatar_") || image(key))
    }

    fn created(&self, app: usize, form: Form, id: &str) -> Value {
        let mut shown = self.info(app, form, &self.chats[id]);
        shown.insert("chat_id".into(), json!(id));
        Value::Object(shown)
    }

    pub(super) fn get_chat(&self, by: Actor, form: Form, chat: &str) -> Outcome {
        let chat = self.visible(by, chat)?;
        let inside = chat.has(by);
        if !inside && chat.mode == "p2p" {
            return Err(232011);
        }
        let mut shown = self.info(by.app, form, chat);
        if !inside {
            shown.retain(|name, _| name == "avatar" || name == "name");
        }
        let bots = chat.members.keys().filter(|member| number(member, "app").is_some()).count();
        shown.insert("user_count".into(), json!((chat.members.len() - bots).to_string()));
        shown.insert("bot_count".into(), json!(bots.to_string()));
        shown.insert("chat_status".into(), json!(chat.status));
        if inside {
            let (users, bots) = self.managers(by.app, form, chat);
            shown.insert("user_manager_id_list".into(), users);
            shown.insert("bot_manager_id_list".into(), bots);
        }
        Ok(Value::Object(shown))
    }

    /// The managers of a chat, as in answers: users and bots.
    pub(super) fn managers(&self, app: usize, form: Form, chat: &Chat) -> (Value, Value) {
        let managers: Vec<&String> =
            chat.members.iter().filter(|(_, member)| member.manager).map(|(member, _)| member).collect();
        let users = managers.iter().filter_map(|member| number(member, "user"));
        let users: Vec<String> = users.map(|user| self.shown(app, form, user)).collect();
        let bots: Vec<&&String> = managers.iter().filter(|member| number(member, "app").is_some()).collect();
        (json!({UNORDERED: users}), json!({UNORDERED: bots}))
    }

    pub(super) fn update_chat(&mut self, by: Actor, form: Form, id: &str, change: &Change) -> Outcome {
        let chat = self.joined(by, id)?;
        if chat.mode != "group" {
            return Err(232008);
        }
        if !chat.is_managed_by(by) && !self.is_creator(by, chat) {
            if chat.is_set("edit_permission", "only_owner") {
                return Err(232002);
            }
            let restricted = change.owner.is_some()
                || change.chat_type.is_some()
                || change.message_type.is_some()
                || !change.settings.is_empty();
            if restricted {
                return Err(232016);
            }
        }
        let pair = (
            setting(&change.settings, "add_member_permission"),
            setting(&change.settings, "share_card_permission"),
        );
        let agree = matches!(
            pair,
            (None, None) | (Some("only_owner"), Some("not_allowed")) | (Some("all_members"), Some("allowed"))
        );
        if !agree || restricted_contradicts(&change.settings) {
            return Err(232001);
        }
        let mut new = chat.clone();
        new.chat_type = change.chat_type.clone().unwrap_or(new.chat_type);
        if new.chat_type == "public" && new.external {
            return Err(232069);
        }
        if change.name.is_some() || new.chat_type != chat.chat_type {
            let name = change.name.as_ref().unwrap_or(&chat.name);
            proper_name(&new.chat_type, name, 232001, 232001)?.clone_into(&mut new.name);
            if too_long(Some(name)) {
                return Err(232047);
            }
        }
        if too_long(change.english.as_ref()) {
            return Err(232047);
        }
        if let Some(name) = &change.english {
            new.i18n_names.insert("en_us".to_owned(), name.clone());
        }
        new.description = change.description.clone().unwrap_or(new.description);
        new.message_type = change.message_type.clone().unwrap_or(new.message_type);
        for (name, value) in &change.settings {
            new.settings.insert((*name).to_owned(), value.clone());
        }
        if !self.is_avatar(by.app, change.avatar.as_deref()) {
            return Err(232041);
        }
        new.avatar = change.avatar.clone().unwrap_or(new.avatar);
        if let Some(owner) = &change.owner {
            let owner = match self.who(by.app, form, owner) {
                Who::User(user) if self.users[user].resigned => return Err(232030),
                who => who.member().ok_or_else(|| Model::unknown(form, &who))?,
            };
            new.members.get_mut(&owner).ok_or(232012u32)?.manager = false;
            new.owner = Some(owner);
        }
        let is_other = |(other, named): (&String, &Chat)| {
            other != id
                && named.tenant == new.tenant
                && named.chat_type == "public"
                && named.status == "normal"
                && named.name == new.name
        };
        let renamed = new.name != chat.name || new.chat_type != chat.chat_type;
        if new.chat_type == "public" && renamed && self.chats.iter().any(is_other) {
            return Err(232026);
        }
        self.chats.insert(id.to_owned(), new);
        Ok(json!({}))
    }

    pub(super) fn delete_chat(&mut self, by: Actor, id: &str) -> Outcome {
        let chat = self.shared(by, id)?;
        if chat.status != "normal" {
            return Err(232009);
        }
        let creator = self.is_creator(by, chat);
        if !creator {
            self.enter(by, id)?;
        }
        if chat.mode != "group" {
            return Err(232008);
        }
        if !creator && !chat.is_owned_by(by) {
            return Err(232017);
        }
        if let Some(chat) = self.chats.get_mut(id) {
            chat.status = "dissolved".to_owned();
        }
        Ok(json!({}))
    }

    /// The fields that creating and getting a chat share.
    fn info(&self, app: usize, form: Form, chat: &Chat) -> Map<String, Value> {
        let everybody = "all_members";
        let mut shown = json!({
            "avatar": avatar(chat), "description": chat.description, "i18n_names": chat.i18n_names,
            "chat_mode": chat.mode, "external": chat.external, "tenant_key": format!("<tenant:{}>", chat.tenant),
            "urgent_setting": everybody, "video_conference_setting": everybody, "edit_permission": everybody,
            "moderation_permission": everybody, "hide_member_count_setting": everybody,
            "restricted_mode_setting": {
                "status": false, "screenshot_has_permission_setting": everybody,
                "download_has_permission_setting": everybody, "message_has_permission_setting": everybody,
            },
        });
        let mut more = json!({});
        if chat.mode != "p2p" {
            more = json!({
                "chat_type": chat.chat_type, "chat_tag": "inner", "add_member_permission": everybody,
                "share_card_permission": "allowed", "at_all_permission": everybody,
                "join_message_visibility": everybody, "leave_message_visibility": everybody,
                "membership_approval": "no_approval_required", "pin_manage_setting": everybody,
            });
            self.show_owner(app, form, chat, &mut more);
        }
        if chat.mode == "group" {
            more["group_message_type"] = json!(chat.message_type);
        }
        if !chat.name.is_empty() {
            more["name"] = json!(chat.name);
        }
        let mut all = shown.as_object_mut().map(std::mem::take).unwrap_or_default();
        all.append(more.as_object_mut().unwrap_or(&mut Map::new()));
        for (name, value) in &chat.settings {
            all.entry(name.clone()).and_modify(|usual| value.clone_into(usual));
        }
        all
    }

    /// Adds the owner if it is a user; other owners are not shown.
    pub(super) fn show_owner(&self, app: usize, form: Form, chat: &Chat, shown: &mut Value) {
        if let Some(owner) = chat.owner.as_ref().and_then(|owner| number(owner, "user")) {
            shown["owner_id"] = json!(self.shown(app, form, owner));
            shown["owner_id_type"] = json!(form.word());
        }
    }
}

/// The URL of a chat's avatar.
pub(super) fn avatar(chat: &Chat) -> String {
    let key = match chat.avatar.as_str() {
        "" => "default-avatar_44ae0ca3-e140-494b-956f-78091e348435",
        key => key,
    };
    format!(
        "https://s1-imfile.feishucdn.com/static-resource/v1/{key}~?image_size=72x72&cut_type=&quality=&format=image&sticker_format=.webp"
    )
}
