//! Paged lists. An answer here is the whole list, and the number of items on each page.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::chats::avatar;
use super::{Actor, Chat, Form, GROUPS, Model, Outcome, number};

impl Model {
    pub(super) fn list_chats(&self, by: Actor, form: Form, active: bool, size: usize) -> Outcome {
        if !self.apps[by.app].bot {
            return Err(232025);
        }
        let mut groups: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
        let mut count = 0;
        for (id, chat) in &self.chats {
            if chat.has(by) && chat.mode != "p2p" && chat.status != "dissolved" {
                let time = if active { -chat.active } else { chat.created };
                groups.entry(time).or_default().push(self.item(by.app, form, id, chat));
                count += 1;
            }
        }
        let mut pages = vec![size; count / size];
        if count % size > 0 || count == 0 {
            pages.push(count % size);
        }
        let groups: Vec<Vec<Value>> = groups.into_values().collect();
        Ok(json!({"pages": pages, "items": {GROUPS: groups}}))
    }

    fn item(&self, app: usize, form: Form, id: &str, chat: &Chat) -> Value {
        let mut shown = json!({
            "chat_id": id, "avatar": avatar(chat), "name": chat.name, "description": chat.description,
            "external": chat.external, "tenant_key": format!("<tenant:{}>", chat.tenant),
            "chat_status": chat.status,
        });
        self.show_owner(app, form, chat, &mut shown);
        shown
    }

    /// Members who joined at the same time are on the same page; bots take places on it and are not shown.
    pub(super) fn members(&self, by: Actor, form: Form, chat: &str, size: usize) -> Outcome {
        let chat = self.readable(by, chat)?;
        let mut groups: BTreeMap<i64, Vec<&String>> = BTreeMap::new();
        for (member, membership) in &chat.members {
            groups.entry(membership.joined).or_default().push(member);
        }
        let (mut pages, mut shown) = (vec![0], Vec::new());
        let mut rows = 0;
        for members in groups.values() {
            if rows >= size {
                pages.push(0);
                rows = 0;
            }
            rows += members.len();
            let users: Vec<Value> = members
                .iter()
                .filter_map(|member| number(member, "user"))
                .map(|user| self.person(by.app, form, user))
                .collect();
            if let Some(page) = pages.last_mut() {
                *page += users.len();
            }
            shown.push(users);
        }
        Ok(json!({"pages": pages, "items": {GROUPS: shown}, "member_total": chat.users()}))
    }

    fn person(&self, app: usize, form: Form, user: usize) -> Value {
        let tenant = self.users[user].tenant;
        json!({
            "member_id_type": form.word(), "member_id": self.shown(app, form, user),
            "name": self.users[user].name, "tenant_key": format!("<tenant:{tenant}>"),
        })
    }
}
