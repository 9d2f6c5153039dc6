//! Tags and their relations. Every refusal is 230001.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::sent::i18n;
use super::{Model, Names, Outcome, Tag, number};

const REFUSED: u32 = 230001;

fn proper_name(name: &str) -> bool {
    (1..=255).contains(&name.chars().count())
}

fn proper_names(names: &Names) -> bool {
    let folded: BTreeSet<String> =
        names.iter().map(|(locale, _)| locale.replace('-', "_").to_lowercase()).collect();
    names.len() <= 40 && folded.len() == names.len() && !folded.contains("")
}

/// Whether a text can be a tag's id: a tag's name, or a decimal number.
fn is_tag_id(id: &str) -> bool {
    let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    number(id, "tag").is_some() || (digits && !id.starts_with('0'))
}

impl Model {
    /// A tag of the app's tenant.
    fn tag(&self, app: usize, id: &str) -> Option<&Tag> {
        self.tags.get(id).filter(|tag| tag.tenant == self.apps[app].tenant)
    }

    fn tag_info(&self, id: &str) -> Value {
        let tag = &self.tags[id];
        json!({
            "id": id, "tag_type": "tenant", "name": tag.name, "i18n_names": i18n(&tag.names),
            "create_time": tag.created.to_string(), "update_time": tag.updated.to_string(),
        })
    }

    fn named(&self, app: usize, name: &str) -> Option<&String> {
        let tenant = self.apps[app].tenant;
        self.tags.iter().find(|(_, tag)| tag.tenant == tenant && tag.name == name).map(|(id, _)| id)
    }

    pub(super) fn create_tag(&mut self, app: usize, kind: &str, name: &str, names: &Names) -> Outcome {
        if kind != "tenant" || !proper_name(name) || !proper_names(names) {
            return Err(REFUSED);
        }
        if let Some(other) = self.named(app, name) {
            return Ok(json!({"create_tag_fail_reason": {"duplicate_id": other}}));
        }
        let (id, tenant) = (format!("<tag:{}>", self.step), self.apps[app].tenant);
        let (name, names) = (name.to_owned(), names.clone());
        self.tags.insert(id.clone(), Tag { tenant, name, names, created: self.now, updated: self.now });
        Ok(json!({"id": id}))
    }

    pub(super) fn patch_tag(
        &mut self,
        app: usize,
        tag: &str,
        id: Option<&str>,
        name: Option<&str>,
        names: Option<&Names>,
    ) -> Outcome {
        let mut present = self.tag(app, tag).ok_or(REFUSED)?.clone();
        let proper = name.is_none_or(proper_name) && names.is_none_or(proper_names);
        if !proper || id.is_some_and(|id| id != tag) {
            return Err(REFUSED);
        }
        if let Some(other) = name.and_then(|name| self.named(app, name)).filter(|other| *other != tag) {
            return Ok(json!({"patch_tag_fail_reason": {"duplicate_id": other}}));
        }
        if let Some(name) = name {
            name.clone_into(&mut present.name);
        }
        if let Some(names) = names {
            names.clone_into(&mut present.names);
        }
        if name.is_some() || names.is_some() {
            present.updated = self.now;
        }
        self.tags.insert(tag.to_owned(), present);
        Ok(json!({"tag_info": self.tag_info(tag)}))
    }

    pub(super) fn list_tags(&self, app: usize, ids: &[String]) -> Outcome {
        if ids.is_empty() || ids.len() > 40 {
            return Err(REFUSED);
        }
        let mut seen: Vec<&String> = Vec::new();
        for id in ids {
            if self.tag(app, id).is_some() && !seen.contains(&id) {
                seen.push(id);
            }
        }
        let infos: Vec<Value> = seen.into_iter().map(|id| self.tag_info(id)).collect();
        Ok(json!({"tag_infos": infos}))
    }

    /// Checks that the chat is active and the ids of tags are ids. Returns the existing tags.
    fn relation(&self, app: usize, chat: &str, tags: &[String]) -> Result<Vec<String>, u32> {
        let tenant = self.apps[app].tenant;
        let chat = self.chats.get(chat).filter(|chat| chat.tenant == tenant && chat.status == "normal");
        if chat.is_none() || tags.len() > 40 || !tags.iter().all(|id| is_tag_id(id)) {
            return Err(REFUSED);
        }
        Ok(tags.iter().filter(|id| self.tag(app, id).is_some()).cloned().collect())
    }

    pub(super) fn bind(&mut self, app: usize, id: &str, tags: &[String]) -> Outcome {
        for tag in self.relation(app, id, tags)? {
            if let Some(chat) = self.chats.get_mut(id) {
                chat.bound.entry(tag).or_insert(self.now);
            }
        }
        Ok(json!({}))
    }

    pub(super) fn unbind(&mut self, app: usize, id: &str, tags: &[String]) -> Outcome {
        for tag in self.relation(app, id, tags)? {
            if let Some(chat) = self.chats.get_mut(id) {
                chat.bound.remove(&tag);
            }
        }
        Ok(json!({}))
    }

    pub(super) fn bound(&self, app: usize, chat: &str) -> Outcome {
        self.relation(app, chat, &[])?;
        // Tags of the same time are in the order of their creation.
        let made = |tag: &str| number(tag, "tag");
        let mut bound: Vec<(i64, &String)> =
            self.chats[chat].bound.iter().map(|(tag, version)| (*version, tag)).collect();
        bound.sort_by_key(|(version, tag)| (*version, made(tag)));
        let shown: Vec<Value> = bound
            .into_iter()
            .map(
                |(version, tag)| json!({"tag_info": self.tag_info(tag), "bind_version": version.to_string()}),
            )
            .collect();
        Ok(json!({"tag_info_with_bind_versions": shown}))
    }
}
