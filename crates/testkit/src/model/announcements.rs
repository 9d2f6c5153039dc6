//! Old announcements.

use serde_json::{Value, json};

use super::{Actor, Chat, Edit, Form, JSON, Model, Outcome, number};

/// A chat's announcement; a p2p chat has none.
#[derive(Debug, Clone, Default)]
pub(super) struct Announcement {
    /// `docx` and `none` if set through the control API.
    pub(super) kind: String,
    pub(super) locked: bool,
    pub(super) revision: i64,
    title: Option<String>,
    paragraphs: Vec<String>,
    modifier: Option<String>,
    updated: Option<i64>,
}

/// A title in requests and answers.
pub(super) fn title(text: &str) -> Value {
    json!({"elements": [{"type": "textRun", "textRun": {"text": text, "style": {}}}]})
}

/// A block in requests and answers.
pub(super) fn block(text: &str) -> Value {
    json!({"type": "paragraph", "paragraph": title(text)})
}

impl Model {
    fn old(chat: &Chat) -> Result<&Announcement, u32> {
        match chat.announcement.kind.as_str() {
            _ if chat.mode == "p2p" => Err(232003),
            "none" => Err(232003),
            "docx" => Err(232097),
            _ => Ok(&chat.announcement),
        }
    }

    pub(super) fn get_announcement(&self, by: Actor, form: Form, chat: &str) -> Outcome {
        let listed = |code| match code {
            232006 => 232001,
            232009 => 232011,
            code => code,
        };
        let chat = self.look_into(by, chat).map_err(listed)?;
        let found = Model::old(chat)?;
        if found.locked && !chat.is_managed_by(by) {
            return Err(232066);
        }
        let title = found.title.as_ref().map_or_else(|| json!({"elements": []}), |text| title(text));
        let blocks: Vec<Value> = found.paragraphs.iter().map(|text| block(text)).collect();
        let mut shown = json!({
            "content": {JSON: {"title": title, "body": {"blocks": blocks}}},
            "revision": found.revision.to_string(),
            "create_time": (chat.created / 1000).to_string(),
            "update_time": (found.updated.unwrap_or(chat.created) / 1000).to_string(),
        });
        let people = [
            ("owner_id", chat.owner.as_ref()),
            ("modifier_id", found.modifier.as_ref().or(chat.owner.as_ref())),
        ];
        for (field, member) in people {
            let Some(member) = member else { continue };
            let (id, kind) = match number(member, "user") {
                Some(user) => (self.shown(by.app, form, user), form.word()),
                None => (member.clone(), "app_id"),
            };
            shown[field] = json!(id);
            shown[format!("{field}_type")] = json!(kind);
        }
        Ok(shown)
    }

    pub(super) fn patch_announcement(
        &mut self,
        by: Actor,
        id: &str,
        revision: &str,
        edits: &[Edit],
    ) -> Outcome {
        let chat = self.enter(by, id).map_err(|code| if code == 232006 { 232001 } else { code })?;
        let mut new = Model::old(chat)?.clone();
        let manages = chat.is_managed_by(by);
        if chat.is_set("edit_permission", "only_owner") && !manages && !self.is_creator(by, chat) {
            return Err(232002);
        }
        if new.locked && !manages {
            return Err(232066);
        }
        let asked: u32 = revision.parse().map_err(|_| 232001u32)?;
        if !(0..=100).contains(&(new.revision - i64::from(asked))) {
            return Err(232018);
        }
        if edits.is_empty() {
            return Ok(json!({}));
        }
        for edit in edits {
            match edit {
                Edit::Paragraph(text, true) => new.paragraphs.insert(0, text.clone()),
                Edit::Paragraph(text, false) => new.paragraphs.push(text.clone()),
                Edit::Title(text) => new.title = Some(text.clone()),
                Edit::Unsupported => return Err(232018),
            }
        }
        new.revision += 1;
        new.modifier = Some(by.member());
        new.updated = Some(self.now);
        if let Some(chat) = self.chats.get_mut(id) {
            chat.announcement = new;
        }
        Ok(json!({}))
    }
}
