//! Chats and who is in them.

use serde_json::{Map, Value, json};

use super::{Actor, Chat, Model, Outcome, number};

/// The control API's refusals: of a value, and of an id that names nothing.
const INVALID: u32 = 5275400;
const NOT_FOUND: u32 = 5275404;
const TEN_HOURS_MS: i64 = 10 * 3600 * 1000;

/// A chat as a request describes it, but for its people.
pub(super) struct Draft<'a> {
    pub(super) name: &'a str,
    pub(super) chat_type: &'a str,
    pub(super) description: &'a str,
    pub(super) avatar: &'a str,
    pub(super) bot_manages: bool,
}

impl Model {
    pub(super) fn create_chat(
        &mut self,
        draft: &Draft<'_>,
        owner: Option<&str>,
        users: &[String],
        uuid: Option<&str>,
    ) -> Outcome {
        if !self.bot {
            return Err(232025);
        }
        let name = match (draft.chat_type, draft.name.chars().count()) {
            ("public", 0) => return Err(232042),
            ("public", 1) => return Err(232020),
            (_, 0) => "(无主题)",
            _ => draft.name,
        };
        if !draft.avatar.is_empty() {
            let image = number(draft.avatar, "image").and_then(|image| self.images.get(image));
            if image.is_none_or(|image| !image.avatar) {
                return Err(232001);
            }
        }
        let owner = match owner {
            None => "<bot>".to_owned(),
            Some(id) => self.user(id, 232030)?,
        };
        let key = uuid.map(|uuid| (owner.clone(), uuid.to_owned()));
        let first = key.as_ref().and_then(|key| self.uuids.get(key)).filter(|(_, until)| *until > self.now);
        if let Some((first, _)) = first {
            return Ok(self.created(*first));
        }
        let mut chat = Chat {
            mode: "group".to_owned(),
            chat_type: draft.chat_type.to_owned(),
            status: "normal".to_owned(),
            name: name.to_owned(),
            description: draft.description.to_owned(),
            avatar: draft.avatar.to_owned(),
            ..Chat::default()
        };
        for id in users {
            let user = self.user(id, 232043)?;
            if number(&user, "user").is_some_and(|user| !self.sees_app(user)) {
                return Err(232043);
            }
            chat.members.insert(user, false);
        }
        chat.members.insert("<bot>".to_owned(), draft.bot_manages && owner != "<bot>");
        chat.members.insert(owner.clone(), false);
        chat.owner = Some(owner);
        chat.tabs.push(self.message_tab());
        self.chats.push(chat);
        if let Some(key) = key {
            self.uuids.insert(key, (self.chats.len() - 1, self.now + TEN_HOURS_MS));
        }
        Ok(self.created(self.chats.len() - 1))
    }

    /// The user of an open_id; `unknown` is the refusal of an id that names nobody.
    fn user(&self, id: &str, unknown: u32) -> Result<String, u32> {
        let user = number(id, "open").ok_or(unknown)?;
        if self.resigned.contains(&user) { Err(232022) } else { Ok(format!("<user:{user}>")) }
    }

    fn created(&self, chat: usize) -> Value {
        let mut shown = info(&self.chats[chat]);
        shown.insert("chat_id".into(), json!(format!("<chat:{chat}>")));
        Value::Object(shown)
    }

    pub(super) fn get_chat(&self, by: Actor, chat: &str) -> Outcome {
        let chat = self.chat(chat).ok_or(232006u32)?;
        if !self.bot {
            return Err(232025);
        }
        if chat.external && !self.external_sharing {
            return Err(232033);
        }
        let inside = chat.members.contains_key(&by.member());
        if !inside && chat.mode == "p2p" {
            return Err(232011);
        }
        let mut shown = info(chat);
        if !inside {
            shown.retain(|name, _| name == "avatar" || name == "name");
        }
        let bots = usize::from(chat.members.contains_key("<bot>"));
        shown.insert("user_count".into(), json!((chat.members.len() - bots).to_string()));
        shown.insert("bot_count".into(), json!(bots.to_string()));
        shown.insert("chat_status".into(), json!(chat.status));
        if inside {
            let managers = chat.members.iter().filter(|(_, manager)| **manager).map(|(member, _)| member);
            let (bots, users): (Vec<&String>, Vec<&String>) = managers.partition(|member| *member == "<bot>");
            let users: Vec<String> = users.into_iter().map(|user| user.replace("user", "open")).collect();
            shown.insert("user_manager_id_list".into(), json!(users));
            shown.insert("bot_manager_id_list".into(), json!(bots));
        }
        Ok(Value::Object(shown))
    }

    pub(super) fn set_member(&mut self, chat: &str, member: &str, manager: bool) -> Outcome {
        let chat = self.control_chat(chat)?;
        let joins = !chat.members.contains_key(member);
        if chat.mode == "p2p" && joins {
            return Err(INVALID);
        }
        chat.members.insert(member.to_owned(), manager);
        Ok(Value::Null)
    }

    pub(super) fn remove_member(&mut self, chat: &str, member: &str) -> Outcome {
        let chat = self.control_chat(chat)?;
        if !chat.members.contains_key(member) {
            return Err(NOT_FOUND);
        }
        if chat.mode == "p2p" {
            return Err(INVALID);
        }
        chat.members.remove(member);
        chat.owner = chat.owner.take().filter(|owner| owner != member);
        Ok(Value::Null)
    }

    pub(super) fn set_chat(
        &mut self,
        chat: &str,
        status: &str,
        only_owner_manages: bool,
        owner: Option<&str>,
    ) -> Outcome {
        let chat = self.control_chat(chat)?;
        if let Some(owner) = owner {
            if chat.mode == "p2p" && !chat.members.contains_key(owner) {
                return Err(INVALID);
            }
            chat.members.entry(owner.to_owned()).or_insert(false);
            chat.owner = Some(owner.to_owned());
        }
        status.clone_into(&mut chat.status);
        chat.only_owner_manages = only_owner_manages;
        Ok(Value::Null)
    }

    fn control_chat(&mut self, id: &str) -> Result<&mut Chat, u32> {
        number(id, "chat").and_then(|chat| self.chats.get_mut(chat)).ok_or(NOT_FOUND)
    }
}

/// What creating and getting a chat both show.
fn info(chat: &Chat) -> Map<String, Value> {
    let key = match chat.avatar.as_str() {
        "" => "default-avatar_44ae0ca3-e140-494b-956f-78091e348435",
        key => key,
    };
    let avatar = format!(
        "https://s1-imfile.feishucdn.com/static-resource/v1/{key}~?image_size=72x72&cut_type=&quality=&format=image&sticker_format=.webp"
    );
    let everybody = "all_members";
    let mut shown = json!({
        "avatar": avatar, "description": chat.description, "i18n_names": {}, "chat_mode": chat.mode,
        "external": chat.external, "tenant_key": "<tenant>",
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
            "membership_approval": "no_approval_required",
        });
        if let Some(owner) = chat.owner.as_ref().filter(|owner| *owner != "<bot>") {
            more["owner_id"] = json!(owner.replace("user", "open"));
            more["owner_id_type"] = json!("open_id");
        }
    }
    if chat.mode == "group" {
        more["group_message_type"] = json!("chat");
    }
    if !chat.name.is_empty() {
        more["name"] = json!(chat.name);
    }
    let mut all = shown.as_object_mut().map(std::mem::take).unwrap_or_default();
    all.append(more.as_object_mut().unwrap_or(&mut Map::new()));
    all
}
