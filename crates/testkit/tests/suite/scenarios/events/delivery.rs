//! Delivery of events to an app: the URL and its verification, tickets, retries, encryption.

use std::sync::Arc;

use larkspur_api::events::app_ticket;
use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_server::delivery::DeliveryWorker;
use larkspur_store::Clock;
use larkspur_store::events::outbox;
use larkspur_testkit::{Lab, LabOptions, ManualClock, Reply, World};
use serde_json::{Value, json};

use crate::scenarios::{names, text};
use larkspur_testkit::receiver::{Manner, Receiver, signature};

const RESEND: &str = "/open-apis/auth/v3/app_ticket/resend";
/// 2023-11-14 22:13:20.123 UTC.
const NOW: i64 = 1_700_000_000_123;
pub(super) const HOUR: i64 = 3600;

/// The maker of an ISV app, with a worker of its own and a clock that stands still.
pub(super) struct Maker {
    pub(super) world: World,
    pub(super) app_id: String,
    secret: String,
    pub(super) clock: Arc<ManualClock>,
    pub(super) worker: Arc<DeliveryWorker>,
}

impl Maker {
    pub(super) async fn start() -> Maker {
        let clock = ManualClock::at(NOW);
        let lab = Lab::with(LabOptions { clock: clock.clone(), ..LabOptions::default() }).await;
        Maker::within(lab, clock).await
    }

    pub(super) async fn within(lab: Lab, clock: Arc<ManualClock>) -> Maker {
        let world = lab.world().await;
        let made = world.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
        let (app_id, secret) = (text(&made, "app_id"), text(&made, "app_secret"));
        Maker { worker: lab.delivery_worker(), world, app_id, secret, clock }
    }

    pub(super) async fn put(&self, body: Value) -> Reply {
        let path = format!("/apps/{}/events", self.app_id);
        self.world.control("PUT", &path).body(body).send().await
    }

    pub(super) async fn get(&self) -> Value {
        self.world.control("GET", &format!("/apps/{}/events", self.app_id)).send().await.data()
    }

    /// Sends what is due, including the hour's tickets; returns the number of attempts.
    pub(super) async fn round(&self) -> usize {
        let engine = self.world.lab.app.engine();
        app_ticket::send_due(engine, self.clock.now_ms()).await.expect("a transaction");
        self.worker.round().await
    }

    /// Sets the URL, which must pass verification.
    pub(super) async fn subscribe(&self, receiver: &Receiver) {
        self.put(json!({"request_url": receiver.url()})).await.data();
        assert_eq!(self.round().await, 1);
        assert_eq!(self.get().await["verified"], true);
    }

    pub(super) async fn resend(&self) {
        let body = json!({"app_id": self.app_id, "app_secret": self.secret});
        let reply = self.world.lab.request("POST", RESEND).body(body).send().await;
        assert_eq!(reply.json(), json!({"code": 0, "msg": "success"}));
    }

    /// The state of the event with this id.
    pub(super) async fn fate(&self, event_id: &str) -> Value {
        let shown = self.get().await;
        let all = shown["deliveries"].as_array().expect("deliveries");
        all.iter().find(|one| one["event_id"] == event_id).expect("the event").clone()
    }

    async fn ticket(&self) -> String {
        let path = format!("/apps/{}/sign_in", self.app_id);
        text(&self.world.control("GET", &path).send().await.data(), "app_ticket")
    }
}

#[tokio::test]
async fn an_address_is_verified_and_gets_what_is_asked_for() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    let before = maker.get().await;
    assert_eq!(
        names(&before),
        ["callbacks", "deliveries", "mode", "reason", "request_url", "verification_token", "verified"]
    );
    assert_eq!((&before["request_url"], &before["reason"]), (&json!(""), &json!("there is no request URL")));
    let put = maker.put(json!({"request_url": receiver.url()})).await.data();
    assert_eq!((&put["verified"], &put["reason"]), (&json!(false), &Value::Null), "it is still to be asked");
    assert_eq!(put["deliveries"][0]["event_type"], "url_verification");
    assert_eq!(put["verification_token"], before["verification_token"]);
    assert!(receiver.seen().is_empty(), "the call itself sends nothing");

    assert_eq!(maker.round().await, 1);
    let asked = receiver.seen().remove(0);
    assert_eq!(asked.line(), "POST /events?from=larkspur HTTP/1.1");
    assert_eq!(asked.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(asked.header("x-lark-signature"), None);
    assert_eq!(names(&asked.json()), ["challenge", "token", "type"]);
    assert_eq!(asked.json()["token"], before["verification_token"]);
    let shown = maker.get().await;
    assert_eq!(
        (&shown["verified"], &shown["reason"], &shown["encrypt_key"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    assert_eq!(shown["next_ticket_ms"], NOW + HOUR * 1000);
    let delivery = &shown["deliveries"][0];
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(1)));
    assert_eq!((&delivery["status"], &delivery["failure"]), (&json!(200), &Value::Null));

    maker.world.advance(60).await;
    maker.resend().await;
    assert_eq!(maker.round().await, 1);
    let (event, ticket) = (receiver.seen().remove(1), maker.ticket().await);
    let uuid = text(&event.json(), "uuid");
    // Byte for byte: some receivers serialize the body again and check the signature over that.
    let expected = format!(
        r#"{{"uuid":"{uuid}","token":{},"ts":"1700000060.123000","type":"event_callback","event":{{"app_id":"{}","app_ticket":"{ticket}","type":"app_ticket"}}}}"#,
        before["verification_token"], maker.app_id
    );
    assert_eq!(event.raw, expected);
    assert_eq!(uuid.len(), 32);
    let body = json!({"app_id": maker.app_id, "app_secret": maker.secret, "app_ticket": ticket});
    let path = "/open-apis/auth/v3/app_access_token";
    assert_eq!(maker.world.lab.request("POST", path).body(body).send().await.code(), 0);
    assert_eq!(maker.round().await, 0, "once is enough");
}

#[tokio::test]
async fn a_ticket_every_hour_of_the_worlds_clock() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    maker.subscribe(&receiver).await;
    maker.world.advance(HOUR - 1).await;
    assert_eq!(maker.round().await, 0);
    maker.world.advance(1).await;
    assert_eq!(maker.round().await, 1);
    assert_eq!(receiver.events()[0]["event"]["app_ticket"], maker.ticket().await.as_str());
    // The real time has the same effect.
    maker.clock.advance(HOUR * 1000 - 1);
    assert_eq!(maker.round().await, 0);
    maker.clock.advance(1);
    assert_eq!(maker.round().await, 1);
    // Skipped hours produce one ticket, and the rhythm stays.
    maker.world.advance(5 * HOUR + 600).await;
    assert_eq!(maker.round().await, 1);
    assert_eq!(maker.get().await["next_ticket_ms"], NOW + 8 * HOUR * 1000);
    // Back: no ticket waits for the old time to come again.
    maker.world.advance(-100 * HOUR).await;
    assert_eq!(maker.round().await, 0);
    maker.world.advance(HOUR).await;
    assert_eq!(maker.round().await, 1);
    let tickets: std::collections::BTreeSet<String> =
        receiver.events().iter().map(|event| text(&event["event"], "app_ticket")).collect();
    assert_eq!((receiver.events().len(), tickets.len()), (4, 4), "each is a new one");
}

#[tokio::test]
async fn a_custom_app_is_verified_and_gets_no_tickets() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    let path = format!("/apps/{}/events", maker.world.app_id);
    maker.world.control("PUT", &path).body(json!({"request_url": receiver.url()})).send().await.data();
    assert_eq!(maker.round().await, 1);
    let shown = maker.world.control("GET", &path).send().await.data();
    assert_eq!((&shown["verified"], &shown["next_ticket_ms"]), (&json!(true), &Value::Null));
    maker.world.advance(10 * HOUR).await;
    assert_eq!(maker.round().await, 0);
}

#[tokio::test]
async fn retries_after_15_seconds_5_minutes_1_hour_6_hours_and_no_more() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    maker.subscribe(&receiver).await;
    receiver.answer(Manner::With("500 Internal Server Error", "no room".to_owned()));
    maker.resend().await;
    maker.round().await;
    let uuid = text(&receiver.events()[0], "uuid");
    let count = || receiver.events().iter().filter(|event| event["uuid"] == uuid.as_str()).count();
    for (tries, wait) in [(1, 15), (2, 300), (3, HOUR), (4, 6 * HOUR)] {
        let fate = maker.fate(&uuid).await;
        assert_eq!((&fate["state"], &fate["attempts"]), (&json!("waiting"), &json!(tries)));
        assert_eq!((&fate["status"], &fate["failure"]), (&json!(500), &json!("HTTP 500: no room")));
        maker.world.advance(wait - 1).await;
        maker.round().await;
        assert_eq!(count(), tries, "{wait} s are not over");
        maker.world.advance(1).await;
        maker.round().await;
        assert_eq!(count(), tries + 1, "{wait} s are over");
    }
    let fate = maker.fate(&uuid).await;
    assert_eq!((&fate["state"], &fate["attempts"]), (&json!("dropped"), &json!(5)));
    assert_eq!(fate["next_try_ms"], Value::Null);
    maker.world.advance(100 * HOUR).await;
    maker.round().await;
    assert_eq!(count(), 5);
    let same: std::collections::BTreeSet<String> = receiver
        .seen()
        .iter()
        .filter(|seen| seen.json()["uuid"] == uuid.as_str())
        .map(|seen| seen.raw.clone())
        .collect();
    assert_eq!(same.len(), 1, "the same event at every attempt");
}

#[tokio::test]
async fn a_retry_arrives() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    maker.subscribe(&receiver).await;
    receiver.answer(Manner::Silently);
    maker.resend().await;
    assert_eq!(maker.round().await, 1);
    let uuid = text(&receiver.events()[0], "uuid");
    let fate = maker.fate(&uuid).await;
    assert!(text(&fate, "failure").starts_with("the connection broke"), "{fate}");
    receiver.answer(Manner::Well);
    assert_eq!(maker.round().await, 0);
    maker.world.advance(15).await;
    assert_eq!(maker.round().await, 1);
    let fate = maker.fate(&uuid).await;
    assert_eq!((&fate["state"], &fate["attempts"]), (&json!("delivered"), &json!(2)));
    assert_eq!(fate["failure"], Value::Null);
    assert_eq!(text(receiver.events().last().expect("an event"), "uuid"), uuid);
}

#[tokio::test]
async fn with_a_key_everything_is_encrypted_and_events_are_signed() {
    let key = "a key of their own";
    let (maker, receiver) = (Maker::start().await, Receiver::with_key(Some(key)));
    let put = maker.put(json!({"request_url": receiver.url(), "encrypt_key": key})).await.data();
    assert_eq!(put["encrypt_key"], key);
    assert_eq!(maker.round().await, 1);
    assert_eq!(maker.get().await["verified"], true);
    for _ in 0..2 {
        maker.resend().await;
    }
    assert_eq!(maker.round().await, 2);
    let seen = receiver.seen();
    assert_eq!(seen[0].header("x-lark-signature"), None);
    for event in &seen[1..] {
        assert_eq!(names(&serde_json::from_str::<Value>(&event.raw).expect("JSON")), ["encrypt"]);
        assert_eq!(event.json()["type"], "event_callback");
        assert_eq!(event.header("x-lark-request-timestamp"), Some("1700000000"));
        assert_eq!(event.header("x-lark-signature"), Some(signature(event, key).as_str()));
    }
    let nonces = seen[1..].iter().map(|event| event.header("x-lark-request-nonce"));
    assert_eq!(nonces.collect::<std::collections::BTreeSet<_>>().len(), 2);
    let starts = seen.iter().map(|event| event.raw[..30].to_owned());
    assert_eq!(starts.collect::<std::collections::BTreeSet<_>>().len(), 3, "an IV for each");
}

#[tokio::test]
async fn only_so_many_are_kept_and_only_so_many_are_shown() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    maker.subscribe(&receiver).await;
    for _ in 0..103 {
        maker.resend().await;
    }
    let tenant = TenantKey::parse(&maker.world.tenant_key).expect("a tenant");
    let app_id = AppId::parse(&maker.app_id).expect("an app");
    let trim = async || {
        let trimmed = maker.world.lab.app.engine().run(Effect::Writes, move |root| {
            let mut tx = root.tenant(tenant);
            Box::pin(async move {
                match outbox::excess(&mut tx, app_id, 100).await? {
                    Some(through) => outbox::trim(&mut tx, app_id, through).await,
                    None => Ok(0),
                }
            })
        });
        trimmed.await.expect("a transaction")
    };
    assert_eq!(
        (trim().await, trim().await),
        (4, 0),
        "three tickets too many, and the question to the address"
    );
    assert_eq!(maker.round().await, 100);
    assert_eq!(maker.get().await["deliveries"].as_array().expect("deliveries").len(), 20);
}

#[tokio::test]
async fn every_refusal_and_taking_the_address_away() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    for wrong in ["x", "ftp://a/b", "http://", "http://me@a/", "http://a/#b", "http://ä/", "/events"] {
        let reply = maker.put(json!({"request_url": wrong})).await;
        reply.refused(5275400);
        assert_eq!(reply.violated(), ["request_url"], "{wrong}");
    }
    maker.put(json!({"request_url": format!("http://a/{}", "x".repeat(2048))})).await.refused(5275400);
    maker.put(json!({})).await.refused(5275400);
    maker.put(json!({"request_url": "http://a/", "encrypt_key": ""})).await.refused(5275400);
    assert_eq!(maker.round().await, 0, "nothing was kept of what was refused");
    let customer = maker.world.lab.world().await;
    customer.control("POST", "/installs").body(json!({"app_id": maker.app_id})).send().await.data();
    for (world, app) in
        [(&customer, maker.app_id.as_str()), (&maker.world, "cli_0000000000000000"), (&maker.world, "x")]
    {
        let path = format!("/apps/{app}/events");
        world.control("GET", &path).send().await.refused(5275404);
        let body = json!({"request_url": "http://a/"});
        world.control("PUT", &path).body(body).send().await.refused(5275404);
    }
    maker.resend().await;
    assert_eq!(maker.round().await, 0, "there is no address");

    maker.subscribe(&receiver).await;
    receiver.answer(Manner::With("503 Service Unavailable", String::new()));
    maker.resend().await;
    maker.round().await;
    let taken = maker.put(json!({"request_url": ""})).await.data();
    assert_eq!((&taken["request_url"], &taken["verified"]), (&json!(""), &json!(false)));
    assert_eq!(taken["deliveries"][0]["state"], "dropped");
    maker.world.advance(10 * HOUR).await;
    assert_eq!(maker.round().await, 0);
}

#[tokio::test]
async fn a_new_address_takes_over() {
    let (maker, old, new) = (Maker::start().await, Receiver::start(), Receiver::start());
    maker.subscribe(&old).await;
    old.answer(Manner::With("500 Internal Server Error", String::new()));
    maker.resend().await;
    maker.round().await;
    maker.subscribe(&new).await;
    maker.world.advance(15).await;
    assert_eq!(maker.round().await, 0, "what waited for the old one is dropped");
    maker.resend().await;
    assert_eq!(maker.round().await, 1);
    assert_eq!((old.seen().len(), new.events().len()), (2, 1));
}

#[tokio::test]
async fn a_connection_to_a_receiver_is_used_again_until_it_closes() {
    let (maker, receiver) = (Maker::start().await, Receiver::start());
    maker.subscribe(&receiver).await;
    for _ in 0..3 {
        maker.resend().await;
        assert_eq!(maker.round().await, 1);
    }
    assert_eq!((receiver.events().len(), receiver.connections()), (3, 1));
    // One that hangs up is asked over a new connection before the attempt has failed.
    receiver.answer(Manner::Silently);
    maker.resend().await;
    assert_eq!(maker.round().await, 1);
    assert_eq!((receiver.events().len(), receiver.connections()), (5, 2));
    receiver.answer(Manner::Well);
    maker.resend().await;
    assert_eq!(maker.round().await, 1);
    assert_eq!((receiver.events().len(), receiver.connections()), (6, 3));
}
