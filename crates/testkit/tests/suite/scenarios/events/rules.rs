//! Fault rules for events, callbacks and long connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use larkspur_server::delivery::DeliveryWorker;
use larkspur_testkit::receiver::{Receiver, signature};
use larkspur_testkit::{Lab, LabOptions, ManualClock, World};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::long_connections;
use crate::scenarios::text;

struct Setup {
    world: World,
    clock: Arc<ManualClock>,
    worker: Arc<DeliveryWorker>,
    receiver: Receiver,
}

impl Setup {
    /// A world whose app receives events and callbacks by webhook.
    async fn start(key: Option<&str>) -> Setup {
        let clock = ManualClock::at(1_700_000_000_123);
        let lab = Lab::with(LabOptions { clock: clock.clone(), ..LabOptions::default() }).await;
        let (world, receiver) = (lab.world().await, Receiver::with_key(key));
        let setup = Setup { worker: lab.delivery_worker(), world, clock, receiver };
        let path = format!("/apps/{}/events", setup.world.app_id);
        let mut body = json!({"request_url": setup.receiver.url(), "callbacks": {"mode": "webhook", "request_url": setup.receiver.url()}});
        if let Some(key) = key {
            body["encrypt_key"] = key.into();
        }
        setup.world.control("PUT", &path).body(body).send().await.data();
        while setup.worker.round().await > 0 {}
        setup
    }

    async fn add(&self, rule: Value) {
        self.world.control("POST", "/faults").body(rule).send().await.data();
    }

    async fn send(&self, kind: &str, number: i64) -> String {
        let body =
            json!({"app_id": self.world.app_id, "type": kind, "event": {"number": number}, "raw": true});
        text(&self.world.control("POST", "/events").body(body).send().await.data(), "event_id")
    }

    async fn round(&self) {
        while self.worker.round().await > 0 {}
    }

    /// The numbers that the app got, sorted.
    fn numbers(&self) -> Vec<i64> {
        let events = self.receiver.events();
        let mut all: Vec<i64> = events.iter().filter_map(|event| event["event"]["number"].as_i64()).collect();
        all.sort_unstable();
        all
    }

    async fn counts(&self) -> Vec<(i64, i64)> {
        let list = self.world.control("GET", "/faults").send().await.data();
        let rules = list["faults"].as_array().expect("rules").iter();
        rules.map(|one| (one["seen"].as_i64().expect("seen"), one["hits"].as_i64().expect("hits"))).collect()
    }
}

#[tokio::test]
async fn events_are_dropped_by_type_and_way() {
    let setup = Setup::start(None).await;
    setup.add(json!({"match": {"event_type": "test.a*", "way": "webhook"}, "effect": {"drop": {}}, "skip": 1, "times": 2})).await;
    setup.add(json!({"match": {"way": "connection"}, "effect": {"drop": {}}})).await;
    for number in 0..4 {
        setup.send("test.a_v1", number).await;
        setup.send("test.b_v1", 10 + number).await;
    }
    setup.round().await;
    assert_eq!(setup.numbers(), [0, 3, 10, 11, 12, 13]);
    assert_eq!(setup.counts().await, [(0, 0), (4, 2)]);
    let dropped = setup.world.control("GET", "/events?state=dropped").send().await.data();
    assert_eq!(dropped["events"][0]["failure"], "dropped by a fault rule of the world");
}

/// Which of the events are dropped depends on seed, id and number alone, as for calls.
#[tokio::test]
async fn the_same_events_in_every_run() {
    let setup = Setup::start(None).await;
    setup.add(json!({"id": "f_01", "match": {"event_type": "test.*"}, "effect": {"drop": {}}, "probability": 0.3, "seed": 42})).await;
    for number in 1..=40 {
        setup.send("test.a_v1", number).await;
        setup.round().await;
    }
    let dropped: Vec<i64> = (1..=40).filter(|number| !setup.numbers().contains(number)).collect();
    assert_eq!(dropped, [1, 14, 17, 25, 26, 30, 32, 34, 37]);
}

#[tokio::test]
async fn delays_add_up_before_a_copy_and_retries_are_left_alone() {
    let setup = Setup::start(None).await;
    let events = json!({"event_type": "test.a_v1"});
    setup.add(json!({"match": events, "effect": {"repeat": {"fresh_id": true}}, "times": 1})).await;
    setup.add(json!({"match": events, "effect": {"delay": {"ms": 40_000}}, "times": 1})).await;
    setup.add(json!({"match": events, "effect": {"delay": {"ms": 20_000}}, "times": 1})).await;
    let id = setup.send("test.a_v1", 1).await;
    setup.round().await;
    setup.clock.advance(59_000);
    setup.round().await;
    assert!(setup.numbers().is_empty());
    setup.world.control("PUT", "/clock").body(json!({"advance_seconds": 1})).send().await.data();
    setup.round().await;
    assert_eq!(setup.numbers(), [1, 1]);
    let events = setup.receiver.events();
    let ids: Vec<&Value> = events.iter().map(|event| &event["header"]["event_id"]).collect();
    assert!(ids[0] != ids[1] && ids.contains(&&json!(id)), "{ids:?}");
    assert_eq!(setup.counts().await, [(1, 1); 3]);
}

#[tokio::test]
async fn a_forged_signature_and_broken_json() {
    let key = "a key";
    let setup = Setup::start(Some(key)).await;
    setup.add(json!({"effect": {"corrupt": {"what": "signature"}}, "times": 1})).await;
    setup.send("test.a_v1", 1).await;
    setup.round().await;
    setup.send("test.a_v1", 2).await;
    setup.round().await;
    let signed: Vec<bool> = setup
        .receiver
        .seen()
        .iter()
        .filter(|seen| seen.header("x-lark-signature").is_some())
        .map(|seen| seen.header("x-lark-signature") == Some(signature(seen, key).as_str()))
        .collect();
    assert_eq!(signed, [false, true]);

    let plain = Setup::start(None).await;
    plain.add(json!({"effect": {"corrupt": {"what": "signature"}}, "times": 1})).await;
    plain.send("test.a_v1", 1).await;
    plain.round().await;
    assert_eq!(plain.receiver.events()[0]["header"]["token"], "not-the-verification-token");
    plain.add(json!({"effect": {"corrupt": {"what": "json"}}, "times": 1})).await;
    plain.send("test.a_v1", 2).await;
    plain.round().await;
    let last = plain.receiver.seen().pop().expect("a post");
    assert!(serde_json::from_str::<Value>(&last.raw).is_err(), "{}", last.raw);
    assert!(serde_json::from_str::<Value>(&format!("{}}}", last.raw)).is_ok(), "{}", last.raw);
}

#[tokio::test]
async fn the_answer_to_a_click_comes_too_late() {
    let setup = Setup::start(None).await;
    let world = &setup.world;
    let card = json!({"schema": "2.0", "body": {"elements": [{"tag": "button", "element_id": "go",
        "text": {"tag": "plain_text", "content": "Go"}, "behaviors": [{"type": "callback", "value": {"op": "go"}}]}]}});
    let body = json!({"receive_id": world.chat_id, "msg_type": "interactive", "content": card.to_string()});
    let sent = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
    let click = async || {
        let path = format!("/messages/{}/clicks", text(&sent, "message_id"));
        let body = json!({"as": world.users[1].user_id, "element": "go"});
        world.control("POST", &path).body(body).send().await.data()
    };
    let clicked = || {
        let seen = setup.receiver.events();
        seen.iter().filter(|event| event["header"]["event_type"] == "card.action.trigger").count()
    };
    setup.receiver.answer(larkspur_testkit::receiver::Manner::With("200 OK", "{}".to_owned()));
    setup.add(json!({"preset": "card-late", "times": 1})).await;
    let began = Instant::now();
    assert_eq!(click().await["code"], 200341);
    assert!(began.elapsed() >= Duration::from_millis(2900), "the user waits for 3 s");
    assert_eq!(clicked(), 1, "the app was told");
    assert_eq!(click().await.get("code"), None);
    setup.add(json!({"match": {"event_type": "card.*"}, "effect": {"repeat": {}}, "times": 1})).await;
    assert_eq!(click().await.get("code"), None);
    assert_eq!(clicked(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_connection_ends_as_the_rule_says() {
    let setup = long_connections::Setup::start().await;
    let add = async |rule: Value| {
        setup.world.control("POST", "/faults").body(rule).send().await.data();
    };
    add(json!({"effect": {"disconnect": {"after_ms": 50}}, "times": 1})).await;
    let mut client = setup.connect(&setup.lab).await;
    let end = tokio::time::timeout(Duration::from_secs(5), client.0.next()).await.expect("in time");
    assert!(matches!(end, Some(Ok(Message::Close(Some(close)))) if u16::from(close.code) == 1000));
    setup.advance(1);
    add(json!({"preset": "ws-flap", "effect": {"disconnect": {"after_ms": 0, "how": "abrupt"}}, "times": 1}))
        .await;
    let mut client = setup.connect(&setup.lab).await;
    let end = tokio::time::timeout(Duration::from_secs(5), client.0.next()).await.expect("in time");
    assert!(!matches!(end, Some(Ok(_))), "no close frame: {end:?}");
    setup.advance(1);
    let mut client = setup.connect(&setup.lab).await;
    assert!(tokio::time::timeout(Duration::from_millis(300), client.0.next()).await.is_err(), "it stays");

    // A rule that is added while it is open.
    tokio::spawn(setup.worker.clone().run(std::future::pending()));
    add(json!({"match": {"app_id": "cli_0000000000000001"}, "effect": {"disconnect": {"after_ms": 0}}}))
        .await;
    assert!(tokio::time::timeout(Duration::from_millis(300), client.0.next()).await.is_err(), "it stays");
    add(json!({"preset": "ws-flap", "effect": {"disconnect": {"after_ms": 50, "how": "abrupt"}}})).await;
    let end = tokio::time::timeout(Duration::from_secs(5), client.0.next()).await.expect("in time");
    assert!(!matches!(end, Some(Ok(_))), "no close frame: {end:?}");
    let list = setup.world.control("GET", "/faults").send().await.data();
    assert_eq!((&list["faults"][0]["seen"], &list["faults"][0]["hits"]), (&json!(1), &json!(1)), "{list}");
}

#[tokio::test]
async fn what_rules_for_events_may_name() {
    let setup = Setup::start(None).await;
    for (rule, field) in [
        (json!({"match": {"operation": "im.*"}, "effect": {"drop": {}}}), "match.operation"),
        (json!({"match": {"way": "webhook", "path": "/"}, "effect": {"delay": {"ms": 1}}}), "match.path"),
        (
            json!({"match": {"event_type": "a"}, "effect": {"disconnect": {"after_ms": 1}}}),
            "match.event_type",
        ),
        (json!({"match": {"event_type": "a"}, "effect": {"refuse": {"code": 2200}}}), "match.event_type"),
        (json!({"effect": {"drop": {}, "hold": {}}}), "effect"),
    ] {
        let reply = setup.world.control("POST", "/faults").body(rule).send().await;
        reply.refused(5275400);
        assert_eq!(reply.violated(), [field]);
    }
    // A long delay is for events.
    setup.add(json!({"match": {"way": "webhook"}, "effect": {"delay": {"ms": 3_600_000}}})).await;
}
