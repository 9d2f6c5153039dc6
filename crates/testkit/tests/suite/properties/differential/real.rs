//! A server whose answers are compared with the model's.

use std::collections::HashMap;
use std::sync::Arc;

use larkspur_store::Driver;
use larkspur_testkit::model::{Actor, Expected, GROUPS, JSON, Model, Op, Through, UNORDERED};
use larkspur_testkit::{Lab, LabOptions, ManualClock, Reply, Request, World};
use serde_json::{Value, json};

use super::{ACTORS, APPS, CHAT_USERS, EPOCH, STARTS, Step, USERS};

/// Two worlds of one server, and the mapping between their ids and the model's.
pub(super) struct Real {
    worlds: [World; 2],
    pub(super) clock: Arc<ManualClock>,
    /// The secret of every app.
    secrets: Vec<String>,
    tokens: HashMap<(usize, Option<usize>), String>,
    ids: HashMap<String, String>,
    names: HashMap<String, String>,
    /// Every answer to the last operation.
    pub(super) heard: Vec<Reply>,
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

impl Real {
    pub(super) async fn open(driver: Arc<dyn Driver>) -> (Real, Model) {
        let clock = ManualClock::at(EPOCH);
        let options = LabOptions { driver: Some(driver), clock: clock.clone(), ..LabOptions::default() };
        let lab = Lab::with(options).await;
        let worlds = [lab.world().await, lab.world().await];
        for world in &worlds {
            world.old_announcements().await;
        }
        let (ids, names, tokens) = (HashMap::new(), HashMap::new(), HashMap::new());
        let (secrets, heard) = (Vec::new(), Vec::new());
        let mut real = Real { worlds, clock, secrets, tokens, ids, names, heard };
        real.people().await;
        let mut model = Model::new(EPOCH, CHAT_USERS, &APPS, &USERS);
        for (number, start) in STARTS.iter().enumerate() {
            let world = &real.worlds[start.tenant];
            let chat = match number {
                0 | 1 => world.chat_id.clone(),
                _ => {
                    let creator = start.creator.map(|app| format!("<app:{app}>"));
                    let mut body = json!({
                        "chat_mode": start.mode, "chat_type": start.chat_type, "external": start.external,
                        "name": start.name, "description": start.description, "members": start.members,
                        "owner": start.owner, "creator_app": creator,
                    });
                    if start.approval {
                        body["settings"] = json!({"membership_approval": "approval_required"});
                    }
                    body.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
                    world.chat(real.filled(&body)).await
                }
            };
            let name = format!("<chat:{number}>");
            real.learn(&name, &chat).expect("a new chat");
            model.start_with(number, start);
            real.learn_message_tab(start.tenant, &name).await;
        }
        real.documents(&mut model).await;
        real.sign_in().await;
        (real, model)
    }

    /// Creates the apps and users that a new world lacks, and records their ids.
    async fn people(&mut self) {
        let home = self.worlds[0].clone();
        let second = home.control("POST", "/apps").body(json!({})).send().await.data();
        let apps = [
            (home.app_id.clone(), home.app_secret.clone()),
            (text_of(&second["app_id"]), text_of(&second["app_secret"])),
            (self.worlds[1].app_id.clone(), self.worlds[1].app_secret.clone()),
        ];
        for (number, (app_id, secret)) in apps.into_iter().enumerate() {
            self.learn(&format!("<app:{number}>"), &app_id).expect("a new app");
            self.secrets.push(secret);
        }
        home.control("PUT", "/limits").body(json!({"chat_users": CHAT_USERS})).send().await.data();
        let mut known = self.worlds.clone().map(|world| world.users.into_iter());
        for (number, (tenant, name, resigned)) in USERS.iter().enumerate() {
            let world = self.worlds[*tenant].clone();
            let user_id = match known[*tenant].next() {
                Some(user) => user.user_id,
                None => {
                    let status = if *resigned { "resigned" } else { "active" };
                    let body = json!({"name": name, "status": status});
                    text_of(&world.control("POST", "/users").body(body).send().await.data()["user_id"])
                }
            };
            let user = world.control("GET", &format!("/users/{user_id}")).send().await.data();
            assert_eq!(user["name"], *name);
            self.learn(&format!("<user:{number}>"), &user_id).expect("a new user");
            self.learn(&format!("<union:{tenant}.{number}>"), &text_of(&user["union_id"])).expect("a new id");
            for seen in user["apps"].as_array().expect("apps") {
                let app = self.names[&text_of(&seen["app_id"])].replace(['<', '>'], "").replace("app:", "");
                let name = format!("<open:{app}.{number}>");
                self.learn(&name, &text_of(&seen["open_id"])).expect("a new id");
            }
        }
        for (number, world) in self.worlds.clone().iter().enumerate() {
            self.learn(&format!("<tenant:{number}>"), &world.tenant_key).expect("a new tenant");
        }
    }

    async fn documents(&mut self, model: &mut Model) {
        let world = self.worlds[0].clone();
        self.learn("<document:0>", &world.document_url).expect("a new document");
        model.document("<user:0>", &["<app:0>"]);
        let body = self.filled(&json!({"owner": "<user:1>", "token": "shared"}));
        let made = world.control("POST", "/documents").body(body).send().await.data();
        let body = self.filled(&json!({"member": "<chat:6>", "perm": "view"}));
        world.control("PUT", "/documents/shared/collaborators").body(body).send().await.data();
        self.learn("<document:1>", &text_of(&made["url"])).expect("a new document");
        model.document("<user:1>", &["<chat:6>"]);
    }

    pub(super) async fn sign_in(&mut self) {
        for Actor { app, user } in ACTORS {
            let world = &self.worlds[APPS[app]];
            let app_id = &self.ids[&format!("<app:{app}>")];
            let token = match user {
                None => world.sign_in(app_id, &self.secrets[app]).await,
                Some(user) => {
                    let path = format!("/users/{}/tokens", self.ids[&format!("<user:{user}>")]);
                    let body = json!({"app_id": app_id});
                    text_of(&world.control("POST", &path).body(body).send().await.data()["access_token"])
                }
            };
            self.tokens.insert((app, user), token);
        }
    }

    fn learn(&mut self, name: &str, id: &str) -> Result<(), String> {
        match self.names.insert(id.to_owned(), name.to_owned()) {
            Some(before) => Err(format!("{name} is {id}, which is {before}")),
            None => {
                self.ids.insert(name.to_owned(), id.to_owned());
                Ok(())
            }
        }
    }

    /// The model's name of an id.
    pub(super) fn name(&self, id: &str) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }

    /// Records the ids of what a step created and did not show.
    pub(super) async fn learn_of(&mut self, step: &Step, expected: &Expected, model: &Model) {
        let chat = format!("<chat:{}>", step.number);
        let made = matches!(step.op, Op::CreateChat { .. }) && expected.code == 0;
        if made && model.all("chat").contains(&chat) {
            self.learn_message_tab(model.tenant_of(&chat), &chat).await;
        }
    }

    /// No answer shows the initial tab of a new chat.
    async fn learn_message_tab(&mut self, tenant: usize, chat: &str) {
        let name = chat.replace("chat:", "tab:").replace('>', ".m>");
        if !self.ids.contains_key(&name) {
            let path = format!("/chats/{}", self.ids[chat]);
            let shown = self.worlds[tenant].control("GET", &path).send().await.data();
            self.learn(&name, &text_of(&shown["tabs"][0]["tab_id"])).expect("a new tab");
        }
    }

    /// A text with the product's ids instead of the model's. For a thing that was never created, it uses an unknown id.
    fn text(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            let (name, after) = after.split_once('>').expect("a closed name");
            filled.push_str(before);
            let nothing = match name.split(':').next() {
                Some("chat") => "oc_00000000000000000000000000000000",
                Some("image") => "img_v3_none",
                _ => "77",
            };
            filled.push_str(self.ids.get(&format!("<{name}>")).map_or(nothing, String::as_str));
            rest = after;
        }
        filled + rest
    }

    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => json!(self.text(text)),
            Value::Array(list) => list.iter().map(|item| self.filled(item)).collect(),
            Value::Object(map) => {
                Value::Object(map.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect())
            }
            other => other.clone(),
        }
    }

    fn request(&self, op: &Op, more: &str) -> Request {
        let sent = op.sent();
        let path = self.text(&sent.path) + more;
        let request = match sent.through {
            Through::Control(tenant) => self.worlds[tenant].control(sent.method, &path),
            Through::Token(by) => {
                self.worlds[0].call(sent.method, &path).token(&self.tokens[&(by.app, by.user)])
            }
        };
        match op {
            Op::Upload { avatar, .. } => {
                let kind = if *avatar { "avatar" } else { "message" };
                request.multipart(&[("image_type", kind)], ("image", &larkspur_testkit::png(1, 1)))
            }
            _ if sent.body.is_null() => request,
            _ => request.body(self.filled(&sent.body)),
        }
    }

    /// Runs an operation. Returns how the answer differs from the expected one.
    pub(super) async fn check(&mut self, op: &Op, expected: &Expected) -> Result<(), String> {
        let reply = self.request(op, "").send().await;
        let (found, answered) = (reply.json(), reply.status());
        self.heard = vec![reply];
        let differs = format!("the model: {expected:?}\nthe product: {answered} {found}");
        let status = match expected.code {
            0 => 200,
            5275404 => 404,
            _ => 400,
        };
        if found["code"] != expected.code || answered != status {
            return Err(differs);
        }
        if expected.code != 0 {
            return if found.get("data").is_none() { Ok(()) } else { Err(differs) };
        }
        if found["msg"] != msg(op) {
            return Err(differs);
        }
        let Some(data) = &expected.data else { return Ok(()) };
        let shown = match op {
            Op::ListChats { .. } | Op::Members { .. } | Op::ListMessages { .. } | Op::ListPins { .. } => {
                self.all_pages(op, found["data"].clone()).await?
            }
            _ => found["data"].clone(),
        };
        if self.agrees(data, &shown)? { Ok(()) } else { Err(differs) }
    }

    /// A list in the model's form: all of it, and the number of items on each page.
    async fn all_pages(&mut self, op: &Op, first: Value) -> Result<Value, String> {
        let mut page = first;
        let (mut pages, mut items) = (Vec::new(), Vec::new());
        loop {
            let shown = page["items"].as_array().ok_or("a page has no items")?;
            pages.push(shown.len());
            items.extend(shown.clone());
            // Lists of messages leave it out on the last page.
            let left_out = matches!(op, Op::ListMessages { .. } | Op::ListPins { .. });
            let token = page["page_token"].as_str().or(left_out.then_some(""));
            let token = token.ok_or("a page has no page_token")?;
            if page["has_more"] == token.is_empty() || pages.len() > 1000 {
                return Err(format!("a list has no end: {page}"));
            }
            if token.is_empty() {
                break;
            }
            let next = self.request(op, &format!("&page_token={token}")).send().await;
            let answer = next.json();
            self.heard.push(next);
            let next = answer;
            if next["code"] != 0 || next["data"]["member_total"] != page["member_total"] {
                return Err(format!("page {}: {next}", pages.len() + 1));
            }
            page = next["data"].clone();
        }
        let mut all = json!({"pages": pages, "items": items});
        if page.get("member_total").is_some() {
            all["member_total"] = page["member_total"].clone();
        }
        Ok(all)
    }

    /// Whether an answer is as expected. New ids in it are recorded.
    fn agrees(&mut self, expected: &Value, found: &Value) -> Result<bool, String> {
        let special = |name: &str| expected.as_object().filter(|map| map.len() == 1)?.get(name);
        if let Some(Value::Array(list)) = special(UNORDERED) {
            return Ok(found.is_array() && self.same(list, found.as_array().map_or(&[], Vec::as_slice)));
        }
        if let Some(Value::Array(groups)) = special(GROUPS) {
            let mut rest = found.as_array().map_or(&[][..], Vec::as_slice);
            for group in groups.iter().filter_map(Value::as_array) {
                let Some((head, tail)) = rest.split_at_checked(group.len()) else { return Ok(false) };
                if !self.same(group, head) {
                    return Ok(false);
                }
                rest = tail;
            }
            return Ok(found.is_array() && rest.is_empty());
        }
        if let Some(value) = special(JSON) {
            let text = found.as_str().ok_or("no text")?;
            return Ok(serde_json::from_str::<Value>(text).is_ok_and(|found| found == *value));
        }
        match (expected, found) {
            (Value::String(name), Value::String(id)) if name.starts_with('<') && name.ends_with('>') => {
                if let Some(known) = self.ids.get(name) {
                    return Ok(known == id);
                }
                self.learn(name, id)?;
                Ok(true)
            }
            (Value::String(expected), Value::String(found)) => Ok(self.text(expected) == *found),
            (Value::Array(expected), Value::Array(found)) => {
                if expected.len() != found.len() {
                    return Ok(false);
                }
                for (expected, found) in expected.iter().zip(found) {
                    if !self.agrees(expected, found)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Object(expected), Value::Object(found)) => {
                if expected.len() != found.len() {
                    return Ok(false);
                }
                for (name, expected) in expected {
                    let Some(found) = found.get(name) else { return Ok(false) };
                    if !self.agrees(expected, found)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (expected, found) => Ok(expected == found),
        }
    }

    fn same(&self, expected: &[Value], found: &[Value]) -> bool {
        let sorted = |list: &[Value]| {
            let mut sorted: Vec<String> = list.iter().map(Value::to_string).collect();
            sorted.sort();
            sorted
        };
        let expected: Vec<Value> = expected.iter().map(|item| self.filled(item)).collect();
        sorted(&expected) == sorted(found)
    }
}

/// The text of a success.
fn msg(op: &Op) -> &'static str {
    match op {
        Op::AddTabs { .. }
        | Op::UpdateTabs { .. }
        | Op::DeleteTabs { .. }
        | Op::SortTabs { .. }
        | Op::ListTabs { .. }
        | Op::Join { .. } => "ok",
        _ => "success",
    }
}
