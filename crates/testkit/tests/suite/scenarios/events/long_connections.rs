//! Events by long connection, from the change in the store to the acknowledgment and back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use larkspur_contract::Effect;
use larkspur_contract::events::APP_TICKET;
use larkspur_server::App;
use larkspur_server::delivery::DeliveryWorker;
use larkspur_server::delivery::connection::frame::Frame;
use larkspur_server::http::{Limits, serve};
use larkspur_store::events::connections;
use larkspur_store::events::outbox::{self, Event, KEPT};
use larkspur_store::{Clock, Driver, jobs};
use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::{Lab, LabOptions, ManualClock, World};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::faults::claim_in;
use super::recipients::emit;
use crate::scenarios::text;
use larkspur_testkit::receiver::Receiver;

const NOW: i64 = 1_700_000_000_123;
const HOUR_MS: i64 = 3_600_000;
const ENDPOINT: &str = "/callback/ws/endpoint";
const ONLINE: &str = "/open-apis/event/v1/connection";

/// A world whose app receives events by long connection, and a clock that stands still.
pub(crate) struct Setup {
    pub(crate) lab: Lab,
    pub(crate) world: World,
    clock: Arc<ManualClock>,
    pub(crate) worker: Arc<DeliveryWorker>,
}

impl Setup {
    pub(crate) async fn start() -> Setup {
        let clock = ManualClock::at(NOW);
        let lab = Lab::with(LabOptions { clock: clock.clone(), ..LabOptions::default() }).await;
        Setup::within(&lab, clock, lab.delivery_worker()).await
    }

    /// In a new world of a server.
    pub(crate) async fn within(lab: &Lab, clock: Arc<ManualClock>, worker: Arc<DeliveryWorker>) -> Setup {
        let setup = Setup { worker, lab: lab.clone(), world: lab.world().await, clock };
        setup.world.receive_by_connection().await;
        setup
    }

    pub(crate) async fn emit(&self, name: &str) {
        assert_eq!(emit(self.lab.app.engine(), &self.world, name).await, 1);
    }

    pub(crate) fn advance(&self, milliseconds: i64) {
        self.clock.advance(milliseconds);
    }

    /// The URL that the app gets to connect to a server at an address.
    async fn url(&self, lab: &Lab, address: &str) -> String {
        let body = json!({"AppID": self.world.app_id, "AppSecret": self.world.app_secret});
        let reply = lab.request("POST", ENDPOINT).header("Host", address).body(body).send().await;
        reply.json()["data"]["URL"].as_str().expect("an address").to_owned()
    }

    /// Connects to a server of the store.
    pub(crate) async fn connect(&self, lab: &Lab) -> Client {
        let address = listen(lab.app.clone()).await;
        let url = self.url(lab, &address).await;
        let stream = TcpStream::connect(&address).await.expect("connected");
        Client(client_async(url, stream).await.expect("a long connection").0)
    }

    pub(crate) async fn online(&self, lab: &Lab) -> Value {
        let reply = lab.request("GET", ONLINE).token(&self.world.token).send().await;
        reply.data()["online_instance_cnt"].clone()
    }

    /// What the control API shows of the events, the oldest first.
    async fn fates(&self) -> Vec<(Value, Value, Value, Value)> {
        let path = format!("/apps/{}/events", self.world.app_id);
        let shown = self.world.control("GET", &path).send().await.data();
        let all = shown["deliveries"].as_array().expect("deliveries").iter().rev();
        let fate = |one: &Value| {
            let of = |name: &str| one[name].clone();
            (of("state"), of("attempts"), of("status"), of("failure"))
        };
        all.map(fate).collect()
    }

    /// What is due is tried, in a task of its own.
    pub(crate) fn round(&self) -> JoinHandle<usize> {
        let worker = self.worker.clone();
        tokio::spawn(async move { worker.round().await })
    }
}

async fn listen(app: Arc<App>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(serve(listener, app, Limits::default(), std::future::pending()));
    address
}

pub(crate) struct Client(pub(crate) WebSocketStream<TcpStream>);

impl Client {
    pub(crate) async fn event(&mut self) -> (Frame, Value) {
        let message = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await.expect("in time");
        let Some(Ok(Message::Binary(bytes))) = message else { panic!("no frame: {message:?}") };
        let frame = Frame::read(bytes).expect("a frame");
        let event = serde_json::from_slice(frame.payload.as_ref().expect("a payload")).expect("JSON");
        (frame, event)
    }

    pub(crate) async fn ack(&mut self, frame: &Frame, code: u32) {
        let payload = Some(Bytes::from(json!({"code": code}).to_string()));
        let frame = Frame { payload, ..frame.clone() };
        self.0.send(Message::Binary(frame.write())).await.expect("sent");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_sent_when_the_app_connects() {
    let setup = Setup::start().await;
    setup.emit("early").await;
    assert_eq!(setup.worker.round().await, 0, "there is nothing to send it over");
    let offline = (json!("waiting"), json!(1), Value::Null, json!("the app has no long connection open"));
    assert_eq!(setup.fates().await, [offline]);
    assert_eq!(setup.online(&setup.lab).await, 0);

    let mut client = setup.connect(&setup.lab).await;
    let round = setup.round();
    let (frame, event) = client.event().await;
    assert_eq!(
        (&event["event"]["name"], &event["header"]["token"]),
        (&json!("early"), &json!("")),
        "no key, no token"
    );
    client.ack(&frame, 200).await;
    assert_eq!(round.await.expect("no panic"), 1);
    assert_eq!(setup.fates().await, [(json!("delivered"), json!(2), json!(200), Value::Null)]);
    assert_eq!(setup.online(&setup.lab).await, 1);

    drop(client);
    while setup.lab.app.long_connections().count() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    setup.worker.round().await;
    assert_eq!(setup.online(&setup.lab).await, 0);
}

#[tokio::test]
async fn apps_of_the_store_do_not_connect() {
    let setup = Setup::start().await;
    let isv = setup.world.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
    let body = json!({"AppID": isv["app_id"], "AppSecret": isv["app_secret"]});
    let reply = setup.lab.request("POST", ENDPOINT).body(body).send().await;
    let refused = json!({"code": 403, "msg": "forbidden", "data": {"URL": ""}});
    assert_eq!((reply.status(), reply.json()), (200, refused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_not_handled_comes_again() {
    let setup = Setup::start().await;
    let mut client = setup.connect(&setup.lab).await;
    setup.emit("one").await;
    let (mut event_ids, mut message_ids) = (Vec::new(), Vec::new());
    for wait in [0, 15, 300, 3600, 6 * 3600] {
        setup.clock.advance(wait * 1000 - 1);
        assert_eq!(setup.worker.round().await, 0, "not before its time");
        setup.clock.advance(1);
        let round = setup.round();
        let (frame, event) = client.event().await;
        event_ids.push(event["header"]["event_id"].clone());
        message_ids.push(frame.header("message_id").expect("an id").to_owned());
        client.ack(&frame, 500).await;
        assert_eq!(round.await.expect("no panic"), 1);
    }
    let failure = json!("the app acknowledged with code 500");
    assert_eq!(setup.fates().await, [(json!("dropped"), json!(5), json!(500), failure)]);
    event_ids.dedup();
    message_ids.dedup();
    assert_eq!((event_ids.len(), message_ids.len()), (1, 5), "one event, a message each time");
    setup.clock.advance(24 * 3600 * 1000);
    assert_eq!(setup.worker.round().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_ends_before_it_acknowledges_has_failed() {
    let setup = Setup::start().await;
    let mut client = setup.connect(&setup.lab).await;
    setup.emit("one").await;
    let round = setup.round();
    client.event().await;
    drop(client);
    assert_eq!(round.await.expect("no panic"), 1);
    let failure = json!("the long connection closed before the acknowledgment");
    assert_eq!(setup.fates().await, [(json!("waiting"), json!(1), Value::Null, failure)]);
    // Then it waits for its time, as it does after an answer that will not do.
    let mut client = setup.connect(&setup.lab).await;
    assert_eq!(setup.worker.round().await, 0);
    setup.clock.advance(15_000);
    let round = setup.round();
    let (frame, _) = client.event().await;
    client.ack(&frame, 200).await;
    assert_eq!(round.await.expect("no panic"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_goes_to_one_of_many_connections() {
    let setup = Setup::start().await;
    let (mut one, mut two) = (setup.connect(&setup.lab).await, setup.connect(&setup.lab).await);
    for number in 0..60 {
        setup.emit(&number.to_string()).await;
    }
    let round = setup.round();
    let mut seen = [Vec::new(), Vec::new()];
    for _ in 0..60 {
        let (client, place, (frame, event)) = tokio::select! {
            event = one.event() => (&mut one, 0, event),
            event = two.event() => (&mut two, 1, event),
        };
        client.ack(&frame, 200).await;
        seen[place].push(text(&event["header"], "event_id"));
    }
    assert_eq!(round.await.expect("no panic"), 60);
    assert!(seen.iter().all(|ids| ids.len() > 10), "by chance: {}, {}", seen[0].len(), seen[1].len());
    let all: std::collections::BTreeSet<&String> = seen.iter().flatten().collect();
    assert_eq!(all.len(), 60, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_that_has_the_connection_sends() {
    let setup = Setup::start().await;
    let Some(other) = setup.lab.beside().await else { return };
    let sending = other.delivery_worker();
    let mut client = setup.connect(&other).await;
    sending.round().await;
    assert_eq!(setup.online(&setup.lab).await, 1, "this server knows of the other's");
    setup.emit("one").await;
    assert_eq!(setup.worker.round().await, 0, "it is left to the other one");
    let round = tokio::spawn(async move { sending.round().await });
    let (frame, event) = client.event().await;
    assert_eq!(event["event"]["name"], "one");
    client.ack(&frame, 200).await;
    assert_eq!(round.await.expect("no panic"), 1);
    assert_eq!(setup.fates().await, [(json!("delivered"), json!(1), json!(200), Value::Null)]);
    // The other one is killed: its word counts for a while, and then the event has no way.
    setup.emit("two").await;
    setup.worker.round().await;
    assert_eq!(setup.fates().await[1].1, 0);
    setup.clock.advance(30_001);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    setup.worker.round().await;
    assert_eq!(setup.fates().await[1].3, "the app has no long connection open");
    drop(client);
}

/// 50, to all servers together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_has_so_many_connections_to_all_servers() {
    let setup = Setup::start().await;
    let Some(other) = setup.lab.beside().await else { return };
    let (here, there) = (listen(setup.lab.app.clone()).await, listen(other.app.clone()).await);
    let (servers, workers) =
        ([(&setup.lab, &here), (&other, &there)], [setup.worker.clone(), other.delivery_worker()]);
    let connect = async |url: String, address: &str| {
        let stream = TcpStream::connect(address).await.expect("connected");
        client_async(url, stream).await.map(|(client, _)| client)
    };
    // Tickets that were given while there was room.
    let early = [setup.url(&setup.lab, &here).await, setup.url(&other, &there).await];
    let mut open = Vec::new();
    for number in 0..50 {
        let (lab, address) = servers[usize::from(number % 5 >= 3)];
        open.push(connect(setup.url(lab, address).await, address).await.expect("a long connection"));
    }
    for worker in &workers {
        worker.tell().await;
    }
    let asked = async |lab: &Lab| {
        let body = json!({"AppID": setup.world.app_id, "AppSecret": setup.world.app_secret});
        lab.request("POST", ENDPOINT).body(body).send().await.json()["code"].clone()
    };
    for ((lab, address), url) in servers.into_iter().zip(early) {
        assert_eq!(asked(lab).await, json!(1_000_040_350));
        let Err(Error::Http(refusal)) = connect(url, address).await else { panic!("it is connected") };
        assert_eq!(refusal.headers()["handshake-autherrcode"], "1000040350");
    }
    // One that the other server lost makes room here.
    drop(open.pop());
    let closed = async {
        while other.app.long_connections().count() > 19 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), closed).await.expect("the server sees that it ended");
    workers[1].tell().await;
    assert_eq!(asked(&setup.lab).await, json!(0));
    // The other server is killed: when it has missed a renewal, its connections do not count.
    setup.clock.advance(connections::RENEWAL_MS);
    workers[0].tell().await;
    setup.clock.advance(connections::RENEWAL_MS / 2 + 1);
    for _ in 0..20 {
        open.push(connect(setup.url(&setup.lab, &here).await, &here).await.expect("a long connection"));
    }
    assert_eq!(asked(&setup.lab).await, json!(1_000_040_350));
}

/// A ticket is valid for a minute, unless the app gets another secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_ends_with_the_secret_that_it_was_given_for() {
    let setup = Setup::start().await;
    let address = listen(setup.lab.app.clone()).await;
    let (before, after) = (setup.url(&setup.lab, &address).await, setup.url(&setup.lab, &address).await);
    let connect = async |url: String| {
        let stream = TcpStream::connect(&address).await.expect("connected");
        client_async(url, stream).await.map(drop)
    };
    assert!(connect(before).await.is_ok());
    let path = format!("/apps/{}/secret", setup.world.app_id);
    setup.world.control("POST", &path).send().await.data();
    let Err(Error::Http(refusal)) = connect(after).await else { panic!("it is connected") };
    assert_eq!(
        (refusal.status().as_u16(), &refusal.headers()["Handshake-Status"]),
        (400, &"514".parse().expect("a value"))
    );
}

/// What is sent and not acknowledged is shown for each connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_acknowledged_is_shown() {
    let setup = Setup::start().await;
    let mut client = setup.connect(&setup.lab).await;
    let pending = async || {
        setup.worker.tell().await;
        let path = format!("/apps/{}/connections", setup.world.app_id);
        setup.world.control("GET", &path).send().await.data()["connections"][0]["pending"].clone()
    };
    assert_eq!(pending().await, json!(0));
    add_many(&setup, 3).await;
    let round = setup.round();
    let frames = [client.event().await.0, client.event().await.0, client.event().await.0];
    assert_eq!(pending().await, json!(3));
    for frame in &frames {
        client.ack(frame, 200).await;
    }
    assert_eq!(round.await.expect("no panic"), 3);
    assert_eq!(pending().await, json!(0));
}

/// Adds so many events of the world's app, in several transactions: one of all may take longer than the store waits.
async fn add_many(setup: &Setup, count: i64) {
    const PIECE: i64 = 1000;
    let (tenant, app_id) = setup.world.keys();
    for begin in (0..count).step_by(usize::try_from(PIECE).expect("small")) {
        let adding = setup.lab.app.engine().run(Effect::Writes, move |root| {
            let mut tx = root.tenant(tenant);
            Box::pin(async move {
                for _ in begin..count.min(begin + PIECE) {
                    let event =
                        Event { kind: &APP_TICKET, app_id, developer: tenant, payload: "{}", created_at: 0 };
                    outbox::add(&mut tx, &event).await?;
                }
                Ok(())
            })
        });
        adding.await.expect("a transaction");
    }
}

/// An app that never connects makes no deliveries; its old events are deleted all the same.
#[tokio::test]
async fn only_so_many_are_kept_for_an_app_that_never_connects() {
    let setup = Setup::start().await;
    add_many(&setup, KEPT + 1200).await;
    assert_eq!(setup.worker.round().await, 0);
    let (tenant, app_id) = setup.world.keys();
    let left = setup.lab.app.engine().run(Effect::Reads, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move { outbox::excess(&mut tx, app_id, KEPT).await })
    });
    assert_eq!(left.await.expect("a transaction"), None, "nothing is left to delete");
}

/// It has more events than a worker sends at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_acknowledges_nothing_delays_no_other() {
    let setup = Setup::start().await;
    let (mut silent, quick) = (setup.connect(&setup.lab).await, Receiver::start());
    let (other, _) = setup.world.app(json!({})).await;
    let body = json!({"request_url": quick.url()});
    setup.world.control("PUT", &format!("/apps/{other}/events")).body(body).send().await.data();
    assert_eq!(setup.worker.round().await, 1);
    add_many(&setup, 1500).await;
    let running = tokio::spawn(setup.worker.clone().run(std::future::pending()));
    silent.event().await;
    let event = json!({"app_id": other, "type": "test.made_up_v1", "event": {}, "raw": true});
    setup.world.control("POST", "/events").body(event).send().await.data();
    let began = Instant::now();
    while quick.events().is_empty() {
        assert!(began.elapsed() < Duration::from_millis(1500), "it waits for the silent one");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.abort();
}

/// Another server sweeps the row of a connected app, or its lease ends, and an event fails meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_whose_row_is_gone_is_stored_again_and_gets_what_failed() {
    let setup = Setup::start().await;
    let mut client = setup.connect(&setup.lab).await;
    setup.worker.round().await;
    let engine = setup.lab.app.engine();
    for (sweeps, waits, renewal) in
        [(true, 0, connections::RENEWAL_MS), (false, connections::LEASE_MS + 1, 0)]
    {
        if sweeps {
            jobs::sweep(engine, setup.clock.now_ms() + HOUR_MS).await.expect("swept");
        }
        setup.clock.advance(waits);
        assert_eq!(setup.online(&setup.lab).await, 0);
        setup.emit("lost").await;
        assert!(claim_in(engine, setup.clock.now_ms()).await.is_empty());
        assert_eq!(setup.fates().await.pop().expect("an event").3, "the app has no long connection open");
        setup.clock.advance(renewal);
        let round = setup.round();
        let (frame, _) = client.event().await;
        client.ack(&frame, 200).await;
        assert_eq!(round.await.expect("no panic"), 1);
        assert_eq!(setup.online(&setup.lab).await, 1);
    }
}

/// On PostgreSQL, a claim that began before the app connected fails an event after the release.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_fails_while_the_app_connects_is_sent_at_the_next_renewal() {
    let setup = Setup::start().await;
    let mut client = setup.connect(&setup.lab).await;
    setup.worker.round().await;
    setup.emit("early").await;
    // For this claim the app is not connected: its lease has ended.
    let later = setup.clock.now_ms() + connections::LEASE_MS + 1;
    assert!(claim_in(setup.lab.app.engine(), later).await.is_empty());
    assert_eq!(setup.fates().await[0].1, 1);
    setup.clock.advance(connections::RENEWAL_MS);
    let round = setup.round();
    let (frame, _) = client.event().await;
    client.ack(&frame, 200).await;
    assert_eq!(round.await.expect("no panic"), 1);
}

/// It has no worker that could send events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_server_takes_no_connections() {
    let driver: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let options = || LabOptions { driver: Some(driver.clone()), ..LabOptions::default() };
    let writes = Lab::with(options()).await;
    let world = writes.world().await;
    let reads = Lab::with(LabOptions { read_only: true, ..options() }).await;
    let address = listen(reads.app.clone()).await;
    let ask = async |lab: &Lab| {
        let body = json!({"AppID": world.app_id, "AppSecret": world.app_secret});
        lab.request("POST", ENDPOINT).header("Host", &address).body(body).send().await.json()
    };
    let refused = json!({"code": 1_000_040_343, "msg": "internal error", "data": {"URL": ""}});
    assert_eq!(ask(&reads).await, refused);
    // A ticket of a server that writes.
    let url = text(&ask(&writes).await["data"], "URL");
    let stream = TcpStream::connect(&address).await.expect("connected");
    let Err(Error::Http(response)) = client_async(url, stream).await else { panic!("it is not refused") };
    assert_eq!(response.headers()["handshake-autherrcode"], "1000040343");
}
