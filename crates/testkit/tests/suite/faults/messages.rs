//! Faults at every statement of what is done with messages, cards, custom bots, and messages to many people.

use std::sync::Arc;

use larkspur_testkit::receiver::{Manner, Receiver};
use larkspur_testkit::{Fault, Faulty, Request, World, reading};
use serde_json::{Value, json};

use super::{is_stray, lab, outcome, shape_of};

struct Bench {
    world: World,
    driver: Arc<Faulty>,
    /// Where the world's app receives callbacks; it answers each with a card.
    receiver: Receiver,
    /// The path of the URL of a custom bot of the world's chat.
    hook: String,
}

async fn bench() -> Bench {
    let (lab, driver) = lab().await;
    let (world, receiver) = (lab.world().await, Receiver::start());
    let card = json!({"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "Approved"}]}});
    let answer =
        json!({"toast": {"type": "success", "content": "Done"}, "card": {"type": "raw", "data": card}});
    receiver.answer(Manner::With("200 OK", answer.to_string()));
    let callbacks = json!({"mode": "webhook", "request_url": receiver.url()});
    let body = json!({"request_url": "http://127.0.0.1/events", "callbacks": callbacks});
    world.control("PUT", &format!("/apps/{}/events", world.app_id)).body(body).send().await.data();
    let bench = Bench { hook: String::new(), world, driver, receiver };
    // Makes the p2p chats, once.
    bench.batch().send().await.data();
    Bench { hook: bench.custom_bot().await, ..bench }
}

/// What is under test.
const WRITES: [&str; 41] = [
    "click on a card",
    "patch a card",
    "replace a card by a token",
    "replace the cards of two readers by a token",
    "show an entity",
    "make an entity of a message",
    "create an entity",
    "replace an entity",
    "settings of an entity",
    "batch of an entity",
    "add an element",
    "replace an element",
    "patch an element",
    "delete an element",
    "stream into an element",
    "ephemeral card",
    "delete an ephemeral card",
    "post to a custom bot",
    "post to a custom bot, version 1",
    "remove a custom bot",
    "forward a bundle",
    "merge a bundle",
    "forward a thread",
    "reply in a thread",
    "send to many",
    "recall from many",
    "urgent in the app",
    "urgent by SMS",
    "urgent by phone",
    "follow up",
    "say at a client",
    "edit at a client",
    "recall at a client",
    "react at a client",
    "remove a reaction at a client",
    "pin at a client",
    "unpin at a client",
    "read at a client",
    "open a p2p chat",
    "delete a file",
    "delete an image",
];

/// The tables that these write.
const TABLES: [&str; 20] = [
    "batch_message",
    "batch_part",
    "card",
    "card_token",
    "chat",
    "chat_hook",
    "chat_member",
    "chat_top_notice",
    "ephemeral_card",
    "event_delivery",
    "follow_up",
    "image",
    "message",
    "message_reaction",
    "message_read",
    "message_uuid",
    "own_card",
    "pin",
    "stored_file",
    "urgent",
];

fn text(data: &Value, name: &str) -> String {
    data[name].as_str().unwrap_or_else(|| panic!("{name} in {data}")).to_owned()
}

fn card() -> Value {
    json!({"schema": "2.0", "config": {"streaming_mode": true}, "body": {"elements": [
        {"tag": "markdown", "element_id": "a", "content": "one"},
        {"tag": "button", "element_id": "b", "text": {"tag": "plain_text", "content": "Yes"},
            "behaviors": [{"type": "callback", "value": {"op": "yes"}}]},
    ]}})
}

impl Bench {
    async fn custom_bot(&self) -> String {
        let path = format!("/chats/{}/hooks", self.world.chat_id);
        let made = self.world.control("POST", &path).body(json!({"name": "Alerts"})).send().await.data();
        let url = text(&made, "url");
        url.strip_prefix("http://localhost").unwrap_or_else(|| panic!("{url}")).to_owned()
    }

    fn send(&self, msg_type: &str, content: &Value) -> Request {
        let world = &self.world;
        let body = json!({"receive_id": world.chat_id, "msg_type": msg_type, "content": content.to_string()});
        world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body)
    }

    async fn sent(&self, msg_type: &str, content: &Value) -> String {
        text(&self.send(msg_type, content).send().await.data(), "message_id")
    }

    /// The path of a new text message of the app.
    async fn message(&self) -> String {
        format!("/im/v1/messages/{}", self.sent("text", &json!({"text": "x"})).await)
    }

    /// The path of a message that user 1 said.
    async fn said(&self) -> String {
        let said = self.say().send().await.data();
        format!("/messages/{}", text(&said, "message_id"))
    }

    fn say(&self) -> Request {
        let world = &self.world;
        let body = json!({"as": world.users[1].user_id, "text": "hello"});
        world.control("POST", &format!("/chats/{}/messages", world.chat_id)).body(body)
    }

    /// A call on a message of user 1, who makes it at a client.
    fn at_client(&self, method: &str, path: &str, mut body: Value) -> Request {
        let user_id = &self.world.users[1].user_id;
        if method == "DELETE" {
            return self.world.control(method, path).query("as", user_id);
        }
        body["as"] = json!(user_id);
        self.world.control(method, path).body(body)
    }

    /// A new card entity.
    async fn entity(&self) -> String {
        text(&self.creating().send().await.data(), "card_id")
    }

    fn creating(&self) -> Request {
        let body = json!({"type": "card_json", "data": card().to_string()});
        self.world.call("POST", "/cardkit/v1/cards").body(body)
    }

    /// A change of a new entity.
    async fn on_entity(&self, method: &str, path: &str, mut body: Value) -> Request {
        body["sequence"] = json!(1);
        let path = format!("/cardkit/v1/cards/{}{path}", self.entity().await);
        self.world.call(method, &path).body(body)
    }

    /// A message to two people.
    fn batch(&self) -> Request {
        let ids = [0, 1].map(|user: usize| self.world.users[user].user_id.as_str());
        let body = json!({"msg_type": "text", "content": {"text": "hello"}, "user_ids": ids});
        self.world.call("POST", "/message/v4/batch_send").body(body)
    }

    fn bundle(&self, ids: &[&str]) -> Request {
        let path = "/im/v1/messages/merge_forward?receive_id_type=chat_id";
        self.world.call("POST", path).body(json!({"receive_id": self.world.chat_id, "message_id_list": ids}))
    }

    fn ephemeral(&self) -> Request {
        let world = &self.world;
        let body = json!({"chat_id": world.chat_id, "user_id": world.users[1].user_id, "msg_type": "interactive",
            "card": {"elements": [{"tag": "markdown", "content": "x"}]}});
        world.call("POST", "/ephemeral/v1/send").body(body)
    }

    /// A write of cards, with a new card; `None` for other names.
    async fn card_write(&self, name: &str) -> Option<Request> {
        let world = &self.world;
        let new =
            json!({"config": {"update_multi": true}, "elements": [{"tag": "markdown", "content": "two"}]});
        let hr = json!({"tag": "hr", "element_id": "c"});
        Some(match name {
            "click on a card" => {
                let path = format!("/messages/{}/clicks", self.sent("interactive", &card()).await);
                self.at_client("POST", &path, json!({"element": "b"}))
            }
            "patch a card" => {
                let path = format!("/im/v1/messages/{}", self.sent("interactive", &new).await);
                let other = json!({"elements": [{"tag": "hr"}]});
                world.call("PATCH", &path).body(json!({"content": other.to_string()}))
            }
            "replace a card by a token" => {
                let token = world.card_token(&self.sent("interactive", &new).await).await;
                world.call("POST", "/interactive/v1/card/update").body(json!({"token": token, "card": new}))
            }
            "replace the cards of two readers by a token" => {
                let lone = json!({"elements": [{"tag": "hr"}]});
                let token = world.card_token(&self.sent("interactive", &lone).await).await;
                let ids = [0, 1].map(|user: usize| world.users[user].open_id.as_str());
                let card = json!({"elements": [], "open_ids": ids});
                world.call("POST", "/interactive/v1/card/update").body(json!({"token": token, "card": card}))
            }
            "show an entity" => {
                self.send("interactive", &json!({"type": "card", "data": {"card_id": self.entity().await}}))
            }
            "make an entity of a message" => {
                let message_id = self.sent("interactive", &card()).await;
                world.call("POST", "/cardkit/v1/cards/id_convert").body(json!({"message_id": message_id}))
            }
            "create an entity" => self.creating(),
            "replace an entity" => {
                let new = json!({"type": "card_json", "data": card().to_string()});
                self.on_entity("PUT", "", json!({"card": new})).await
            }
            "settings of an entity" => {
                let settings = json!({"config": {"streaming_mode": false}}).to_string();
                self.on_entity("PATCH", "/settings", json!({"settings": settings})).await
            }
            "batch of an entity" => {
                let act = json!([{"action": "delete_elements", "params": {"element_ids": ["a"]}}]);
                self.on_entity("POST", "/batch_update", json!({"actions": act.to_string()})).await
            }
            "add an element" => {
                let body = json!({"type": "append", "elements": json!([hr]).to_string()});
                self.on_entity("POST", "/elements", body).await
            }
            "replace an element" => {
                self.on_entity("PUT", "/elements/a", json!({"element": hr.to_string()})).await
            }
            "patch an element" => {
                let body = json!({"partial_element": json!({"content": "two"}).to_string()});
                self.on_entity("PATCH", "/elements/a", body).await
            }
            "delete an element" => self.on_entity("DELETE", "/elements/a", json!({})).await,
            "stream into an element" => {
                self.on_entity("PUT", "/elements/a/content", json!({"content": "two"})).await
            }
            "ephemeral card" => self.ephemeral(),
            "delete an ephemeral card" => {
                let sent = self.ephemeral().send().await.data();
                world.call("POST", "/ephemeral/v1/delete").body(json!({"message_id": sent["message_id"]}))
            }
            _ => return None,
        })
    }

    /// A write of what is sent to many or forwarded; `None` for other names.
    async fn send_write(&self, name: &str) -> Option<Request> {
        let world = &self.world;
        let hello = json!({"msg_type": "text", "content": {"text": "hello"}});
        let to_chat = json!({"receive_id": world.chat_id});
        let urgent = async |kind: &str| {
            let path = format!("{}/urgent_{kind}?user_id_type=open_id", self.message().await);
            let ids = [0, 1].map(|user: usize| world.users[user].open_id.as_str());
            world.call("PATCH", &path).body(json!({"user_id_list": ids}))
        };
        let reply = |path: &str| {
            let (content, uuid) = (json!({"text": "re"}).to_string(), path.rsplit('/').next());
            let body = json!({"msg_type": "text", "content": content, "reply_in_thread": true, "uuid": uuid});
            world.call("POST", &format!("{path}/reply")).body(body)
        };
        Some(match name {
            "post to a custom bot" => world.lab.request("POST", &self.hook).body(hello),
            "post to a custom bot, version 1" => {
                let path = self.hook.replace("/v2/", "/");
                world.lab.request("POST", &path).body(json!({"title": "t", "text": "hello"}))
            }
            "remove a custom bot" => {
                let path = format!("/chats/{}/hooks", world.chat_id);
                let made = world.control("POST", &path).body(json!({"name": "x"})).send().await.data();
                world.control("DELETE", &format!("{path}/{}", text(&made, "hook_id")))
            }
            "forward a bundle" => {
                let ids =
                    [self.sent("text", &json!({"text": "x"})).await, self.sent("interactive", &card()).await];
                let made = self.bundle(&[&ids[0], &ids[1]]).send().await.data();
                let id = text(&made["message"], "message_id");
                let path = format!("/im/v1/messages/{id}/forward?receive_id_type=chat_id&uuid={id}");
                world.call("POST", &path).body(to_chat)
            }
            "merge a bundle" => {
                let ids =
                    [self.sent("text", &json!({"text": "x"})).await, self.sent("interactive", &card()).await];
                let made = self.bundle(&[&ids[0], &ids[1]]).send().await.data();
                self.bundle(&[&ids[0], &text(&made["message"], "message_id")])
            }
            "forward a thread" => {
                let made = reply(&self.message().await).send().await.data();
                let path =
                    format!("/im/v1/threads/{}/forward?receive_id_type=chat_id", text(&made, "thread_id"));
                world.call("POST", &path).body(to_chat)
            }
            "reply in a thread" => reply(&self.message().await),
            "send to many" => self.batch(),
            "recall from many" => {
                let made = self.batch().send().await.data();
                world.call("DELETE", &format!("/im/v1/batch_messages/{}", text(&made, "message_id")))
            }
            "urgent in the app" => urgent("app").await,
            "urgent by SMS" => urgent("sms").await,
            "urgent by phone" => urgent("phone").await,
            "follow up" => {
                let body = json!({"receive_id": world.users[0].open_id, "msg_type": "text", "content": r#"{"text":"x"}"#});
                let sent = world
                    .call("POST", "/im/v1/messages?receive_id_type=open_id")
                    .body(body)
                    .send()
                    .await
                    .data();
                let path = format!("/im/v1/messages/{}/push_follow_up", text(&sent, "message_id"));
                world.call("POST", &path).body(json!({"follow_ups": [{"content": "Yes"}, {"content": "No"}]}))
            }
            _ => return None,
        })
    }

    /// A write of a user at a client, or of an operator.
    async fn client_write(&self, name: &str) -> Request {
        let world = &self.world;
        let none = || json!({});
        match name {
            "say at a client" => self.say(),
            "edit at a client" => self.at_client("PATCH", &self.said().await, json!({"text": "hello again"})),
            "recall at a client" => self.at_client("DELETE", &self.said().await, none()),
            "react at a client" => {
                let path = format!("{}/reactions", self.said().await);
                self.at_client("POST", &path, json!({"emoji_type": "SMILE"}))
            }
            "remove a reaction at a client" => {
                let path = format!("{}/reactions", self.said().await);
                let made = self.at_client("POST", &path, json!({"emoji_type": "SMILE"})).send().await.data();
                self.at_client("DELETE", &format!("{path}/{}", text(&made, "reaction_id")), none())
            }
            "pin at a client" => self.at_client("PUT", &format!("{}/pin", self.said().await), none()),
            "unpin at a client" => {
                let path = format!("{}/pin", self.said().await);
                self.at_client("PUT", &path, none()).send().await.data();
                self.at_client("DELETE", &path, none())
            }
            "read at a client" => {
                let path = self.message().await.replace("/im/v1", "");
                self.at_client("PUT", &format!("{path}/read"), none())
            }
            "open a p2p chat" => {
                let (app_id, _) = world.app(json!({})).await;
                self.at_client("POST", "/p2p", json!({"app_id": app_id}))
            }
            "delete a file" => {
                let key = world.file("stream", "a.bin", b"bytes").await;
                world.control("DELETE", &format!("/files/{key}"))
            }
            "delete an image" => {
                let upload = world.call("POST", "/im/v1/images");
                let file = larkspur_testkit::png(1, 1);
                let made =
                    upload.multipart(&[("image_type", "message")], ("image", &file)).send().await.data();
                world.control("DELETE", &format!("/images/{}", text(&made, "image_key")))
            }
            name => panic!("no write {name}"),
        }
    }

    /// A write; each is of something new.
    async fn write(&self, name: &str) -> Request {
        if let Some(request) = self.card_write(name).await {
            return request;
        }
        match self.send_write(name).await {
            Some(request) => request,
            None => self.client_write(name).await,
        }
    }

    /// The rows of the tables that these write, by table.
    async fn rows(&self) -> Vec<Vec<String>> {
        let (driver, tenant) = (&self.world.lab.app.engine().driver, self.world.tenant_key.as_str());
        let mut tables = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            // The token of a click whose callback is not acknowledged is nothing yet.
            let usable = if table == "card_token" { " AND uses >= 0" } else { "" };
            let sql = format!("SELECT * FROM {table} WHERE tenant = $1{usable}");
            let rows = reading::rows(driver, sql, vec![tenant.into()]).await;
            let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
            rows.sort();
            tables.push(rows);
        }
        tables
    }
}

/// How many rows each table has gained.
fn gained(before: &[Vec<String>], after: &[Vec<String>]) -> Vec<isize> {
    before
        .iter()
        .zip(after)
        .map(|(before, after)| after.len().cast_signed() - before.len().cast_signed())
        .collect()
}

#[tokio::test]
async fn a_store_that_breaks_leaves_no_message_half_done() {
    let bench = bench().await;
    let mut wrong = Vec::new();
    for name in WRITES {
        let (mut request, mut before) = (bench.write(name).await, bench.rows().await);
        let (mut nth, mut strays) = (0, 0);
        loop {
            bench.driver.arm(nth, Fault::Break);
            let reply = request.clone().send().await;
            let happened = bench.driver.disarm();
            // A callback is made as usual if the fault rules of its world cannot be read.
            let rules =
                bench.driver.met().ends_with("clock_offset_ms, policy, faults FROM tenant WHERE tenant = $1");
            if happened && reply.code() == 0 && (rules || is_stray(&bench.driver, &mut strays)) {
                (request, before) = (bench.write(name).await, bench.rows().await);
                // With the end of its unit.
                nth += if rules { 2 } else { 0 };
                continue;
            }
            if !happened {
                // At least a statement and the end.
                if reply.code() != 0 || nth < 2 || bench.rows().await == before {
                    wrong.push(format!("{name} without a fault, after {nth}: {}", reply.text()));
                }
                break;
            }
            let said = (reply.status(), reply.code(), outcome(&reply));
            if said != (503, 5000, Some("none".to_owned())) || bench.rows().await != before {
                let met = bench.driver.met();
                wrong.push(format!("{name}, statement {nth} ({met}): {said:?} {}", reply.text()));
                break;
            }
            (nth, strays) = (nth + 1, 0);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(bench.receiver.seen().len() > 1, "an app may be called more than once for a click that failed");
}

#[tokio::test]
async fn a_collision_of_messages_is_run_again_and_happens_once() {
    let bench = bench().await;
    let mut wrong = Vec::new();
    for name in WRITES {
        let (request, before) = (bench.write(name).await, bench.rows().await);
        let reply = request.send().await;
        let (shape, gain) = (shape_of(&reply.json()), gained(&before, &bench.rows().await));
        if reply.code() != 0 {
            wrong.push(format!("{name} without a fault: {}", reply.text()));
            continue;
        }
        for nth in 0.. {
            let (request, before) = (bench.write(name).await, bench.rows().await);
            let called = bench.receiver.seen().len();
            bench.driver.arm(nth, Fault::Collide);
            let reply = request.send().await;
            let happened = bench.driver.disarm();
            let same = shape_of(&reply.json()) == shape && gained(&before, &bench.rows().await) == gain;
            let called = bench.receiver.seen().len() - called;
            if !same || called != usize::from(name == "click on a card") {
                wrong.push(format!("{name}, statement {nth}, {called} calls of the app: {}", reply.text()));
                break;
            }
            if !happened {
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
