//! Invariants of a tenant's chats, whatever concurrent operations were run.
//!
//! These invariants are checked on the rows of the store after rounds of concurrent random operations:
//!
//! 1. The owner of a chat in use is in it, and is not one of its managers, unless it is the bot that made the chat. A chat
//!    may have no owner, or a bot as its owner.
//! 2. A chat in use has members: the owner stays until it transfers the chat, and the last member of a
//!    chat without an owner dissolves it by leaving.
//! 3. The counts of users and bots match the member rows.
//! 4. At most 15 bots, 10 managers, and as many users as the administrators allow.
//! 5. No member of a chat waits to join it; only members are moderators.
//! 6. Every member row repeats when its chat was created and last active, and whether lists show it.
//! 7. One message tab, before all others; at most 20 custom tabs; no two tabs in one place.
//! 8. At most 3 menu items at the top and 5 under each, none under a deleted one; no two siblings in one place.
//! 9. An announcement has as many revisions as edits were acknowledged, and keeps the latest of them.
//! 10. Chats in use are found by the words of their names, dissolved ones are never found.
//! 11. No two public chats in use have the same name, unless they were created with it.
//! 12. One uuid and owner create one chat.
//! 13. A dissolved chat does not change, except for members who are deleted.
//! 14. Users who are in a chat, wait to join one or may speak in it exist.
//! 15. A reply has a parent and a root: earlier messages of its chat.
//! 16. A message that only a thread lists has its thread's id from the root, which its chat lists; a thread has one root.
//! 17. Pins name messages of their chat that were not recalled.
//! 18. Reactions name messages; an operator has each emoji once on a message.
//! 19. A uuid names a message, and a sender's calls with one uuid sent one message.
//! 20. Read marks name messages of other senders.
//! 21. A top notice names an acknowledged message of its chat that was not recalled.
//! 22. The messages, and the recalled ones, are those that were acknowledged.

mod messages;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use larkspur_store::{Driver, Value};
use serde_json::json;

use crate::{Lab, LabOptions, Random, Request, World, reading};

/// A server in another process, on the checked store.
pub trait OtherServer: Send + Sync {
    /// A new connection: it sends a request and returns the status and the JSON of the answer.
    fn connect(&self) -> Connection;
    /// Its log.
    fn log(&self) -> String;
}

/// See [`OtherServer::connect`].
pub type Connection = Box<dyn FnMut(&Request) -> (u16, serde_json::Value) + Send>;

const ROUNDS: usize = 60;
const TASKS: usize = 6;
const STEPS: usize = 12;
/// The administrators' limit.
const USERS_MAX: i64 = 5;
/// Users who make no calls, and are deleted and created again.
const GUESTS: usize = 3;
const NAMES: [&str; 4] = ["Alpha Beta", "beta gamma", "Gamma", "delta"];

/// What a round acknowledged.
#[derive(Default)]
struct Told {
    /// By chat: acknowledged edits of its announcement.
    edits: BTreeMap<String, i64>,
    /// By uuid: the answered chats.
    made: BTreeMap<String, BTreeSet<String>>,
    said: messages::Said,
    done: u32,
    refused: u32,
}

struct Ground {
    driver: Arc<dyn Driver>,
    world: World,
    /// The callers: their id as a member, and their token.
    callers: Vec<(String, String)>,
    /// Dissolved chats with all their rows.
    dissolved: BTreeMap<String, Vec<String>>,
    /// The servers on the store to call; empty to call the one in this process.
    servers: Vec<Box<dyn OtherServer>>,
}

impl Ground {
    async fn lay(driver: Arc<dyn Driver>, servers: Vec<Box<dyn OtherServer>>) -> Ground {
        let options = LabOptions { driver: Some(driver.clone()), ..LabOptions::default() };
        let world = Lab::with(options).await.world().await;
        world.old_announcements().await;
        world.control("PUT", "/limits").body(json!({"chat_users": USERS_MAX})).send().await.data();
        let mut callers = vec![(world.app_id.clone(), world.token.clone()), world.app(json!({})).await];
        for number in 0..6 {
            let body = json!({"user_id": format!("user{number}")});
            world.control("POST", "/users").body(body).send().await.data();
            let path = format!("/users/user{number}/tokens");
            let token =
                world.control("POST", &path).body(json!({"app_id": world.app_id})).send().await.data();
            let token = token["access_token"].as_str().expect("a token").to_owned();
            callers.push((format!("user{number}"), token));
        }
        Ground { driver, world, callers, dissolved: BTreeMap::new(), servers }
    }

    async fn rows(&self, sql: &str, chat: Option<&str>) -> Vec<Vec<Value>> {
        let mut params: Vec<Value> = vec![self.world.tenant_key.as_str().into()];
        params.extend(chat.map(Value::from));
        reading::rows(&self.driver, sql.to_owned(), params).await
    }

    async fn texts(&self, sql: &str, chat: &str) -> Vec<String> {
        let rows = self.rows(sql, Some(chat)).await;
        rows.into_iter().map(|row| text(&row[0])).collect()
    }

    /// Active chats. If there are few, adds some: one with an owner, one of the bot, and one without an owner.
    async fn chats(&self) -> Vec<String> {
        let sql = "SELECT chat_id FROM chat WHERE tenant = $1 AND chat_status = 'normal' ORDER BY created_at DESC, chat_id LIMIT 4";
        let mut found: Vec<String> = self.rows(sql, None).await.iter().map(|row| text(&row[0])).collect();
        if found.len() < 3 {
            let (bot, other) = (&self.callers[0].0, &self.callers[1].0);
            for owner in [Some("user0"), Some(bot.as_str()), None] {
                let mut body = json!({
                    "members": [bot, other, "user0", "user1"], "name": NAMES[3], "creator_app": bot,
                });
                if let Some(owner) = owner {
                    body["owner"] = json!(owner);
                }
                found.push(self.world.chat(body).await);
            }
        }
        found
    }

    /// A random request of a caller about a chat, with its kind and, if it names one, its message.
    fn ask(
        &self,
        random: &mut Random,
        chat: &str,
        tabs: &[String],
        menu: &[String],
        said: &[String],
    ) -> (&'static str, Request, String) {
        if random.below(4) == 0 {
            let caller = usize::try_from(random.below(self.callers.len() as u64)).expect("an index");
            return self.ask_about_messages(random, &self.callers[caller].1, chat, said);
        }
        let mut pick = |below: usize| usize::try_from(random.below(below as u64)).expect("an index");
        let caller = if pick(3) == 0 { pick(3) } else { pick(self.callers.len()) };
        let (me, token) = &self.callers[caller];
        let who = pick(self.callers.len() + GUESTS);
        let form = if who < 2 { "app_id" } else { "user_id" };
        let guest = format!("guest{}", pick(GUESTS));
        let (who, name) = (self.callers.get(who).map_or(&guest, |(id, _)| id), NAMES[pick(NAMES.len())]);
        let own = if me.starts_with("cli_") { "app_id" } else { "user_id" };
        let at = |method: &str, path: &str| {
            self.world.call(method, &format!("/im/v1/chats/{chat}{path}")).token(token)
        };
        let some =
            |ids: &[String], which: usize| ids.get(which % ids.len().max(1)).cloned().unwrap_or_default();
        let url = json!({"tab_type": "url", "tab_name": "t", "tab_content": {"url": "https://a.b"}});
        let item = json!({"chat_menu_item": {"action_type": "NONE", "name": "m"}});
        // For operations that only owners may do, half of the calls come from the caller that owns most chats at first.
        let likely = [&self.callers[caller], &self.callers[2]];
        let (kind, request) = match pick(32) {
            0..4 => {
                let path = format!("/members?member_id_type={form}&succeed_type={}", pick(3));
                ("add", at("POST", &path).body(json!({"id_list": [who]})))
            }
            4..6 => {
                let path = format!("/members?member_id_type={form}");
                ("remove", at("DELETE", &path).body(json!({"id_list": [who]})))
            }
            6..9 => {
                let path = format!("/members?member_id_type={own}");
                ("leave", at("DELETE", &path).body(json!({"id_list": [me]})))
            }
            9 => ("join", at("PATCH", "/members/me_join")),
            10..12 => {
                let verb = ["add", "delete"][pick(2)];
                let path = format!("/managers/{verb}_managers?member_id_type={form}");
                ("appoint", at("POST", &path).token(&likely[pick(2)].1).body(json!({"manager_ids": [who]})))
            }
            12 | 27 => {
                let request = at("PUT", "?user_id_type=user_id").token(&likely[pick(2)].1);
                ("own", request.body(json!({"owner_id": who})))
            }
            13 => {
                let approval = ["approval_required", "no_approval_required"][pick(2)];
                ("approval", at("PUT", "").body(json!({"membership_approval": approval})))
            }
            14..16 => ("publish", at("PUT", "").body(json!({"chat_type": "public", "name": name}))),
            16 => ("rename", at("PUT", "").body(json!({"name": name, "i18n_names": {"en_us": "Epsilon"}}))),
            17 if pick(3) == 0 => ("dissolve", at("DELETE", "")),
            17 | 18 => {
                let uuid = format!("u{}", pick(3));
                let path = format!("/im/v1/chats?user_id_type=user_id&uuid={uuid}");
                let body = json!({"owner_id": "user1", "name": name});
                ("create", self.world.call("POST", &path).body(body))
            }
            19 | 20 => {
                let tabs: Vec<_> = (0..=pick(4)).map(|_| url.clone()).collect();
                ("tabs", at("POST", "/chat_tabs").body(json!({"chat_tabs": tabs})))
            }
            21 => {
                let ids = [some(tabs, 1 + pick(20))];
                ("delete tab", at("DELETE", "/chat_tabs/delete_tabs").body(json!({"tab_ids": ids})))
            }
            22 => {
                let mut ids = tabs.to_vec();
                if ids.len() > 2 {
                    ids[1..].rotate_left(1);
                }
                ("sort tabs", at("POST", "/chat_tabs/sort_tabs").body(json!({"tab_ids": ids})))
            }
            23 => {
                let children: Vec<_> = (0..pick(6)).map(|_| item.clone()).collect();
                let mut top = item;
                top["children"] = json!(children);
                let body = json!({"menu_tree": {"chat_menu_top_levels": [top]}});
                ("menu", at("POST", "/menu_tree").token(&self.callers[0].1).body(body))
            }
            24 => {
                let body = json!({"chat_menu_top_level_ids": [some(menu, pick(3))]});
                ("delete menu", at("DELETE", "/menu_tree").token(&self.callers[0].1).body(body))
            }
            25 => {
                let mut ids = menu.to_vec();
                ids.reverse();
                let body = json!({"chat_menu_top_level_ids": ids});
                ("sort menu", at("POST", "/menu_tree/sort").token(&self.callers[1].1).body(body))
            }
            26 => {
                let payload = json!({"blocks": [{"type": "paragraph"}]}).to_string();
                let request = json!({"requestType": "InsertBlocksRequestType", "insertBlocksRequest": {"payload": payload}});
                let body = json!({"revision": "0", "requests": [request.to_string()]});
                ("edit", at("PATCH", "/announcement").body(body))
            }
            28 => ("delete guest", self.world.control("DELETE", &format!("/users/{guest}"))),
            29 | 30 => ("make guest", self.world.control("POST", "/users").body(json!({"user_id": guest}))),
            _ => ("answer", self.world.control("PUT", &format!("/chats/{chat}/pending/{who}"))),
        };
        (kind, request, String::new())
    }

    /// All tasks run concurrently; each makes one call after another.
    async fn round(&self, random: &mut Random, told: &mut Told) {
        let chats = self.chats().await;
        let mut all = Vec::new();
        for chat in &chats {
            let tabs = "SELECT CAST(tab_id AS TEXT) FROM chat_tab WHERE tenant = $1 AND chat_id = $2 ORDER BY position";
            let menu = "SELECT CAST(menu_id AS TEXT) FROM chat_menu WHERE tenant = $1 AND chat_id = $2 AND parent = 0 ORDER BY position";
            let (tabs, menu) = (self.texts(tabs, chat).await, self.texts(menu, chat).await);
            all.push((chat, tabs, menu, told.said.latest(chat)));
        }
        let mut tasks = Vec::new();
        for _ in 0..TASKS {
            let mut asked = Vec::new();
            for _ in 0..STEPS {
                let (chat, tabs, menu, said) =
                    &all[usize::try_from(random.below(all.len() as u64)).expect("an index")];
                let (kind, request, message) = self.ask(random, chat, tabs, menu, said);
                let about = if message.is_empty() { (*chat).clone() } else { message };
                asked.push((kind, about, request));
            }
            let server =
                self.servers.get(tasks.len() % self.servers.len().max(1)).map(|server| server.connect());
            tasks.push(tokio::spawn(answers(asked, server)));
        }
        for task in tasks {
            for (kind, about, status, reply) in task.await.expect("no panic") {
                assert!(status < 500, "{kind}: {reply}: {}", self.failures());
                if reply["code"] != 0 {
                    told.refused += 1;
                    continue;
                }
                told.done += 1;
                let data = &reply["data"];
                told.said.note(kind, &about, data);
                match kind {
                    "edit" => *told.edits.entry(about).or_default() += 1,
                    "create" => {
                        let made = data["chat_id"].as_str().expect("a chat_id").to_owned();
                        // The uuids belong to one owner and are less than ten hours old.
                        let name = data["owner_id"].as_str().expect("an owner").to_owned();
                        told.made.entry(name).or_default().insert(made);
                    }
                    _ => {}
                }
            }
        }
    }

    /// The servers' log lines about failed calls.
    fn failures(&self) -> String {
        let logs: Vec<String> = self.servers.iter().map(|server| server.log()).collect();
        let lines = logs.iter().flat_map(|log| log.lines()).filter(|line| line.contains("failed"));
        lines.collect::<Vec<_>>().join("\n")
    }

    async fn check(&mut self, told: &Told) {
        self.check_messages(&told.said).await;
        for table in ["chat_member", "chat_pending", "chat_moderator"] {
            let sql = format!(
                "SELECT m.member, m.chat_id FROM {table} m LEFT JOIN users u ON u.tenant = m.tenant AND u.user_id = m.member \
                 WHERE m.tenant = $1 AND m.member NOT LIKE 'cli_%' AND u.user_id IS NULL"
            );
            let missing = self.rows(&sql, None).await;
            assert!(missing.is_empty(), "14: {table} {missing:?}");
        }
        let sql = "SELECT chat_id, chat_status, owner, user_count, bot_count, chat_type, name, i18n_names, chat_mode, creator_app FROM chat WHERE tenant = $1";
        let (mut public, mut dissolved) = (BTreeSet::new(), BTreeMap::new());
        for chat in self.rows(sql, None).await {
            let id = text(&chat[0]);
            let in_use = text(&chat[1]) == "normal";
            self.check_people(&id, in_use, &chat).await;
            self.check_tabs(&id).await;
            self.check_menu(&id).await;
            let edits = told.edits.get(&id).copied().unwrap_or_default();
            let sql =
                "SELECT revision FROM chat_announcement WHERE tenant = $1 AND chat_id = $2 AND revision > 0";
            let revision = self.rows(sql, Some(&id)).await.first().map_or(0, |row| int(&row[0]));
            assert_eq!(revision, edits, "9: {id}");
            let sql = "SELECT revision FROM chat_announcement_edit WHERE tenant = $1 AND chat_id = $2 ORDER BY revision";
            let kept: Vec<i64> = self.rows(sql, Some(&id)).await.iter().map(|row| int(&row[0])).collect();
            assert_eq!(kept, ((edits - 99).max(1)..=edits).collect::<Vec<_>>(), "9: {id}");
            self.check_terms(&id, in_use, &chat).await;
            if in_use && text(&chat[5]) == "public" {
                assert!(public.insert(text(&chat[6])), "11: {id} {:?}", chat[6]);
            }
            if !in_use {
                let everything = self.everything(&id).await;
                // Deleted members leave it.
                if !everything.iter().any(|row| row.contains("\"guest")) {
                    dissolved.insert(id.clone(), everything);
                }
            }
        }
        for made in told.made.values() {
            assert!(made.len() <= 3, "12: three uuids, {made:?}");
        }
        for (id, before) in &self.dissolved {
            assert_eq!(dissolved.get(id), Some(before), "13: {id}");
        }
        self.dissolved = dissolved;
    }

    async fn check_people(&self, id: &str, in_use: bool, chat: &[Value]) {
        let sql = "SELECT m.member, m.kind, m.manager, m.listed, m.chat_created_at = c.created_at AND m.chat_active_at = c.active_at \
                   FROM chat_member m JOIN chat c ON c.tenant = m.tenant AND c.chat_id = m.chat_id WHERE m.tenant = $1 AND m.chat_id = $2";
        let people = self.rows(sql, Some(id)).await;
        let members: BTreeSet<String> = people.iter().map(|row| text(&row[0])).collect();
        let owner = text(&chat[2]);
        if in_use {
            assert!(owner.is_empty() || members.contains(&owner), "1: {id} {owner} {members:?}");
            assert!(!members.is_empty(), "2: {id}");
        }
        let managers: Vec<String> =
            people.iter().filter(|row| int(&row[2]) == 1).map(|row| text(&row[0])).collect();
        let made_it = owner == text(&chat[9]);
        assert!(!managers.contains(&owner) || made_it, "1: {id} {owner} is a manager");
        let count = |kind: &str| people.iter().filter(|row| text(&row[1]) == kind).count() as i64;
        assert_eq!((int(&chat[3]), int(&chat[4])), (count("user"), count("bot")), "3: {id}");
        assert!(count("user") <= USERS_MAX && count("bot") <= 15 && managers.len() <= 10, "4: {id}");
        for table in ["chat_pending", "chat_moderator"] {
            let sql = format!("SELECT member FROM {table} WHERE tenant = $1 AND chat_id = $2");
            for member in self.texts(&sql, id).await {
                assert_eq!(members.contains(&member), table == "chat_moderator", "5: {id} {table} {member}");
            }
        }
        for row in &people {
            assert_eq!((int(&row[3]), int(&row[4])), (i64::from(in_use), 1), "6: {id} {row:?}");
        }
    }

    async fn check_tabs(&self, id: &str) {
        let sql =
            "SELECT tab_type, position FROM chat_tab WHERE tenant = $1 AND chat_id = $2 ORDER BY position";
        let tabs = self.rows(sql, Some(id)).await;
        let types: Vec<String> = tabs.iter().map(|row| text(&row[0])).collect();
        let places: BTreeSet<i64> = tabs.iter().map(|row| int(&row[1])).collect();
        assert_eq!(types.first().map(String::as_str), Some("message"), "7: {id}");
        assert!(types[1..].iter().all(|kind| kind == "url") && types.len() <= 21, "7: {id} {types:?}");
        assert_eq!(places.len(), tabs.len(), "7: {id} {tabs:?}");
    }

    async fn check_menu(&self, id: &str) {
        let sql = "SELECT menu_id, parent, position FROM chat_menu WHERE tenant = $1 AND chat_id = $2";
        let items = self.rows(sql, Some(id)).await;
        let mut levels: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for item in &items {
            assert!(levels.entry(int(&item[1])).or_default().insert(int(&item[2])), "8: {id} {items:?}");
        }
        for (parent, places) in &levels {
            let stands = items.iter().any(|item| int(&item[0]) == *parent && int(&item[1]) == 0);
            assert!(*parent == 0 || stands, "8: {id} {parent}");
            assert!(places.len() <= if *parent == 0 { 3 } else { 5 }, "8: {id} {items:?}");
        }
    }

    async fn check_terms(&self, id: &str, in_use: bool, chat: &[Value]) {
        let names: serde_json::Value = serde_json::from_str(&text(&chat[7])).expect("JSON");
        let name = text(&chat[6]).to_lowercase();
        let english = names["en_us"].as_str().unwrap_or_default().to_lowercase();
        // A term is what follows the beginning of a word.
        let starts = |name: &str| {
            name.split(' ').map(|word| name[name.find(word).unwrap_or(0)..].to_owned()).collect::<Vec<_>>()
        };
        let expected: BTreeSet<String> = [starts(&name), starts(&english)]
            .concat()
            .into_iter()
            .filter(|term| in_use && !term.is_empty())
            .collect();
        let sql = "SELECT term, is_open FROM chat_term WHERE tenant = $1 AND chat_id = $2";
        let rows = self.rows(sql, Some(id)).await;
        let found: BTreeSet<String> = rows.iter().map(|row| text(&row[0])).collect();
        assert_eq!(found, expected, "10: {id}");
        let open = i64::from(text(&chat[5]) == "public");
        assert!(rows.iter().all(|row| int(&row[1]) == open), "10: {id}");
    }

    /// All rows of a chat, without the time of its last use and the number of times it was locked.
    async fn everything(&self, id: &str) -> Vec<String> {
        let mut all = Vec::new();
        for table in [
            "chat",
            "chat_member",
            "chat_tab",
            "chat_menu",
            "chat_announcement",
            "chat_term",
            "chat_pending",
            "message",
            "pin",
        ] {
            let sql = format!("SELECT * FROM {table} WHERE tenant = $1 AND chat_id = $2 ORDER BY 2, 3");
            all.extend(self.rows(&sql, Some(id)).await.iter().map(|row| format!("{table} {row:?}")));
        }
        all
    }
}

/// Calls one after another: a server, or the one in this process.
async fn answers(
    asked: Vec<(&'static str, String, Request)>,
    mut server: Option<Connection>,
) -> Vec<(&'static str, String, u16, serde_json::Value)> {
    let mut answered = Vec::new();
    for (kind, chat, request) in asked {
        let (status, json) = match &mut server {
            None => {
                let reply = request.send().await;
                (reply.status(), reply.json())
            }
            Some(connection) => connection(&request),
        };
        answered.push((kind, chat, status, json));
    }
    answered
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        other => panic!("no text: {other:?}"),
    }
}

fn int(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        other => panic!("no number: {other:?}"),
    }
}

/// Runs rounds of random operations on a new store, and checks each. The callers are spread over the servers; without
/// any, they call the one in this process.
pub async fn stays_sound(driver: Arc<dyn Driver>, servers: Vec<Box<dyn OtherServer>>) {
    let mut ground = Ground::lay(driver, servers).await;
    let mut random = Random::seeded("sound");
    let mut told = Told::default();
    ground.check(&told).await;
    for _ in 0..ROUNDS {
        ground.round(&mut random, &mut told).await;
        ground.check(&told).await;
    }
    let edits: i64 = told.edits.values().sum();
    println!(
        "{} done, {} refused, {edits} edits, {} dissolved",
        told.done,
        told.refused,
        ground.dissolved.len()
    );
    assert!(told.done > 150 && told.refused > 50 && edits > 2, "mostly of one kind");
    assert!(!ground.dissolved.is_empty(), "nothing was dissolved");
    let (sent, recalled) = told.said.counts();
    assert!(sent > 20 && recalled > 0, "{sent} messages, {recalled} recalled");
}
