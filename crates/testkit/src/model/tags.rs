//! Tags and their relations. Every refusal is 230001.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::operation::i18n;
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

/// A tag's number; `None` if the text is a decimal number that no tag has, an error if it is none.
fn tag_id(id: &str) -> Result<Option<usize>, u32> {
    match number(id, "tag") {
        Some(tag) => Ok(Some(tag)),
        None if id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0') && !id.is_empty() => {
            Ok(None)
        }
        None => Err(REFUSED),
    }
}

impl Model {
    fn tag_info(&self, number: usize) -> Value {
        let tag = &self.tags[number];
        json!({
            "id": format!("<tag:{number}>"), "tag_type": "tenant", "name": tag.name, "i18n_names": i18n(&tag.names),
            "create_time": tag.created.to_string(), "update_time": tag.updated.to_string(),
        })
    }

    fn named(&self, name: &str) -> Option<usize> {
        self.tags.iter().position(|tag| tag.name == name)
    }

    pub(super) fn create_tag(&mut self, kind: &str, name: &str, names: &Names) -> Outcome {
        if kind != "tenant" || !proper_name(name) || !proper_names(names) {
            return Err(REFUSED);
        }
        if let Some(other) = self.named(name) {
            return Ok(json!({"create_tag_fail_reason": {"duplicate_id": format!("<tag:{other}>")}}));
        }
        let (name, names) = (name.to_owned(), names.clone());
        self.tags.push(Tag { name, names, created: self.now, updated: self.now });
        Ok(json!({"id": format!("<tag:{}>", self.tags.len() - 1)}))
    }

    pub(super) fn patch_tag(
        &mut self,
        tag: &str,
        id: Option<&str>,
        name: Option<&str>,
        names: Option<&Names>,
    ) -> Outcome {
        let number = tag_id(tag)?.ok_or(REFUSED)?;
        let proper = name.is_none_or(proper_name) && names.is_none_or(proper_names);
        if !proper || id.is_some_and(|id| id != tag) {
            return Err(REFUSED);
        }
        if let Some(other) = name.and_then(|name| self.named(name)).filter(|other| *other != number) {
            return Ok(json!({"patch_tag_fail_reason": {"duplicate_id": format!("<tag:{other}>")}}));
        }
        let now = self.now;
        let present = &mut self.tags[number];
        if let Some(name) = name {
            name.clone_into(&mut present.name);
        }
        if let Some(names) = names {
            names.clone_into(&mut present.names);
        }
        if name.is_some() || names.is_some() {
            present.updated = now;
        }
        Ok(json!({"tag_info": self.tag_info(number)}))
    }

    pub(super) fn list_tags(&self, ids: &[String]) -> Outcome {
        if ids.is_empty() || ids.len() > 40 {
            return Err(REFUSED);
        }
        let mut seen = Vec::new();
        for number in ids.iter().filter_map(|id| tag_id(id).ok().flatten()) {
            if !seen.contains(&number) {
                seen.push(number);
            }
        }
        let infos: Vec<Value> = seen.into_iter().map(|number| self.tag_info(number)).collect();
        Ok(json!({"tag_infos": infos}))
    }

    /// The chat and the tags that a relation names.
    fn relation(&self, chat: &str, tags: &[String]) -> Result<(usize, Vec<usize>), u32> {
        let tags = tags.iter().map(|id| tag_id(id)).collect::<Result<Vec<_>, u32>>()?;
        let chat = number(chat, "chat").filter(|chat| self.chats[*chat].status == "normal").ok_or(REFUSED)?;
        if tags.len() > 40 {
            return Err(REFUSED);
        }
        Ok((chat, tags.into_iter().flatten().collect()))
    }

    pub(super) fn bind(&mut self, chat: &str, tags: &[String]) -> Outcome {
        let (chat, tags) = self.relation(chat, tags)?;
        for tag in tags {
            self.chats[chat].bound.entry(tag).or_insert(self.now);
        }
        Ok(json!({}))
    }

    pub(super) fn unbind(&mut self, chat: &str, tags: &[String]) -> Outcome {
        let (chat, tags) = self.relation(chat, tags)?;
        for tag in tags {
            self.chats[chat].bound.remove(&tag);
        }
        Ok(json!({}))
    }

    pub(super) fn bound(&self, chat: &str) -> Outcome {
        let (chat, _) = self.relation(chat, &[])?;
        let mut bound: Vec<(i64, usize)> =
            self.chats[chat].bound.iter().map(|(tag, version)| (*version, *tag)).collect();
        bound.sort_unstable();
        let shown: Vec<Value> = bound
            .into_iter()
            .map(
                |(version, tag)| json!({"tag_info": self.tag_info(tag), "bind_version": version.to_string()}),
            )
            .collect();
        Ok(json!({"tag_info_with_bind_versions": shown}))
    }
}
