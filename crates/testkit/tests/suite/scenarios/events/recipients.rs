//! The recipients of an event, its ids and its order. The event type is made for the tests.

use std::sync::Arc;

use larkspur_api::events::{self, Event, Recipient};
use larkspur_contract::events::Form;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Basis, Effect, EventType};
use larkspur_store::events::claims::POSTS_EACH;
use larkspur_store::{Clock, Driver, Engine, jobs};
use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::{Lab, LabOptions, ManualClock, Recording, World};
use serde::Serialize;
use serde_json::{Value, json};

use crate::scenarios::text;
use larkspur_testkit::receiver::{Manner, Receiver};

const RENAMED: EventType = EventType {
    name: "test.renamed_v1",
    summary: "Something was renamed",
    form: Form::V2,
    scopes: &["im:chat", "im:chat:read"],
    reference: "",
    basis: Basis::Assumed,
    secret: false,
};

/// The bot of an app renamed something.
#[derive(Clone)]
struct Renamed {
    by: AppId,
    name: String,
}

#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    operator_id: events::Ids,
}

impl Event for Renamed {
    const TYPE: &'static EventType = &RENAMED;

    fn told(&self, to: &Recipient<'_>) -> impl Serialize {
        Told { name: &self.name, operator_id: to.bot(self.by) }
    }
}

/// Emits the event in a world, as an operation does; returns the number of receiving apps.
pub(super) async fn emit(engine: &Arc<Engine>, world: &World, name: &str) -> usize {
    let tenant = TenantKey::parse(&world.tenant_key).expect("a tenant");
    let event = Renamed { by: AppId::parse(&world.app_id).expect("an app"), name: name.to_owned() };
    let told = engine.run(Effect::Writes, move |root| {
        let (mut tx, event) = (root.tenant(tenant), event.clone());
        Box::pin(async move {
            let listeners = events::listeners(&mut tx, &RENAMED).await?;
            events::emit(&mut tx, &event, &listeners, 1_700_000_000_123).await?;
            Ok(listeners.ids().count())
        })
    });
    told.await.expect("a transaction")
}

async fn subscribe(world: &World, app_id: &str, receiver: &Receiver) {
    let path = format!("/apps/{app_id}/events");
    world.control("PUT", &path).body(json!({"request_url": receiver.url()})).send().await.data();
}

/// A custom app and an ISV app of another world: each gets the event at its own URL, with its own id for the bot.
#[tokio::test]
async fn every_app_is_told_in_its_own_ids_wherever_it_was_made() {
    let lab = Lab::start().await;
    let (world, maker) = (lab.world().await, lab.world().await);
    let isv = maker.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
    let isv = text(&isv, "app_id");
    let (own, foreign) = (Receiver::start(), Receiver::start());
    let (engine, worker) = (lab.app.engine(), lab.delivery_worker());
    assert_eq!(emit(engine, &world, "before").await, 0);
    // One subscribed before it was installed here, the other one after.
    subscribe(&maker, &isv, &foreign).await;
    assert_eq!(worker.round().await, 1);
    world.control("POST", "/installs").body(json!({"app_id": isv})).send().await.data();
    assert_eq!(emit(engine, &world, "one").await, 1);
    subscribe(&world, &world.app_id, &own).await;
    assert_eq!(emit(engine, &world, "two").await, 1, "an address that is still to be asked is told nothing");
    assert_eq!(worker.round().await, 3, "the question, and two events");
    assert_eq!(emit(engine, &world, "three").await, 2);
    assert_eq!(emit(engine, &maker, "elsewhere").await, 1);
    assert_eq!(worker.round().await, 3);
    let heard = |receiver: &Receiver| -> Vec<Value> { receiver.events() };
    let (own, foreign) = (heard(&own), heard(&foreign));
    assert_eq!((own.len(), foreign.len()), (1, 4));
    assert_eq!(own[0]["schema"], "2.0");
    let header = &own[0]["header"];
    assert_eq!((&header["app_id"], &header["tenant_key"]), (&json!(world.app_id), &json!(world.tenant_key)));
    assert_eq!(
        (&header["event_type"], &header["create_time"]),
        (&json!("test.renamed_v1"), &json!("1700000000123"))
    );
    let third = foreign.iter().find(|event| event["event"]["name"] == "three").expect("the third");
    assert_eq!(third["header"]["tenant_key"], json!(world.tenant_key), "where it happened");
    assert_ne!(third["header"]["event_id"], header["event_id"]);
    let ids = |event: &Value| event["event"]["operator_id"].clone();
    assert_ne!(ids(third)["open_id"], ids(&own[0])["open_id"]);
    assert_eq!((&ids(third)["user_id"], &ids(&own[0])["user_id"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn an_app_without_scope_bot_or_subscription_gets_no_event() {
    let lab = Lab::start().await;
    let (world, receiver) = (lab.world().await, Receiver::start());
    let (engine, worker) = (lab.app.engine(), lab.delivery_worker());
    subscribe(&world, &world.app_id, &receiver).await;
    worker.round().await;
    let app_id = &world.app_id;
    for (changed, told) in [
        (json!({"scopes": ["im:message"]}), 0),
        (json!({"scopes": ["im:chat:read"]}), 1),
        (json!({"bot": false}), 0),
        (json!({"bot": true, "status": "disabled"}), 0),
        (json!({"status": "enabled"}), 1),
    ] {
        world.set_app(app_id, changed.clone()).await;
        assert_eq!(emit(engine, &world, "x").await, told, "{changed}");
    }
    let path = format!("/apps/{app_id}/events");
    world.control("PUT", &path).body(json!({"request_url": ""})).send().await.data();
    assert_eq!(emit(engine, &world, "x").await, 0);
    assert_eq!(worker.round().await, 0, "what waited is dropped with the address");
}

/// Without subscribers, memory answers: the store is neither read nor written.
#[tokio::test]
async fn nothing_is_asked_of_the_store_without_subscribers() {
    let sqlite: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let recording = Recording::over(sqlite);
    let lab = Lab::with(LabOptions { driver: Some(recording.clone()), ..LabOptions::default() }).await;
    let (world, receiver) = (lab.world().await, Receiver::start());
    let engine = lab.app.engine();
    let cost = async || {
        let before = recording.runs();
        emit(engine, &world, "x").await;
        recording.runs() - before
    };
    assert_eq!((cost().await, cost().await), (1, 0), "the first one asks, and memory keeps the answer");
    // Memory learns of a subscription at once.
    subscribe(&world, &world.app_id, &receiver).await;
    lab.delivery_worker().round().await;
    assert_eq!((cost().await, cost().await), (2, 1), "a row for the app");
    assert_eq!(lab.delivery_worker().round().await, 2);
}

#[tokio::test]
async fn first_tries_go_in_order_and_retries_hold_nothing_back() {
    let clock = ManualClock::at(1_700_000_000_000);
    let lab = Lab::with(LabOptions { clock: clock.clone(), ..LabOptions::default() }).await;
    let (world, receiver) = (lab.world().await, Receiver::start());
    let (engine, worker) = (lab.app.engine(), lab.delivery_worker());
    subscribe(&world, &world.app_id, &receiver).await;
    worker.round().await;
    receiver.answer(Manner::With("500 Internal Server Error", String::new()));
    emit(engine, &world, "fails").await;
    assert_eq!(worker.round().await, 1);
    receiver.answer(Manner::Well);
    // As many as are claimed at a time.
    for number in 0..POSTS_EACH {
        emit(engine, &world, &format!("{number:03}")).await;
    }
    clock.advance(14_999);
    let claimed: Vec<String> = super::faults::claim_in(engine, clock.now_ms())
        .await
        .iter()
        .map(|delivery| text(&serde_json::from_str(&delivery.payload).expect("JSON"), "name"))
        .collect();
    let order: Vec<String> = (0..POSTS_EACH).map(|number| format!("{number:03}")).collect();
    assert_eq!(claimed, order);
    clock.advance(1);
    assert_eq!(worker.round().await, 1, "the retry, while the others are claimed");
    assert_eq!(receiver.events()[1]["event"]["name"], "fails");
}

/// An installation that a server of an earlier release did not announce is found by the sweep.
#[tokio::test]
async fn the_sweep_finds_subscribers_that_were_not_announced() {
    let sqlite: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let lab = Lab::with(LabOptions { driver: Some(sqlite.clone()), ..LabOptions::default() }).await;
    let (world, receiver) = (lab.world().await, Receiver::start());
    subscribe(&world, &world.app_id, &receiver).await;
    lab.delivery_worker().round().await;
    let removed =
        sqlite.query(Effect::Writes, "DELETE FROM event_subscriber RETURNING app_id", Vec::new()).await;
    assert_eq!(removed.expect("a statement").len(), 1);
    let engine = lab.app.engine();
    jobs::sweep(engine, engine.clock.now_ms()).await.expect("swept");
    assert_eq!(emit(engine, &world, "x").await, 1);
}
