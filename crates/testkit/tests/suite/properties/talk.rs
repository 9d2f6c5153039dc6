//! Random sequences of messages, replies, threads, forwards, cards that are replaced, edits and recalls: what is read is what a
//! small model expects, and what was read can be sent again.

use larkspur_testkit::{Lab, Random, Reply, Request, World};
use serde_json::{Value, json};

/// How many sequences, and the steps of each.
const SEQUENCES: usize = 3;
const STEPS: usize = 70;
/// After how many steps everything is read.
const LOOK: usize = 14;

/// Pieces of text that are stored as they are.
const WORDS: [&str; 12] = [
    "a",
    "群聊 ",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "e\u{301}\u{302}\u{323}",
    "\u{202e}abc\u{202c}",
    "שלום עולם",
    "مرحبا ",
    "\u{200f}\u{200d}\u{feff}",
    "\"\\/{}\u{7f}\t",
    "\n\r\n",
    "𝔘𝔫𝔦\u{10ffff}",
    "'%_$1;--",
];

/// A message as it must be read.
#[derive(Debug, Clone)]
struct Expected {
    id: String,
    chat: usize,
    kind: &'static str,
    /// The content as it was stored: of a card as it was sent, of a bundle its words.
    content: Value,
    mentions: usize,
    thread: Option<String>,
    only_in_thread: bool,
    root: Option<String>,
    parent: Option<String>,
    edited: bool,
    recalled: bool,
    /// Of a bundle: kind, content and number of mentions of each part, those of bundles in it included.
    parts: Vec<(&'static str, Value, usize)>,
}

struct Talk {
    world: World,
    chats: [String; 2],
    messages: Vec<Expected>,
    random: Random,
}

fn text(data: &Value, name: &str) -> String {
    data[name].as_str().unwrap_or_else(|| panic!("{name} in {data}")).to_owned()
}

/// The content of a message that is read, as JSON where it is JSON.
fn content(shown: &Value) -> Value {
    let content = text(&shown["body"], "content");
    serde_json::from_str(&content).unwrap_or(Value::String(content))
}

impl Talk {
    async fn start(seed: u64) -> Talk {
        let world = Lab::start().await.world().await;
        let other = world.chat(json!({"members": [world.app_id, world.users[0].user_id]})).await;
        let chats = [world.chat_id.clone(), other];
        Talk { world, chats, messages: Vec::new(), random: Random::from(seed) }
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound.try_into().expect("a number"))).expect("a number")
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    fn words(&mut self) -> String {
        let count = 1 + self.below(5);
        // The first one is no white space.
        let words = (0..count).map(|_| WORDS[self.below(WORDS.len())]);
        std::iter::once("x").chain(words.collect::<Vec<_>>()).collect()
    }

    /// Kind, content as it is sent, content as it is read, and mentions.
    fn draft(&mut self) -> (&'static str, Value, Value, usize) {
        let (words, user) = (self.words(), self.world.users[0].open_id.clone());
        let tag = |id: &str| format!("<at user_id=\"{id}\">name</at>");
        match self.below(5) {
            0 => ("text", json!({"text": words}), json!({"text": words}), 0),
            1 => {
                let sent = format!("{words}{} {}{}", tag(&user), tag("all"), tag(&user));
                let read = format!("{words}@_user_1 @_all@_user_1");
                ("text", json!({"text": sent}), json!({"text": read}), 1)
            }
            2 => {
                let node = |id: &str| json!({"tag": "at", "user_id": id, "user_name": "", "style": []});
                let plain = json!({"tag": "text", "text": words, "style": []});
                let post = |id: &str| json!({"title": words, "content": [[plain, node(id)], []]});
                ("post", json!({"zh_cn": post(&user)}), post("@_user_1"), 1)
            }
            kind => {
                let card = self.card(kind == 3);
                ("interactive", card.clone(), card, 0)
            }
        }
    }

    fn card(&mut self, new: bool) -> Value {
        let elements = json!([{"tag": "markdown", "content": self.words()}]);
        if new {
            return json!({"schema": "2.0", "body": {"elements": elements}});
        }
        json!({"config": {"update_multi": true}, "elements": elements})
    }

    fn any(&mut self) -> Option<usize> {
        let count = self.messages.len();
        // Mostly a recent one.
        let from = if self.chance(60) { count.saturating_sub(8) } else { 0 };
        (count > 0).then(|| from + self.below(count - from))
    }

    fn post(&self, path: &str, body: Value) -> Request {
        self.world.call("POST", &format!("/im/v1/messages{path}")).body(body)
    }

    fn at(&self, method: &str, of: usize, path: &str) -> Request {
        self.world.call(method, &format!("/im/v1/messages/{}{path}", self.messages[of].id))
    }

    /// Records a message that was sent.
    fn sent(&mut self, shown: &Value, new: Expected) {
        self.messages.push(Expected { id: text(shown, "message_id"), ..new });
    }

    fn expected(chat: usize, kind: &'static str, content: Value, mentions: usize) -> Expected {
        Expected {
            id: String::new(),
            chat,
            kind,
            content,
            mentions,
            thread: None,
            only_in_thread: false,
            root: None,
            parent: None,
            edited: false,
            recalled: false,
            parts: Vec::new(),
        }
    }

    async fn send(&mut self) {
        let (chat, (kind, sent, read, mentions)) = (self.below(2), self.draft());
        let body = json!({"receive_id": self.chats[chat], "msg_type": kind, "content": sent.to_string()});
        let shown = self.post("?receive_id_type=chat_id", body).send().await.data();
        self.sent(&shown, Talk::expected(chat, kind, read, mentions));
    }

    async fn reply(&mut self, of: usize) {
        let (kind, sent, read, mentions) = self.draft();
        let in_thread = self.chance(40);
        let body = json!({"msg_type": kind, "content": sent.to_string(), "reply_in_thread": in_thread});
        let to = self.messages[of].clone();
        let reply = self.at("POST", of, "/reply").body(body).send().await;
        if to.recalled || in_thread && to.kind == "merge_forward" {
            refused(&reply, if to.recalled { 230011 } else { 230072 });
            return;
        }
        let shown = reply.data();
        let mut new = Talk::expected(to.chat, kind, read, mentions);
        if to.thread.is_none() && !in_thread {
            (new.root, new.parent) = (Some(to.root.unwrap_or_else(|| to.id.clone())), Some(to.id));
        } else {
            let thread = text(&shown, "thread_id");
            assert!(to.thread.as_ref().is_none_or(|known| *known == thread), "{shown}");
            self.messages[of].thread = Some(thread.clone());
            let root = if to.only_in_thread { to.root } else { Some(to.id) };
            (new.thread, new.only_in_thread) = (Some(thread), true);
            (new.root, new.parent) = (root.clone(), root);
        }
        self.sent(&shown, new);
    }

    async fn forward(&mut self, of: usize) {
        let (chat, from) = (self.below(2), self.messages[of].clone());
        let to = json!({"receive_id": self.chats[chat]});
        let reply = self.at("POST", of, "/forward?receive_id_type=chat_id").body(to).send().await;
        if from.recalled {
            return refused(&reply, 230065);
        }
        let mut new = Talk::expected(chat, from.kind, from.content, from.mentions);
        new.parts = from.parts;
        self.sent(&reply.data(), new);
    }

    async fn merge(&mut self, of: usize) {
        let (chat, source) = (self.below(2), self.messages[of].chat);
        let wanted: Vec<usize> = (0..self.messages.len())
            .filter(|at| self.messages[*at].chat == source && !self.messages[*at].only_in_thread)
            .collect();
        let mut chosen: Vec<usize> = wanted.into_iter().filter(|_| self.chance(20)).take(6).collect();
        // The order of the request does not matter.
        if self.chance(50) {
            chosen.reverse();
        }
        if chosen.is_empty() {
            return;
        }
        let ids: Vec<&str> = chosen.iter().map(|at| self.messages[*at].id.as_str()).collect();
        let body = json!({"receive_id": self.chats[chat], "message_id_list": ids});
        let reply = self.post("/merge_forward?receive_id_type=chat_id", body).send().await;
        let left: Vec<String> = chosen
            .iter()
            .filter(|at| self.messages[**at].recalled)
            .map(|at| self.messages[*at].id.clone())
            .collect();
        chosen.retain(|at| !self.messages[*at].recalled);
        if chosen.is_empty() {
            return refused(&reply, 230065);
        }
        let data = reply.data();
        assert_eq!(data["invalid_message_id_list"], json!(left));
        chosen.sort_unstable();
        let mut new = Talk::expected(chat, "merge_forward", json!("Merged and Forwarded Message"), 0);
        for at in chosen {
            let from = &self.messages[at];
            new.parts.push((from.kind, from.content.clone(), from.mentions));
            new.parts.extend(from.parts.iter().cloned());
        }
        self.sent(&data["message"], new);
    }

    async fn patch(&mut self, of: usize) {
        let (of_card, recalled) = (self.messages[of].kind == "interactive", self.messages[of].recalled);
        let new = self.messages[of].content.get("schema").is_some();
        let card = self.card(new);
        let delayed = of_card && self.chance(50);
        let reply = if delayed {
            // The token of a click that was acknowledged.
            let token = self.world.card_token(&self.messages[of].id).await;
            let call = self.world.call("POST", "/interactive/v1/card/update");
            call.body(json!({"token": token, "card": card})).send().await
        } else {
            self.at("PATCH", of, "").body(json!({"content": card.to_string()})).send().await
        };
        if recalled || !of_card {
            let code = if delayed {
                200000
            } else if recalled {
                230011
            } else {
                230001
            };
            return refused(&reply, code);
        }
        assert_eq!(reply.code(), 0, "{}", reply.text());
        self.messages[of].content = card;
    }

    async fn edit(&mut self, of: usize) {
        let words = self.words();
        let body = json!({"msg_type": "text", "content": json!({"text": words}).to_string()});
        let reply = self.at("PUT", of, "").body(body).send().await;
        let message = &mut self.messages[of];
        if message.recalled {
            return refused(&reply, 230011);
        }
        if !matches!(message.kind, "text" | "post") {
            return refused(&reply, 230054);
        }
        assert_eq!(reply.data()["updated"], json!(true));
        (message.kind, message.content) = ("text", json!({"text": words}));
        (message.mentions, message.edited) = (0, true);
    }

    async fn recall(&mut self, of: usize) {
        let reply = self.at("DELETE", of, "").send().await;
        if self.messages[of].recalled {
            return refused(&reply, 230110);
        }
        reply.data();
        self.messages[of].recalled = true;
    }

    async fn step(&mut self) {
        let Some(of) = self.any().filter(|_| !self.chance(25)) else { return self.send().await };
        match self.below(20) {
            0..6 => self.reply(of).await,
            6..9 => self.forward(of).await,
            9..12 => self.merge(of).await,
            12..16 => self.patch(of).await,
            16..18 => self.edit(of).await,
            _ => self.recall(of).await,
        }
    }

    /// All messages of a container, page by page.
    async fn listed(&self, kind: &str, id: &str) -> Vec<Value> {
        let path = format!(
            "/im/v1/messages?container_id_type={kind}&container_id={id}&page_size=50&card_msg_content_type=user_card_content"
        );
        let (mut items, mut token) = (Vec::new(), String::new());
        loop {
            let data = self.world.call("GET", &format!("{path}&page_token={token}")).send().await.data();
            items.extend(data["items"].as_array().expect("items").clone());
            if data["has_more"] == json!(false) {
                return items;
            }
            token = text(&data, "page_token");
        }
    }

    /// Compares everything with what is expected.
    async fn look(&self) {
        for (chat, id) in self.chats.iter().enumerate() {
            let expected: Vec<&Expected> =
                self.messages.iter().filter(|one| one.chat == chat && !one.only_in_thread).collect();
            same(&self.listed("chat", id).await, &expected);
        }
        let threads: std::collections::BTreeSet<&String> =
            self.messages.iter().filter_map(|one| one.thread.as_ref()).collect();
        for thread in threads {
            let expected: Vec<&Expected> =
                self.messages.iter().filter(|one| one.thread.as_ref() == Some(thread)).collect();
            same(&self.listed("thread", thread).await, &expected);
        }
        for bundle in self.messages.iter().filter(|one| !one.parts.is_empty()) {
            let path = format!("/im/v1/messages/{}?card_msg_content_type=user_card_content", bundle.id);
            let items = self.world.call("GET", &path).send().await.data()["items"].clone();
            let items = items.as_array().expect("items");
            let read = |item: &Value| {
                let mentions = item["mentions"].as_array().map_or(0, Vec::len);
                (text(item, "msg_type"), content(item), mentions)
            };
            let parts: Vec<_> = items[1..].iter().map(read).collect();
            let expected = bundle
                .parts
                .iter()
                .map(|(kind, content, mentions)| ((*kind).to_owned(), content.clone(), *mentions));
            let expected: Vec<_> = if bundle.recalled { Vec::new() } else { expected.collect() };
            assert_eq!(parts, expected, "the parts of {}", bundle.id);
            assert!(items[1..].iter().all(|item| item["upper_message_id"].is_string()), "{items:?}");
        }
    }

    /// Sends again what is read of every message, and reads the same.
    async fn send_again(&self) {
        for message in self.messages.iter().filter(|one| !one.recalled && one.parts.is_empty()) {
            let path = format!("/im/v1/messages/{}?card_msg_content_type=user_card_content", message.id);
            let read = self.world.call("GET", &path).send().await.data()["items"][0].clone();
            let mut content = text(&read["body"], "content");
            for mention in read["mentions"].as_array().into_iter().flatten() {
                let (key, id) = (text(mention, "key"), text(mention, "id"));
                let tag = json!(format!("<at user_id=\"{id}\"></at>")).to_string();
                let in_text = message.kind == "text";
                content = content.replace(&key, if in_text { &tag[1..tag.len() - 1] } else { &id });
            }
            let all = r#"<at user_id=\"all\"></at>"#;
            let content = content.replace("@_all", all);
            let body = json!({"receive_id": self.chats[0], "msg_type": message.kind, "content": content});
            let again = self.post("?receive_id_type=chat_id", body).send().await.data();
            let path = path.replace(&message.id, &text(&again, "message_id"));
            let again = self.world.call("GET", &path).send().await.data()["items"][0].clone();
            assert_eq!((&again["body"], &again["mentions"]), (&read["body"], &read["mentions"]));
        }
    }
}

#[track_caller]
fn refused(reply: &Reply, code: i64) {
    assert_eq!(reply.code(), code, "{}", reply.text());
}

#[track_caller]
fn same(items: &[Value], expected: &[&Expected]) {
    let ids = |item: &Value| text(item, "message_id");
    let found: Vec<String> = items.iter().map(ids).collect();
    let wanted: Vec<String> = expected.iter().map(|one| one.id.clone()).collect();
    assert_eq!(found, wanted, "the messages and their order");
    for (item, one) in items.iter().zip(expected) {
        let content_now = if one.recalled { json!("This message was recalled") } else { one.content.clone() };
        let mentions = if one.recalled { 0 } else { one.mentions };
        assert_eq!((text(item, "msg_type").as_str(), content(item)), (one.kind, content_now), "{item}");
        assert_eq!(item["mentions"].as_array().map_or(0, Vec::len), mentions, "{item}");
        for (name, value) in [
            ("deleted", json!(one.recalled)),
            ("updated", json!(one.edited)),
            ("root_id", json!(one.root)),
            ("parent_id", json!(one.parent)),
            ("thread_id", json!(one.thread)),
        ] {
            assert_eq!(item.get(name).unwrap_or(&Value::Null), &value, "{name} of {item}");
        }
    }
}

#[tokio::test]
async fn what_was_said_is_read() {
    let mut seeds = Random::seeded("what_was_said_is_read");
    for _ in 0..SEQUENCES {
        let mut talk = Talk::start(seeds.number()).await;
        for step in 0..STEPS {
            talk.step().await;
            if step % LOOK == LOOK - 1 {
                talk.look().await;
            }
        }
        talk.send_again().await;
    }
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Content of a size in bytes: as JSON with nothing but a text that grows.
fn of_size(size: usize, around: impl Fn(&str) -> Value) -> String {
    let fill = size - around("").to_string().len();
    // Letters of three bytes, as far as they fit.
    around(&("字".repeat(fill / 3) + &"x".repeat(fill % 3))).to_string()
}

#[tokio::test]
async fn the_longest_content_is_read_whole_and_one_byte_more_is_refused() {
    let talk = Talk::start(0).await;
    let post = |text: &str| json!({"title": "", "content": [[{"tag": "text", "text": text, "style": []}]]});
    let card =
        |text: &str| json!({"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": text}]}});
    let plain = |text: &str| json!({"text": text});
    let (long, rich) = (150 * 1024, 30 * 1024);
    for (kind, most, content) in [
        ("text", long, [of_size(long, plain), of_size(long + 1, plain)]),
        ("post", rich, [of_size(rich, post), of_size(rich + 1, post)]),
        ("interactive", rich, [of_size(rich, card), of_size(rich + 1, card)]),
    ] {
        assert_eq!((content[0].len(), content[1].len()), (most, most + 1));
        let send = |content: &str| {
            let body = json!({"receive_id": talk.chats[0], "msg_type": kind, "content": content});
            talk.post("?receive_id_type=chat_id", body)
        };
        refused(&send(&content[1]).send().await, 230025);
        let sent = send(&content[0]).send().await.data();
        let path =
            format!("/im/v1/messages/{}?card_msg_content_type=user_card_content", text(&sent, "message_id"));
        let read = talk.world.call("GET", &path).send().await.data()["items"][0].clone();
        let stored = text(&read["body"], "content");
        assert_eq!((stored.len(), json_of(&stored)), (most, json_of(&content[0])), "{kind}");
        // A copy of it, and what was read, fit as well.
        let path = format!("/{}/forward?receive_id_type=chat_id", text(&sent, "message_id"));
        talk.post(&path, json!({"receive_id": talk.chats[1]})).send().await.data();
        send(&text(&read["body"], "content")).send().await.data();
        if kind == "interactive" {
            let path = format!("/im/v1/messages/{}", text(&sent, "message_id"));
            let patch = |content: &str| talk.world.call("PATCH", &path).body(json!({"content": content}));
            refused(&patch(&content[1]).send().await, 230025);
            assert_eq!(patch(&content[0]).send().await.code(), 0);
        }
    }
}
