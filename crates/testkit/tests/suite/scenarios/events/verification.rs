//! Verification of URLs while the setting changes: a result counts for the URL that was asked, and for nothing else.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::Clock;
use larkspur_store::events::delivery::{Attempt, Delivery, Outcome};
use larkspur_store::events::{settlements, subscriptions};
use larkspur_testkit::receiver::{Manner, Receiver};
use serde_json::{Value, json};

use super::delivery::Maker;
use super::faults::claim_in;

/// The URL of a receiver that is never asked.
const OLD: &str = "http://127.0.0.1:9/";

/// Claims what is due, as a worker does, and stops there.
async fn claim(maker: &Maker) -> Vec<Delivery> {
    claim_in(maker.world.lab.app.engine(), maker.clock.now_ms()).await
}

/// Records that a delivery failed.
async fn fail(maker: &Maker, delivery: &Delivery) -> Outcome {
    let done =
        Arc::new([(delivery.clone(), Attempt { status: None, failure: Some("no answer".to_owned()) })]);
    let now = maker.clock.now_ms();
    let settled = maker.world.lab.app.engine().run(Effect::Writes, move |root| {
        let done = done.clone();
        Box::pin(async move { settlements::settle(root, &*done, now).await })
    });
    settled.await.expect("a transaction")[0]
}

/// How the world's own app receives events.
async fn shown(maker: &Maker) -> Value {
    let path = format!("/apps/{}/events", maker.world.app_id);
    maker.world.control("GET", &path).send().await.data()
}

async fn put(maker: &Maker, body: Value) {
    let path = format!("/apps/{}/events", maker.world.app_id);
    maker.world.control("PUT", &path).body(body).send().await.data();
}

/// Sends an event to the world's own app.
async fn send(maker: &Maker) {
    let body = json!({"app_id": maker.world.app_id, "type": "test.made_up_v1", "event": {}, "raw": true});
    maker.world.control("POST", "/events").body(body).send().await.data();
}

#[tokio::test]
async fn a_challenge_to_the_old_url_does_not_count_for_a_new_one() {
    let (maker, new) = (Maker::start().await, Receiver::start());
    put(&maker, json!({"request_url": OLD})).await;
    let asked = claim(&maker).await;
    assert_eq!((asked.len(), asked[0].event_type.as_str()), (1, "url_verification"));
    let event = json!({"subscription_type": "webhook", "request_url": new.url()});
    let path = format!("/application/v7/applications/{}/config", maker.world.app_id);
    maker.world.call("PATCH", &path).body(json!({"event": event})).send().await.data();
    send(&maker).await;
    assert_eq!(fail(&maker, &asked[0]).await, Outcome::Lost);
    let now = shown(&maker).await;
    assert_eq!((&now["verified"], &now["request_url"]), (&json!(true), &json!(new.url())));
    assert_eq!(now["deliveries"][0]["state"], "waiting", "what waits for the new URL is not dropped");
    assert_eq!(maker.round().await, 1);
}

#[tokio::test]
async fn a_result_is_recorded_for_the_url_that_was_asked() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    maker.subscribe(&receiver).await;
    let tenant = TenantKey::parse(&maker.world.tenant_key).expect("a tenant");
    let app_id = AppId::parse(&maker.app_id).expect("an app");
    for (url, recorded) in [(OLD.to_owned(), false), (receiver.url(), true)] {
        let set = maker.world.lab.app.engine().run(Effect::Writes, move |root| {
            let (mut tx, url) = (root.tenant(tenant), url.clone());
            Box::pin(
                async move { subscriptions::set_verified(&mut tx, app_id, &url, Some("no answer")).await },
            )
        });
        assert_eq!(set.await, Ok(recorded));
        assert_eq!(maker.get().await["verified"], !recorded);
    }
}

#[tokio::test]
async fn what_waits_follows_the_setting() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    let waiting = async |count: usize| {
        let path = format!("/events?app_id={}&state=waiting", maker.world.app_id);
        let list = maker.world.control("GET", &path).send().await.data();
        let events = list["events"].as_array().expect("events").iter();
        let found = events.filter(|event| event["event_type"] == "test.made_up_v1").count();
        assert_eq!(found, count, "{list}");
    };
    put(&maker, json!({"request_url": receiver.url()})).await;
    assert_eq!(maker.round().await, 1);
    receiver.answer(Manner::With("503 Service Unavailable", String::new()));
    send(&maker).await;
    assert_eq!(maker.round().await, 1);
    receiver.answer(Manner::Well);
    // Other types, another mode, and back: each time the challenge is replaced, and the event stays.
    put(&maker, json!({"request_url": receiver.url(), "types": ["test.made_up_v1"]})).await;
    waiting(1).await;
    put(&maker, json!({"mode": "websocket"})).await;
    waiting(1).await;
    assert_eq!(maker.round().await, 0, "a challenge to a URL that is no longer set is not sent");
    put(&maker, json!({"request_url": receiver.url(), "verification_token": "new"})).await;
    assert_eq!(maker.round().await, 1, "the challenge");
    maker.world.advance(15).await;
    assert_eq!(maker.round().await, 1);
    waiting(0).await;
    assert_eq!(receiver.seen().last().expect("an event").json()["header"]["token"], "new");
    // Without a URL there is no place for it.
    receiver.answer(Manner::With("503 Service Unavailable", String::new()));
    send(&maker).await;
    assert_eq!(maker.round().await, 1);
    waiting(1).await;
    put(&maker, json!({"request_url": ""})).await;
    waiting(0).await;
}
