//! Faults at every statement of a delivery worker: each event arrives at least once, always with the same event_id, and none is
//! left waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use larkspur_contract::Effect;
use larkspur_server::delivery::DeliveryWorker;
use larkspur_server::delivery::connection::frame::Frame;
use larkspur_store::events::claims::LEASE_MS;
use larkspur_store::{Clock, jobs};
use larkspur_testkit::receiver::{Manner, Receiver};
use larkspur_testkit::{Fault, Faulty, Lab, LabOptions, ManualClock, World};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::scenarios::events::long_connections::{Client, Setup};

const NOW: i64 = 1_700_000_000_123;
/// More statements than a round has; a round without the fault ends the loop before.
const MOST: i64 = 200;
const HOUR_MS: i64 = 3_600_000;

/// A server whose store fails on demand.
struct Bench {
    lab: Lab,
    driver: Arc<Faulty>,
    clock: Arc<ManualClock>,
    worker: Arc<DeliveryWorker>,
}

impl Bench {
    async fn start() -> Bench {
        let driver = Faulty::over(larkspur_testkit::empty_store().await);
        let clock = ManualClock::at(NOW);
        let options =
            LabOptions { driver: Some(driver.clone()), clock: clock.clone(), ..LabOptions::default() };
        let lab = Lab::with(options).await;
        Bench { worker: lab.delivery_worker(), lab, driver, clock }
    }

    /// A round in which the nth statement fails; false if it has fewer.
    async fn failing_round(&self, nth: i64, fault: Fault) -> bool {
        self.driver.arm(nth, fault);
        self.worker.round().await;
        self.driver.disarm()
    }

    /// Rounds until every claim has expired and every retry of a first failure is due.
    async fn later_rounds(&self) {
        for _ in 0..3 {
            self.clock.advance(LEASE_MS + 1);
            self.worker.round().await;
        }
    }
}

/// Sends the app made-up events; their event_ids by name.
async fn send(world: &World, names: &[&str]) -> BTreeMap<String, String> {
    let mut sent = BTreeMap::new();
    for name in names {
        let body =
            json!({"app_id": world.app_id, "type": "test.made_up_v1", "event": {"name": name}, "raw": true});
        let made = world.control("POST", "/events").body(body).send().await.data();
        sent.insert((*name).to_owned(), made["event_id"].as_str().expect("an id").to_owned());
    }
    sent
}

/// Each event was heard, with the id that it was sent with, and is delivered.
async fn assert_heard(world: &World, sent: &BTreeMap<String, String>, heard: &[Value], place: &str) {
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in heard {
        let name = event["event"]["name"].as_str().expect("a name").to_owned();
        let id = event["header"]["event_id"].as_str().expect("an id").to_owned();
        ids.entry(name).or_default().insert(id);
    }
    let expected: BTreeMap<_, _> =
        sent.iter().map(|(name, id)| (name.clone(), BTreeSet::from([id.clone()]))).collect();
    assert_eq!(ids, expected, "{place}");
    let shown = world.control("GET", "/events").send().await.data();
    let own = shown["events"].as_array().expect("events").iter();
    let own: Vec<&Value> = own.filter(|event| event["event_type"] == "test.made_up_v1").collect();
    assert_eq!(own.len(), sent.len(), "{place}");
    assert!(own.iter().all(|event| event["state"] == "delivered"), "{place}: {shown}");
}

/// Sets the URL of the world's app.
async fn set_url(world: &World, receiver: &Receiver) {
    let path = format!("/apps/{}/events", world.app_id);
    world.control("PUT", &path).body(json!({"request_url": receiver.url()})).send().await.data();
}

/// Runs a case with each fault at each statement of a round, from 0, until it says that the round has no such statement. A round has
/// more than `least`.
async fn at_each_statement(least: i64, case: impl AsyncFn(Fault, i64) -> bool) {
    for fault in [Fault::Break, Fault::Collide] {
        let mut nth = 0;
        while case(fault, nth).await {
            nth += 1;
            assert!(nth < MOST, "it never ends");
        }
        assert!(nth > least, "{fault:?}: a round has more statements than {nth}");
    }
}

/// Claims, posts and settles.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_hears_every_event_whatever_statement_fails() {
    let bench = Bench::start().await;
    at_each_statement(4, async |fault, nth| {
        let (world, receiver) = (bench.lab.world().await, Receiver::start());
        set_url(&world, &receiver).await;
        bench.worker.round().await;
        let sent = send(&world, &["one", "two"]).await;
        let failed = bench.failing_round(nth, fault).await;
        bench.later_rounds().await;
        assert_heard(&world, &sent, &receiver.events(), &format!("{fault:?} at {nth}")).await;
        failed
    })
    .await;
}

/// The verification of a URL releases the events that wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verified_url_hears_what_waited_whatever_statement_fails() {
    let bench = Bench::start().await;
    at_each_statement(8, async |fault, nth| {
        let (world, receiver) = (bench.lab.world().await, Receiver::start());
        set_url(&world, &receiver).await;
        let sent = send(&world, &["one", "two"]).await;
        let failed = bench.failing_round(nth, fault).await;
        bench.later_rounds().await;
        assert_heard(&world, &sent, &receiver.events(), &format!("{fault:?} at {nth}")).await;
        failed
    })
    .await;
}

/// The first attempt fails, and its result is recorded or lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_arrives_whatever_statement_fails() {
    let bench = Bench::start().await;
    at_each_statement(0, async |fault, nth| {
        let (world, receiver) = (bench.lab.world().await, Receiver::start());
        set_url(&world, &receiver).await;
        bench.worker.round().await;
        let sent = send(&world, &["one", "two"]).await;
        receiver.answer(Manner::With("500 Internal Server Error", String::new()));
        let failed = bench.failing_round(nth, fault).await;
        receiver.answer(Manner::Well);
        bench.later_rounds().await;
        assert_heard(&world, &sent, &receiver.events(), &format!("{fault:?} at {nth}")).await;
        failed
    })
    .await;
}

/// An app that answers everything that it hears.
fn listen(mut client: Client) -> Arc<Mutex<Vec<Value>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    tokio::spawn(async move {
        while let Some(Ok(message)) = client.0.next().await {
            let Message::Binary(bytes) = message else { continue };
            let frame = Frame::read(bytes).expect("a frame");
            let Some(payload) = frame.payload.clone() else { continue };
            hearing.lock().expect("not poisoned").push(serde_json::from_slice(&payload).expect("JSON"));
            let answer = Frame { payload: Some(Bytes::from_static(b"{\"code\":200}")), ..frame };
            if client.0.send(Message::Binary(answer.write())).await.is_err() {
                break;
            }
        }
    });
    heard
}

/// The worker stores that the app is connected, which releases what waited for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_connection_hears_every_event_whatever_statement_fails() {
    let bench = Bench::start().await;
    at_each_statement(8, async |fault, nth| {
        let setup = Setup::within(&bench.lab, bench.clock.clone(), bench.worker.clone()).await;
        let mut sent = send(&setup.world, &["before"]).await;
        bench.worker.round().await;
        let heard = listen(setup.connect(&bench.lab).await);
        sent.append(&mut send(&setup.world, &["after"]).await);
        let failed = bench.failing_round(nth, fault).await;
        bench.later_rounds().await;
        let heard = heard.lock().expect("not poisoned").clone();
        assert_heard(&setup.world, &sent, &heard, &format!("{fault:?} at {nth}")).await;
        // Later worlds do not renew the rows of this one.
        bench.lab.control("DELETE", &format!("/worlds/{}", setup.world.tenant_key)).send().await.data();
        bench.worker.round().await;
        failed
    })
    .await;
}

/// The answer of the first commit of a round is lost: the claim is kept, and expires.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_arrives_after_a_claim_of_unknown_outcome() {
    let (bench, receiver) = (Bench::start().await, Receiver::start());
    let world = bench.lab.world().await;
    set_url(&world, &receiver).await;
    bench.worker.round().await;
    let sent = send(&world, &["one", "two"]).await;
    assert!(bench.failing_round(0, Fault::Doubt).await);
    assert!(receiver.events().is_empty(), "the worker does not know that it has them");
    bench.later_rounds().await;
    assert_heard(&world, &sent, &receiver.events(), "doubt").await;
}

/// A callback that another server sends is answered with its outcome or a failure, and nothing of it is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_of_another_server_leaves_nothing_behind() {
    let bench = Bench::start().await;
    let Some(other) = bench.lab.beside().await else { return };
    let setup = Setup::within(&bench.lab, bench.clock.clone(), bench.worker.clone()).await;
    let heard = listen(setup.connect(&other).await);
    let worker = other.delivery_worker();
    worker.tell().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(worker.run(async { drop(stopped.await) }));
    let click = async || {
        let body = json!({"type": "card.action.trigger", "event": {"action": {"tag": "button"}}});
        let path = format!("/apps/{}/callbacks", setup.world.app_id);
        setup.world.control("POST", &path).body(body).send().await
    };
    let (mut answered, mut happened) = (0, 0);
    for nth in 0..12 {
        bench.driver.arm(nth, Fault::Break);
        let reply = click().await;
        happened += usize::from(bench.driver.disarm());
        if reply.status() == 200 {
            let shown = reply.data();
            let failed = shown["code"] == 200_341 || shown["code"] == 200_342;
            assert!(failed || shown["answer"] == json!({}), "statement {nth}: {shown}");
            answered += usize::from(!failed);
        } else {
            assert_eq!(reply.status(), 503, "statement {nth}: {}", reply.text());
        }
        assert_eq!(click().await.data()["answer"], json!({}), "statement {nth}: it works again");
    }
    assert!(answered > 0, "some statements are not of the call");
    assert!(happened >= 3, "only {happened} statements failed");
    let said = heard.lock().expect("not poisoned").clone();
    let ids: BTreeSet<&str> = said.iter().filter_map(|one| one["header"]["event_id"].as_str()).collect();
    assert_eq!(ids.len(), said.len(), "a callback is never repeated");
    drop(stop);
    tokio::time::timeout(Duration::from_secs(20), running).await.expect("in time").expect("no panic");
    // What a failed statement left is swept.
    let engine = bench.lab.app.engine();
    jobs::sweep(engine, bench.clock.now_ms() + HOUR_MS).await.expect("swept");
    let sql = "SELECT id FROM callback_relay";
    let left = engine.driver.query(Effect::Reads, sql, Vec::new()).await.expect("read");
    assert_eq!(left.len(), 0, "nothing is left of them");
}
