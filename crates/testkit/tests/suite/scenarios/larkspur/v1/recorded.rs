//! What recorded calls say of their work: events, statements, windows, repeated uuids; and what is counted of them.

use larkspur_testkit::receiver::Receiver;
use larkspur_testkit::{Lab, LabOptions, Reply, World};
use serde_json::{Value, json};

use super::{declined, get};
use crate::scenarios::events::listening::Ear;
use crate::scenarios::{text, world};

async fn send(world: &World, uuid: &str) -> Reply {
    let body =
        json!({"receive_id": world.chat_id, "msg_type": "text", "content": r#"{"text":"hi"}"#, "uuid": uuid});
    world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await
}

async fn entry(world: &World, reply: &Reply) -> Value {
    get(world, &format!("/traffic/{}", reply.response.header("x-tt-logid").expect("a log id"))).await
}

#[tokio::test]
async fn a_call_names_its_events_and_an_event_its_call() {
    let world = world().await;
    let receiver = Receiver::start();
    let body = json!({"request_url": receiver.url()});
    world.control("PUT", &format!("/apps/{}/events", world.app_id)).body(body).send().await.data();
    // The URL is verified.
    assert_eq!(world.lab.delivery_worker().round().await, 1);
    let path = format!("/im/v1/chats/{}", world.chat_id);
    let renamed = world.call("PUT", &path).body(json!({"name": "renamed"})).send().await;
    renamed.data();
    let shown = entry(&world, &renamed).await;
    let caused = &shown["events"][0];
    assert_eq!(
        (&caused["event_type"], &caused["app_id"]),
        (&json!("im.chat.updated_v1"), &json!(world.app_id))
    );
    let events = get(&world, "/events").await;
    let event = events["events"]
        .as_array()
        .expect("events")
        .iter()
        .find(|event| event["event_id"] == caused["event_id"])
        .expect("the event");
    assert_eq!(event["cause"]["log_id"], shown["log_id"]);
    let execute = shown["steps"].as_array().expect("steps").last().expect("a step");
    assert_eq!(execute["step"], "execute");
    assert!(execute["statements"].as_u64() > Some(2), "{execute}");
}

#[tokio::test]
async fn a_repeated_uuid_is_recalled() {
    let world = world().await;
    let (first, second) = (send(&world, "u-1").await, send(&world, "u-1").await);
    assert_eq!(first.data()["message_id"], second.data()["message_id"]);
    assert_eq!(entry(&world, &first).await["uuid"], "new");
    assert_eq!(entry(&world, &second).await["uuid"], "recalled");
    let list = world.call("GET", "/im/v1/chats").send().await;
    assert_eq!(entry(&world, &list).await.get("uuid"), None);
    let create = async || {
        let call = world.call("POST", "/im/v1/chats").query("uuid", "c-1").body(json!({"name": "once"}));
        call.send().await
    };
    let (first, second) = (create().await, create().await);
    assert_eq!(entry(&world, &first).await["uuid"], "new");
    assert_eq!(entry(&world, &second).await["uuid"], "recalled");
}

#[tokio::test]
async fn a_summary_counts_by_what_is_asked_for() {
    let world = Lab::with(LabOptions::default()).await.world().await;
    for _ in 0..2 {
        world.call("GET", "/im/v1/chats").send().await.data();
    }
    world.call("GET", "/im/v1/chats/oc_1").send().await.refused(232006);
    let rows = async |by: &str| get(&world, &format!("/traffic/summary?by={by}")).await["rows"].clone();
    let of = |rows: &Value, key: &str, value: Value| {
        let found = rows.as_array().expect("rows").iter().find(|row| row[key] == value).cloned();
        found.unwrap_or_else(|| panic!("{key} {value}: {rows}"))
    };
    let codes = rows("code").await;
    assert_eq!(of(&codes, "code", json!(232006))["calls"], 1);
    assert!(of(&codes, "code", json!(0)).get("operation").is_none());
    let both = rows("operation,code").await;
    assert_eq!(of(&both, "operation", json!("im.v1.chat.list"))["calls"], 2);
    assert_eq!(of(&rows("outcome").await, "outcome", json!("refused"))["calls"], 1);
    assert!(of(&rows("app_id").await, "app_id", json!(world.app_id))["calls"].as_u64() >= Some(3));
    let reply = world.control("GET", "/traffic/summary?by=user").send().await;
    declined(&reply, 5275400, "by");
}

#[tokio::test]
async fn the_ledger_counts_events_and_what_is_tight() {
    let world = world().await;
    let receiver = Receiver::start();
    let body = json!({"request_url": receiver.url()});
    world.control("PUT", &format!("/apps/{}/events", world.app_id)).body(body).send().await.data();
    // The URL is verified.
    assert_eq!(world.lab.delivery_worker().round().await, 1);
    let path = format!("/im/v1/chats/{}", world.chat_id);
    let rename = async |name: &str| world.call("PUT", &path).body(json!({"name": name})).send().await;
    rename("one").await.data();
    let ledger = async |query: &str| get(&world, &format!("/apps/{}/ledger{query}", world.app_id)).await;
    let row = |ledger: &Value, event: &str| {
        let rows = ledger["scopes"].as_array().expect("rows").iter();
        rows.clone().find(|row| row["events"].as_array().expect("events").contains(&json!(event))).cloned()
    };
    let told = ledger("").await;
    let used = row(&told, "im.chat.updated_v1").expect("a scope of the event");
    assert_eq!(used["state"], "used", "{used}");
    // Without any scope for the event, but with one for the call.
    world.set_app(&world.app_id, json!({"scopes": ["im:chat:update"]})).await;
    let last = rename("two").await;
    last.data();
    let lacking = ledger("").await;
    let missing = row(&lacking, "im.chat.updated_v1").expect("a scope of the event");
    assert_eq!((&missing["state"], &missing["granted"]), (&json!("missing"), &json!(false)), "{missing}");
    assert!(lacking["tight"].as_array().expect("scopes").contains(&json!("im:chat:update")), "{lacking}");
    // Nothing happened since.
    let since = ledger(&format!("?since={}", last.response.header("x-tt-logid").expect("a log id"))).await;
    assert!(row(&since, "im.chat.updated_v1").is_none(), "{since}");
    let reply = world.control("GET", &format!("/apps/{}/ledger?since=x", world.app_id)).send().await;
    declined(&reply, 5275404, "since");
}

/// A bot that is spoken to in every way, and what it hears.
struct Bot {
    world: World,
    ear: Ear,
    p2p: String,
}

impl Bot {
    async fn new() -> Bot {
        let world = world().await;
        let (app_id, token) = world.app(json!({"name": "bot"})).await;
        let ear = Ear::of(&world, &app_id, &token).await;
        let member = format!("/chats/{}/members/{app_id}", world.chat_id);
        world.control("PUT", &member).body(json!({})).send().await.data();
        let body = json!({"as": world.users[1].user_id, "app_id": app_id});
        let p2p = text(&world.control("POST", "/p2p").body(body).send().await.data(), "chat_id");
        Bot { world, ear, p2p }
    }

    /// Whether each of these worked: a message of a user in the p2p chat, in the group, one that mentions the bot, and a call.
    async fn play(&self) -> [bool; 4] {
        let (world, app_id) = (&self.world, &self.ear.app_id);
        let mention = format!("<at user_id=\"{app_id}\"></at> three");
        for (chat, words) in [(&self.p2p, "one"), (&world.chat_id, "two"), (&world.chat_id, mention.as_str())]
        {
            let body = json!({"as": world.users[1].user_id, "text": words});
            world.control("POST", &format!("/chats/{chat}/messages")).body(body).send().await.data();
        }
        let path = format!("/im/v1/chats/{}", world.chat_id);
        let called = world.call("GET", &path).token(&self.ear.token).send().await.code() == 0;
        for _ in 0..100 {
            if world.lab.delivery_worker().round().await == 0 {
                break;
            }
        }
        let heard: Vec<String> = self
            .ear
            .heard()
            .iter()
            .filter(|event| event.0 == "im.message.receive_v1")
            .map(|event| text(&event.1["message"], "content"))
            .collect();
        let [one, two, three] =
            ["one", "two", "three"].map(|word| heard.iter().any(|content| content.contains(word)));
        [one, two, three, called]
    }

    async fn ledger(&self) -> Value {
        get(&self.world, &format!("/apps/{}/ledger", self.ear.app_id)).await
    }

    async fn grant(&self, scopes: &[&str]) {
        self.world.set_app(&self.ear.app_id, json!({"scopes": scopes})).await;
    }
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

/// With the smallest set alone an app hears and calls the same; without any scope of it, it does not.
#[tokio::test]
async fn the_smallest_set_lets_the_same_messages_through() {
    let bot = Bot::new().await;
    assert_eq!(bot.play().await, [true; 4]);
    let ledger = bot.ledger().await;
    let minimal = names(&ledger["minimal"]["tenant"]);
    let unused = names(&ledger["unused"]);
    for front in ["im:message.p2p_msg", "im:message.group_msg"] {
        let of = |list: &[&str]| list.iter().filter(|scope| scope.starts_with(front)).count();
        assert_eq!(of(&minimal), 1, "{front} in {minimal:?}");
        let rows = ledger["scopes"].as_array().expect("rows").iter();
        let used = rows.filter(|row| row["scope"].as_str().is_some_and(|scope| scope.starts_with(front)));
        let used: Vec<&Value> = used.filter(|row| row["state"] == "used").collect();
        assert_eq!(used.len(), 1, "{front} in {ledger}");
        assert_eq!(used[0]["events"], json!(["im.message.receive_v1"]));
        assert!(!unused.contains(&used[0]["scope"].as_str().expect("a scope")));
    }
    bot.grant(&minimal).await;
    assert_eq!(bot.play().await, [true; 4], "{minimal:?}");
    for left_out in &minimal {
        let others: Vec<&str> = minimal.iter().filter(|scope| *scope != left_out).copied().collect();
        bot.grant(&others).await;
        assert_ne!(bot.play().await, [true; 4], "without {left_out}");
    }
    let one_click = &ledger["manifest"]["one_click"];
    let events = names(&one_click["events"]["items"]["tenant"]);
    assert!(events.contains(&"im.message.receive_v1") && events.contains(&"p2p_chat_create"), "{one_click}");
    assert!(!events.contains(&"url_verification"), "{one_click}");
    assert_eq!(one_click["callbacks"]["items"], json!([]));
}

/// What an app does not hear for want of a scope is missing; what it chose not to hear is not.
#[tokio::test]
async fn messages_that_are_not_heard_are_missing() {
    let bot = Bot::new().await;
    bot.grant(&["im:chat:readonly"]).await;
    assert_eq!(bot.play().await, [false, false, false, true]);
    let ledger = bot.ledger().await;
    let minimal = names(&ledger["minimal"]["tenant"]);
    bot.grant(&minimal).await;
    assert_eq!(bot.play().await, [true; 4], "{minimal:?}");

    let bot = Bot::new().await;
    bot.grant(&["im:chat:readonly", "im:message.p2p_msg", "im:message.group_at_msg"]).await;
    assert_eq!(bot.play().await, [true, false, true, true]);
    let ledger = bot.ledger().await;
    let minimal = names(&ledger["minimal"]["tenant"]);
    assert!(!minimal.iter().any(|scope| scope.starts_with("im:message.group_msg")), "{minimal:?}");
    bot.grant(&minimal).await;
    assert_eq!(bot.play().await, [true, false, true, true], "{minimal:?}");
}
