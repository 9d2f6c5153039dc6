//! The next events for an app are dropped, held, delayed or sent twice, as a test says.

use std::sync::Arc;

use larkspur_server::delivery::DeliveryWorker;
use larkspur_testkit::receiver::{Manner, Receiver};
use larkspur_testkit::{Lab, LabOptions, ManualClock, World};
use serde_json::{Value, json};

use crate::scenarios::text;

struct Setup {
    world: World,
    clock: Arc<ManualClock>,
    worker: Arc<DeliveryWorker>,
    receiver: Receiver,
}

impl Setup {
    /// A world whose app receives events by webhook.
    async fn start() -> Setup {
        let clock = ManualClock::at(1_700_000_000_123);
        let lab = Lab::with(LabOptions { clock: clock.clone(), ..LabOptions::default() }).await;
        let (world, receiver) = (lab.world().await, Receiver::start());
        let setup = Setup { worker: lab.delivery_worker(), world, clock, receiver };
        let path = format!("/apps/{}/events", setup.world.app_id);
        let body = json!({"request_url": setup.receiver.url()});
        setup.world.control("PUT", &path).body(body).send().await.data();
        assert_eq!(setup.worker.round().await, 1);
        setup
    }

    fn path(&self) -> String {
        format!("/apps/{}/deliveries", self.world.app_id)
    }

    async fn put(&self, body: Value) -> Value {
        self.world.control("PUT", &self.path()).body(body).send().await.data()
    }

    async fn get(&self) -> Value {
        self.world.control("GET", &self.path()).send().await.data()
    }

    async fn send(&self, number: i64) -> String {
        let body = json!({"app_id": self.world.app_id, "type": "test.made_up_v1", "event": {"number": number}, "raw": true});
        text(&self.world.control("POST", "/events").body(body).send().await.data(), "event_id")
    }

    /// The numbers that the app got, in order.
    fn numbers(&self) -> Vec<i64> {
        let events = self.receiver.events();
        events.iter().map(|event| event["event"]["number"].as_i64().expect("a number")).collect()
    }

    async fn states(&self) -> Vec<String> {
        let shown = self.world.control("GET", "/events").send().await.data();
        let all = shown["events"].as_array().expect("events").iter().rev();
        let own = all.filter(|event| event["event_type"] == "test.made_up_v1");
        own.map(|event| text(event, "state")).collect()
    }
}

#[tokio::test]
async fn the_next_events_are_dropped_and_later_ones_are_not() {
    let setup = Setup::start().await;
    let shown = setup.put(json!({"action": "drop", "next": 2})).await;
    assert_eq!(shown, json!({"action": "drop", "left": 2, "held": 0}));
    for number in 0..3 {
        setup.send(number).await;
    }
    assert_eq!(setup.worker.round().await, 1);
    assert_eq!(setup.numbers(), [2]);
    assert_eq!(setup.states().await, ["dropped", "dropped", "delivered"]);
    assert_eq!(setup.get().await, json!({"left": 0, "held": 0}));
}

/// Who is told is decided when an event happens: an app that loses its scopes and its bot before a retry still gets it.
#[tokio::test]
async fn a_retry_is_not_decided_again() {
    let setup = Setup::start().await;
    let world = &setup.world;
    setup.receiver.answer(Manner::With("500 Internal Server Error", "{}".to_owned()));
    let body = json!({"as": world.users[1].user_id, "text": "hello"});
    let path = format!("/chats/{}/messages", world.chat_id);
    world.control("POST", &path).body(body).send().await.data();
    let heard = || {
        let events = setup.receiver.events();
        events.iter().filter(|event| event["header"]["event_type"] == "im.message.receive_v1").count()
    };
    setup.worker.round().await;
    assert_eq!(heard(), 1);
    world.set_app(&world.app_id, json!({"scopes": [], "bot": false})).await;
    setup.receiver.answer(Manner::Well);
    setup.clock.advance(15_000);
    setup.worker.round().await;
    assert_eq!(heard(), 2, "the retry comes");
    world
        .control("POST", &path)
        .body(json!({"as": world.users[1].user_id, "text": "later"}))
        .send()
        .await
        .data();
    setup.worker.round().await;
    assert_eq!(heard(), 2, "a later event does not");
}

/// Setting what is done with the next events removes used-up rules of that kind, and no rule that a user added.
#[tokio::test]
async fn used_up_rules_of_users_stay() {
    let setup = Setup::start().await;
    let own = json!({"id": "next-release", "match": {"event_type": "test.made_up_v1"}, "effect": {"drop": {}}, "times": 1});
    setup.world.control("POST", "/faults").body(own).send().await.data();
    setup.send(0).await;
    setup.worker.round().await;
    assert_eq!(setup.states().await, ["dropped"]);
    setup.put(json!({"action": "drop", "next": 1})).await;
    let rules = setup.world.control("GET", "/faults").send().await.data();
    let ids: Vec<String> =
        rules["faults"].as_array().expect("rules").iter().map(|rule| text(rule, "id")).collect();
    assert_eq!(ids, [format!("next-{}", setup.world.app_id), "next-release".to_owned()]);
}

#[tokio::test]
async fn held_events_wait_for_their_release() {
    let setup = Setup::start().await;
    setup.put(json!({"action": "hold", "next": 5})).await;
    for number in 0..2 {
        setup.send(number).await;
    }
    assert_eq!(setup.worker.round().await, 0);
    assert_eq!(setup.states().await, ["held", "held"]);
    assert_eq!(setup.get().await, json!({"action": "hold", "left": 3, "held": 2}));
    setup.clock.advance(24 * 3600 * 1000);
    assert_eq!(setup.worker.round().await, 0);
    let held = setup.world.control("GET", "/events?state=held").send().await.data();
    assert_eq!(held["events"].as_array().map(Vec::len), Some(2));
    let released = setup.world.control("DELETE", &setup.path()).send().await.data();
    assert_eq!(released, json!({"released": 2}));
    setup.send(2).await;
    assert_eq!(setup.worker.round().await, 3);
    // They are posted at the same time.
    let mut numbers = setup.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2]);
}

#[tokio::test]
async fn a_delay_follows_the_clock_of_the_world() {
    let setup = Setup::start().await;
    setup.put(json!({"action": "delay", "delay_ms": 60_000, "next": 1})).await;
    setup.send(0).await;
    setup.send(1).await;
    assert_eq!(setup.worker.round().await, 1);
    assert_eq!(setup.numbers(), [1]);
    setup.clock.advance(20_000);
    assert_eq!(setup.worker.round().await, 0);
    let body = json!({"advance_seconds": 40});
    setup.world.control("PUT", "/clock").body(body).send().await.data();
    assert_eq!(setup.worker.round().await, 1);
    assert_eq!(setup.numbers(), [1, 0]);
}

#[tokio::test]
async fn a_repeated_event_arrives_twice_with_one_id() {
    let setup = Setup::start().await;
    setup.put(json!({"action": "repeat", "next": 1})).await;
    let (first, _) = (setup.send(0).await, setup.send(1).await);
    while setup.worker.round().await > 0 {}
    let mut numbers = setup.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 0, 1]);
    let ids: Vec<Value> =
        setup.receiver.events().iter().map(|event| event["header"]["event_id"].clone()).collect();
    assert_eq!(ids.iter().filter(|id| **id == json!(first)).count(), 2, "{ids:?}");
    assert_eq!(setup.states().await, ["delivered"; 3]);
}

/// A retry is not another event, and neither is a challenge.
#[tokio::test]
async fn only_first_attempts_of_events_count() {
    let setup = Setup::start().await;
    setup.receiver.answer(Manner::With("500 Internal Server Error", String::new()));
    setup.send(0).await;
    assert_eq!(setup.worker.round().await, 1);
    setup.receiver.answer(Manner::Well);
    setup.put(json!({"action": "drop", "next": 1})).await;
    let path = format!("/apps/{}/events", setup.world.app_id);
    let body = json!({"request_url": setup.receiver.url()});
    setup.world.control("PUT", &path).body(body).send().await.data();
    setup.clock.advance(15_000);
    assert_eq!(setup.worker.round().await, 1, "the challenge");
    setup.clock.advance(1_000);
    assert_eq!(setup.worker.round().await, 1, "the retry, which waited for it");
    let click = json!({"type": "card.action.trigger", "event": {"action": {"tag": "button"}}});
    let path = format!("/apps/{}/callbacks", setup.world.app_id);
    setup.world.control("POST", &path).body(click).send().await.data();
    assert_eq!(setup.get().await["left"], 1);
    let other = setup.world.lab.world().await;
    other.control("GET", &setup.path()).send().await.refused(5275404);
    for wrong in [json!({"action": "delay", "next": 1}), json!({"action": "drop", "next": 1, "delay_ms": 5})]
    {
        let reply = setup.world.control("PUT", &setup.path()).body(wrong).send().await;
        reply.refused(5275400);
        assert_eq!(reply.violated(), ["delay_ms"]);
    }
    setup
        .world
        .control("PUT", "/apps/cli_0/deliveries")
        .body(json!({"action": "drop", "next": 1}))
        .send()
        .await
        .refused(5275404);
    setup.world.control("DELETE", "/apps/cli_0/deliveries").send().await.refused(5275404);
}
