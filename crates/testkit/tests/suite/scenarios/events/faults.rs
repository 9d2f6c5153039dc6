//! Failures of delivery: URLs that fail verification, slow ones, private ones, workers that die or run concurrently.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use larkspur_api::events::app_ticket;
use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_server::delivery::DeliveryWorker;
use larkspur_store::copy::Source;
use larkspur_store::events::claims::{self, InProgress, LEASE_MS, POSTS_EACH};
use larkspur_store::events::delivery::{Attempt, Delivery, Outcome};
use larkspur_store::events::steering::{EventRules, NoRules};
use larkspur_store::events::subscriptions::Mode;
use larkspur_store::events::{outbox, settlements};
use larkspur_store::{Driver, Engine};
use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::{Lab, LabOptions, ManualClock};
use serde_json::{Value, json};

use super::delivery::{HOUR, Maker};
use crate::scenarios::text;
use larkspur_testkit::receiver::{Manner, Receiver};

#[tokio::test]
async fn why_an_address_is_not_verified() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    let same = |body: &str| Manner::With("200 OK", body.to_owned());
    for (manner, reason) in [
        (
            same("{\"challenge\":\"x\"}"),
            "HTTP 200, but not {\"challenge\":…} with the challenge that was sent: {\"challenge\":\"x\"}",
        ),
        (
            same(""),
            "HTTP 200, but not {\"challenge\":…} with the challenge that was sent: with an empty body",
        ),
        (Manner::With("404 Not Found", "nothing here".to_owned()), "HTTP 404: nothing here"),
        (Manner::With("302 Found\r\nLocation: /", String::new()), "HTTP 302: redirects are not followed"),
        (Manner::Slowly(1300), "no answer within 1 s"),
        (Manner::Silently, "the connection broke: connection closed before message completed"),
    ] {
        receiver.answer(manner);
        let asked = receiver.seen().len();
        maker.put(json!({"request_url": receiver.url()})).await.data();
        maker.resend().await;
        assert_eq!(maker.round().await, 1);
        let shown = maker.get().await;
        assert_eq!((&shown["verified"], text(&shown, "reason").as_str()), (&json!(false), reason));
        assert_eq!(receiver.seen().len(), asked + 1, "a redirect leads nowhere");
        let [ticket, question] = [&shown["deliveries"][0], &shown["deliveries"][1]];
        assert_eq!((&question["state"], text(question, "failure").as_str()), (&json!("dropped"), reason));
        let why = "the request URL is not verified";
        assert_eq!((&ticket["state"], text(ticket, "failure").as_str()), (&json!("dropped"), why));
    }
    maker.resend().await;
    assert_eq!(maker.round().await, 0);
    assert_eq!(
        maker.get().await["deliveries"][0]["state"],
        "dropped",
        "shown, so that one sees why nothing came"
    );
    maker.world.advance(10 * HOUR).await;
    assert_eq!(maker.round().await, 0);
    assert!(receiver.events().is_empty());
}

#[tokio::test]
async fn the_address_does_not_listen() {
    let maker = Maker::start().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", free.local_addr().expect("an address"));
    drop(free);
    maker.put(json!({"request_url": url})).await.data();
    assert_eq!(maker.round().await, 1);
    let reason = text(&maker.get().await, "reason");
    assert!(reason.starts_with("cannot connect to 127.0.0.1:"), "{reason}");
    maker.put(json!({"request_url": "http://nowhere.invalid/"})).await.data();
    assert_eq!(maker.round().await, 1);
    let reason = text(&maker.get().await, "reason");
    assert!(
        reason.starts_with("nowhere.invalid is not found") || reason.starts_with("no connection within 2 s"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_address_has_three_seconds_for_an_event() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    maker.subscribe(&receiver).await;
    receiver.answer(Manner::Slowly(1500));
    maker.resend().await;
    maker.round().await;
    let fate = maker.fate(&text(&receiver.events()[0], "uuid")).await;
    assert_eq!(fate["state"], "delivered", "{fate}");
    receiver.answer(Manner::Slowly(3500));
    maker.resend().await;
    maker.round().await;
    let fate = maker.fate(&text(&receiver.events()[1], "uuid")).await;
    assert_eq!((&fate["state"], &fate["failure"]), (&json!("waiting"), &json!("no answer within 3 s")));
    assert_eq!(fate["status"], Value::Null);
}

#[tokio::test]
async fn private_addresses_are_not_called_where_that_is_not_allowed() {
    let (clock, receiver) = (ManualClock::at(1_700_000_000_000), Receiver::start());
    let options = LabOptions { clock: clock.clone(), private_receivers: false, ..LabOptions::default() };
    let maker = Maker::within(Lab::with(options).await, clock).await;
    let by_name = receiver.url().replace("127.0.0.1", "localhost");
    let mapped = receiver.url().replace("127.0.0.1", "[::ffff:127.0.0.1]");
    for url in [receiver.url(), by_name, mapped] {
        maker.put(json!({"request_url": url})).await.data();
        assert_eq!(maker.round().await, 1);
        let reason = text(&maker.get().await, "reason");
        assert!(
            reason
                .contains("is not a public address: the server calls it only if events.allow_private is on"),
            "{url}: {reason}"
        );
    }
    assert!(receiver.seen().is_empty());
}

#[tokio::test]
async fn two_workers_deliver_once() {
    use larkspur_store::Clock;
    let directory = tempfile::tempdir().expect("a directory");
    let driver = larkspur_testkit::racing_store(directory.path()).await;
    let clock = ManualClock::at(1_700_000_000_000);
    let lab =
        Lab::with(LabOptions { driver: Some(driver), clock: clock.clone(), ..LabOptions::default() }).await;
    let receiver = Receiver::start();
    let mut makers = Vec::new();
    for _ in 0..4 {
        let maker = Maker::within(lab.clone(), clock.clone()).await;
        maker.subscribe(&receiver).await;
        makers.push(maker);
    }
    for round in 0..3 {
        for maker in &makers {
            for _ in 0..10 {
                maker.resend().await;
            }
            maker.world.advance(HOUR).await;
        }
        let workers: Vec<Arc<DeliveryWorker>> = (0..3).map(|_| lab.delivery_worker()).collect();
        // And the hourly tickets, which one of several servers writes.
        let engine = lab.app.engine();
        let now = clock.now_ms();
        let (one, other) = tokio::join!(app_ticket::send_due(engine, now), app_ticket::send_due(engine, now));
        assert_eq!(one.expect("sent") + other.expect("sent"), makers.len());
        let rounds: Vec<_> = workers
            .iter()
            .map(|worker| {
                let worker = worker.clone();
                tokio::spawn(async move { worker.round().await })
            })
            .collect();
        let mut attempts = 0;
        for one in rounds {
            attempts += one.await.expect("no panic");
        }
        // A worker may find nothing left to claim while another has yet to record its result.
        attempts += workers[0].round().await;
        assert_eq!(attempts, makers.len() * 11, "round {round}");
    }
    let events = receiver.events();
    let ids: BTreeSet<String> = events.iter().map(|event| text(event, "uuid")).collect();
    assert_eq!((events.len(), ids.len()), (3 * 44, 3 * 44), "no event twice");
    let tickets: BTreeSet<String> = events.iter().map(|event| text(&event["event"], "app_ticket")).collect();
    assert_eq!(tickets.len(), 3 * 44);
}

/// Claims as a worker does, and stops there.
async fn claim(maker: &Maker) -> Vec<Delivery> {
    use larkspur_store::Clock;
    claim_in(maker.world.lab.app.engine(), maker.clock.now_ms()).await
}

pub(super) async fn claim_in(engine: &Arc<Engine>, now: i64) -> Vec<Delivery> {
    claim_beside(engine, now, InProgress::new()).await
}

/// The same while these deliveries are in progress.
async fn claim_beside(engine: &Arc<Engine>, now: i64, in_progress: InProgress) -> Vec<Delivery> {
    let due = engine.run(Effect::Reads, move |root| {
        let in_progress = in_progress.clone();
        Box::pin(async move { claims::due(root, now, 100, &[], &in_progress, ("", &[])).await })
    });
    let due = Arc::new(due.await.expect("a look"));
    let claimed = engine.run(Effect::Writes, move |root| {
        let due = due.clone();
        Box::pin(async move {
            let rules: Arc<dyn EventRules> = Arc::new(NoRules);
            claims::claim(root, &due, now, &HashSet::new(), &rules).await.map(|claimed| claimed.deliveries)
        })
    });
    claimed.await.expect("a claim")
}

/// Records the result of one attempt.
async fn settle(maker: &Maker, delivery: &Delivery, attempt: Attempt, now: i64) -> Outcome {
    let done = Arc::new([(delivery.clone(), attempt)]);
    let settled = maker.world.lab.app.engine().run(Effect::Writes, move |root| {
        let done = done.clone();
        Box::pin(async move { settlements::settle(root, &*done, now).await })
    });
    settled.await.expect("a transaction")[0]
}

#[tokio::test]
async fn what_a_dead_worker_claimed_is_delivered_by_another() {
    use larkspur_store::Clock;
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    maker.subscribe(&receiver).await;
    maker.resend().await;
    let mut held = claim(&maker).await;
    assert_eq!(held.len(), 1);
    assert!(claim(&maker).await.is_empty());
    maker.clock.advance(LEASE_MS - 1);
    assert_eq!(maker.round().await, 0, "the claim holds");
    maker.clock.advance(1);
    assert_eq!(maker.round().await, 1);
    let uuid = text(&receiver.events()[0], "uuid");
    assert_eq!(uuid, held[0].event_id);
    // It was slow, not dead: its result no longer counts.
    let late = Attempt { status: None, failure: Some("late".to_owned()) };
    let now = maker.clock.now_ms();
    assert_eq!(settle(&maker, &held.remove(0), late, now).await, Outcome::Lost);
    let fate = maker.fate(&uuid).await;
    assert_eq!((&fate["state"], &fate["attempts"]), (&json!("delivered"), &json!(1)));
    // The same while the second claim is still active.
    maker.resend().await;
    let first = claim(&maker).await;
    maker.clock.advance(LEASE_MS);
    let second = claim(&maker).await;
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!(first[0].event_id, second[0].event_id);
    let slow = Attempt { status: Some(200), failure: None };
    assert_eq!(settle(&maker, &first[0], slow, now).await, Outcome::Lost);
    assert_eq!(maker.fate(&first[0].event_id).await["state"], "waiting");
}

#[tokio::test]
async fn what_is_claimed_in_a_store_is_claimed_at_once_in_its_copy() {
    use larkspur_store::Clock;
    let clock = ManualClock::at(1_700_000_000_000);
    let driver: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let options = LabOptions { driver: Some(driver.clone()), clock: clock.clone(), ..LabOptions::default() };
    let (maker, receiver) = (Maker::within(Lab::with(options).await, clock.clone()).await, Receiver::start());
    maker.subscribe(&receiver).await;
    maker.resend().await;
    let held = claim(&maker).await;
    assert_eq!((held.len(), claim(&maker).await.len()), (1, 0));
    let copy = larkspur_testkit::empty_store().await;
    let source = Source::of(driver).await.expect("a source");
    source.copy_to(&copy, None, &mut |_| {}).await.expect("copied");
    let engine = Engine::open(copy, clock.clone(), 0).await.expect("opens");
    let claimed = claim_in(&engine, clock.now_ms()).await;
    assert_eq!(claimed.iter().map(|event| &event.event_id).collect::<Vec<_>>(), [&held[0].event_id]);
}

#[tokio::test]
async fn a_deleted_world_leaves_nothing_to_deliver() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    maker.subscribe(&receiver).await;
    maker.resend().await;
    let held = claim(&maker).await;
    maker.resend().await;
    maker.world.control("DELETE", "").send().await.data();
    maker.clock.advance(100 * HOUR * 1000);
    assert_eq!(maker.round().await, 0);
    let late = Attempt { status: Some(200), failure: None };
    assert_eq!(settle(&maker, &held[0], late, 0).await, Outcome::Lost);
    let due = maker.world.lab.app.engine().run(Effect::Reads, |root| {
        Box::pin(async { claims::due(root, i64::MAX, 100, &[], &InProgress::new(), ("", &[])).await })
    });
    assert!(due.await.expect("a look").is_empty());
}

/// A worker that only polls once a second would take ten seconds for this.
#[tokio::test]
async fn a_running_worker_is_woken_by_writes_and_stops_on_request() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(maker.worker.clone().run(async {
        let _ = stopped.await;
    }));
    maker.put(json!({"request_url": receiver.url()})).await.data();
    until(&maker, |shown| shown["verified"] == true).await;
    let began = Instant::now();
    for sent in 1..=10 {
        maker.resend().await;
        until(&maker, |_| receiver.events().len() == sent).await;
    }
    assert!(began.elapsed() < Duration::from_secs(5), "it slept: {:?}", began.elapsed());
    // It is told to stop during a delivery, which it completes.
    receiver.answer(Manner::Slowly(500));
    maker.resend().await;
    until(&maker, |_| receiver.events().len() == 11).await;
    drop(stop);
    running.await.expect("it ends");
    let fate = maker.fate(&text(&receiver.events()[10], "uuid")).await;
    assert_eq!(fate["state"], "delivered");
    maker.resend().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(receiver.events().len(), 11, "it has ended");
}

async fn until(maker: &Maker, done: impl Fn(&Value) -> bool) {
    let began = Instant::now();
    loop {
        let shown = maker.get().await;
        if done(&shown) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{shown}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// More events than a worker delivers at a time wait for a slow receiver; another app hears at once.
#[tokio::test]
async fn a_slow_receiver_delays_no_other() {
    let lab = Lab::start().await;
    let world = lab.world().await;
    let (slow, quick) = (Receiver::start(), Receiver::start());
    let (other, _) = world.app(json!({})).await;
    for (app_id, receiver) in [(&world.app_id, &slow), (&other, &quick)] {
        let body = json!({"request_url": receiver.url()});
        world.control("PUT", &format!("/apps/{app_id}/events")).body(body).send().await.data();
    }
    let worker = lab.delivery_worker();
    assert_eq!(worker.round().await, 2);
    slow.answer(Manner::Slowly(2000));
    let event = |app_id: &str| json!({"app_id": app_id, "type": "test.made_up_v1", "event": {}, "raw": true});
    let made = world.control("POST", "/events").body(event(&world.app_id)).send().await.data();
    for _ in 0..11 {
        let path = format!("/events/{}/resend", text(&made, "event_id"));
        world.control("POST", &path).body(json!({"times": 100})).send().await.data();
    }
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(worker.run(async {
        let _ = stopped.await;
    }));
    while slow.connections() < 10 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.control("POST", "/events").body(event(&other)).send().await.data();
    let began = Instant::now();
    while quick.events().is_empty() {
        assert!(began.elapsed() < Duration::from_millis(1500), "it waits for the slow one");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(slow.connections() < 200, "{} at a time", slow.connections());
    drop(stop);
    running.await.expect("no panic");
}

#[tokio::test]
async fn posts_in_progress_count_toward_the_most_of_an_app() {
    use larkspur_store::Clock;
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    maker.subscribe(&receiver).await;
    for _ in 0..5 {
        maker.resend().await;
    }
    let app_id = AppId::parse(&maker.app_id).expect("an app");
    let (engine, now) = (maker.world.lab.app.engine(), maker.clock.now_ms());
    let claim = async |count| {
        claim_beside(engine, now, InProgress::from([((app_id, Mode::Webhook), count)])).await.len()
    };
    assert_eq!((claim(POSTS_EACH).await, claim(POSTS_EACH - 2).await, claim(0).await), (0, 2, 3));
}

/// The events that are due, and whether two claims of them changed anything.
async fn claim_twice(engine: &Arc<Engine>, now: i64) -> (bool, [bool; 2]) {
    let due = engine.run(Effect::Reads, move |root| {
        Box::pin(async move { claims::due(root, now, 100, &[], &InProgress::new(), ("", &[])).await })
    });
    let due = Arc::new(due.await.expect("a look"));
    let mut acted = [false; 2];
    for acted in &mut acted {
        let due = due.clone();
        let claimed = engine.run(Effect::Writes, move |root| {
            let due = due.clone();
            Box::pin(async move {
                let rules: Arc<dyn EventRules> = Arc::new(NoRules);
                claims::claim(root, &due, now, &HashSet::new(), &rules).await
            })
        });
        *acted = claimed.await.expect("a claim").acted;
    }
    (!due.is_empty(), acted)
}

/// A worker searches again at once after a claim that changed something, so other claims must not say so.
#[tokio::test]
async fn a_claim_that_changes_nothing_says_so() {
    use larkspur_store::Clock;
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    maker.subscribe(&receiver).await;
    maker.resend().await;
    let engine = maker.world.lab.app.engine();
    assert_eq!(claim_twice(engine, maker.clock.now_ms()).await, (true, [true, false]));
    // A retry is claimed, the world's clock is set back, and the worker dies: the retry waits for its time.
    maker.clock.advance(LEASE_MS);
    receiver.answer(Manner::With("500 Internal Server Error", String::new()));
    assert_eq!(maker.round().await, 1);
    maker.clock.advance(15_000);
    let now = maker.clock.now_ms();
    assert_eq!(claim_twice(engine, now).await, (true, [true, false]));
    let tenant = TenantKey::parse(&maker.world.tenant_key).expect("a tenant");
    let moved = engine.run(Effect::Writes, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move { outbox::move_clock(&mut tx, -600_000, now).await })
    });
    moved.await.expect("a transaction");
    maker.clock.advance(LEASE_MS);
    assert_eq!(claim_twice(engine, maker.clock.now_ms()).await, (false, [false, false]));
    maker.clock.advance(600_000);
    assert_eq!(claim_twice(engine, maker.clock.now_ms()).await, (true, [true, false]));
}
