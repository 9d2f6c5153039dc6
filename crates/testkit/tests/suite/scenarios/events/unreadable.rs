//! Rows that a server cannot read do not stop the events of others.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_store::Driver;
use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::receiver::{Manner, Receiver};
use larkspur_testkit::{Lab, LabOptions, World};
use serde_json::json;

async fn subscribe(world: &World, app_id: &str, receiver: &Receiver) {
    let path = format!("/apps/{app_id}/events");
    world.control("PUT", &path).body(json!({"request_url": receiver.url()})).send().await.data();
    assert_eq!(world.lab.delivery_worker().round().await, 1, "the challenge");
}

async fn send(world: &World, app_id: &str) {
    let body = json!({"app_id": app_id, "type": "test.made_up_v1", "event": {}, "raw": true});
    world.control("POST", "/events").body(body).send().await.data();
}

#[tokio::test]
async fn other_apps_receive_their_events() {
    let driver: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let lab = Lab::with(LabOptions { driver: Some(driver.clone()), ..LabOptions::default() }).await;
    let (world, broken, good) = (lab.world().await, Receiver::start(), Receiver::start());
    let (other, _) = world.app(json!({})).await;
    subscribe(&world, &world.app_id, &broken).await;
    subscribe(&world, &other, &good).await;
    let worker = lab.delivery_worker();
    for (sql, undo) in [
        (
            "UPDATE event_delivery SET form = 'v9' WHERE state = 'waiting' AND app_id = $1",
            "UPDATE event_delivery SET form = 'v2' WHERE state = 'waiting' AND app_id = $1",
        ),
        (
            "UPDATE app_events SET mode = 'pigeon' WHERE app_id = $1",
            "UPDATE app_events SET mode = 'webhook' WHERE app_id = $1",
        ),
        (
            "UPDATE app_events SET encrypt_key = 'of another store' WHERE app_id = $1",
            "UPDATE app_events SET encrypt_key = '' WHERE app_id = $1",
        ),
    ] {
        let (heard, missed) = (good.events().len(), broken.events().len());
        send(&world, &world.app_id).await;
        send(&world, &other).await;
        let app_id = || vec![world.app_id.as_str().into()];
        driver.query(Effect::Writes, sql, app_id()).await.expect(sql);
        assert_eq!(worker.round().await, 1, "{sql}");
        assert_eq!((good.events().len(), broken.events().len()), (heard + 1, missed), "{sql}");
        // It waits: a server that can read it sends it.
        driver.query(Effect::Writes, undo, app_id()).await.expect(undo);
        assert_eq!(lab.delivery_worker().round().await, 1, "{undo}");
        assert_eq!(broken.events().len(), missed + 1, "{undo}");
    }
}

/// A payload with a secret is encrypted while it waits; one of another store is lost, and nothing else.
#[tokio::test]
async fn only_a_payload_of_another_key_is_lost() {
    let driver: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let lab = Lab::with(LabOptions { driver: Some(driver.clone()), ..LabOptions::default() }).await;
    let (world, receiver) = (lab.world().await, Receiver::start());
    subscribe(&world, &world.app_id, &receiver).await;
    let event = json!({"type": "app_ticket", "app_id": world.app_id, "app_ticket": "0123456789abcdef"});
    let ticket = json!({"app_id": world.app_id, "type": "app_ticket", "event": event});
    world.control("POST", "/events").body(ticket.clone()).send().await.data();
    let sql = "UPDATE event_delivery SET payload = 'of another store' WHERE sealed = 1";
    driver.query(Effect::Writes, sql, Vec::new()).await.expect(sql);
    send(&world, &world.app_id).await;
    assert_eq!(lab.delivery_worker().round().await, 1);
    assert_eq!(receiver.events()[0]["header"]["event_type"], "test.made_up_v1");
    let shown = world.control("GET", "/events?limit=2").send().await.data();
    let lost = &shown["events"][1];
    assert_eq!((&lost["state"], &lost["payload"]), (&json!("dropped"), &json!(null)));
    assert_eq!(lost["failure"], "the payload was encrypted with another key");

    // The answer repeats the secret, so it is not stored.
    receiver.answer(Manner::With("500 Internal Server Error", "no: 0123456789abcdef".to_owned()));
    world.control("POST", "/events").body(ticket).send().await.data();
    assert_eq!(lab.delivery_worker().round().await, 1);
    let shown = world.control("GET", "/events?limit=1").send().await.data();
    let why = "HTTP 500: the answer is not shown, as it repeats a secret of the event";
    assert_eq!(shown["events"][0]["failure"], why);
}
