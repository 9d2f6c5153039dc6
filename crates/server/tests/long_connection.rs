//! The long connection, on a socket, with a WebSocket client that is not ours.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use larkspur_server::delivery::connection::frame::{CONTROL, DATA, Frame, Header};
use larkspur_server::http::Limits;
use larkspur_server::{Ack, AppOptions, CallbackFailure, ConnectionOptions, NoAnswer, Request};
use serde_json::{Value, json};
use support::Setup;
use support::wire::{CALL, REFUSED, connect, metric, start, talk, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Error, Message, http};
use tokio_tungstenite::{WebSocketStream, client_async};

type Client = WebSocketStream<TcpStream>;

const LONG: Duration = Duration::from_secs(10);

/// A server on a socket.
struct Server {
    setup: Setup,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

async fn server(options: ConnectionOptions, limits: Limits) -> Server {
    let setup = Setup::new(AppOptions { long_connections: options, ..AppOptions::default() }).await;
    let (address, stop, serving) = start(&setup, limits).await;
    Server { setup, address, stop: Some(stop), serving }
}

async fn usual() -> Server {
    server(ConnectionOptions::default(), Limits::default()).await
}

impl Server {
    /// What the endpoint answers to a body: status and JSON.
    async fn ask(&self, body: &str) -> (u16, Value) {
        let host = self.address.to_string();
        let mut body = Bytes::copy_from_slice(body.as_bytes());
        let request = Request {
            method: "POST",
            path: "/callback/ws/endpoint",
            query: "",
            peer: None,
            headers: &vec![("Host", host.as_str())],
            body: &mut body,
        };
        let response = self.setup.app.handle(request).await;
        (response.status, serde_json::from_slice(response.body.bytes()).expect("JSON"))
    }

    async fn ask_with(&self, id: &str, secret: &str) -> Value {
        let (status, answer) = self.ask(&json!({"AppID": id, "AppSecret": secret}).to_string()).await;
        assert_eq!(status, 200, "clients take another one for a server that is away");
        answer
    }

    /// Where the app may connect.
    async fn url(&self) -> String {
        let answer = self.ask_with(&self.setup.app_id.to_string(), &self.setup.secret).await;
        answer["data"]["URL"].as_str().unwrap_or_else(|| panic!("no URL: {answer}")).to_owned()
    }

    async fn client(&self) -> Client {
        open(&self.url().await).await.expect("connected")
    }

    /// Sends an event to the app, in a task of its own.
    fn send(&self, payload: &str, time: Duration) -> JoinHandle<Result<Ack, NoAnswer>> {
        let (app, app_id) = (self.setup.app.clone(), self.setup.app_id);
        let payload = Bytes::copy_from_slice(payload.as_bytes());
        tokio::spawn(async move { app.long_connections().send(app.engine(), app_id, payload, time).await })
    }

    fn count(&self) -> usize {
        self.setup.app.long_connections().count()
    }
}

async fn open(url: &str) -> Result<Client, Error> {
    let authority = url.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).expect("a ws address");
    let stream = TcpStream::connect(authority).await.expect("connected");
    Ok(client_async(url, stream).await?.0)
}

/// A client whose socket holds little, whatever the system would give it.
async fn narrow(server: &Server) -> Client {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(64 << 10).expect("a small buffer");
    let stream = socket.connect(server.address).await.expect("connected");
    client_async(server.url().await, stream).await.expect("connected").0
}

/// The answer to an upgrade that was refused.
async fn refused(url: &str) -> http::Response<Option<Vec<u8>>> {
    match open(url).await {
        Err(Error::Http(response)) => *response,
        other => panic!("not refused: {:?}", other.map(drop)),
    }
}

async fn next(client: &mut Client) -> Frame {
    match timeout(LONG, client.next()).await.expect("in time") {
        Some(Ok(Message::Binary(bytes))) => Frame::read(bytes).expect("a frame"),
        other => panic!("no frame: {other:?}"),
    }
}

/// The code with which the server closes.
async fn closed(client: &mut Client) -> u16 {
    loop {
        match timeout(LONG, client.next()).await.expect("in time") {
            Some(Ok(Message::Close(Some(close)))) => return close.code.into(),
            Some(Ok(Message::Binary(_) | Message::Pong(_))) => {}
            other => panic!("not closed in order: {other:?}"),
        }
    }
}

fn ping(service: i32) -> Message {
    let headers = vec![Header { key: "type".to_owned(), value: "ping".to_owned() }];
    Message::Binary(Frame { service, method: CONTROL, headers, ..Frame::default() }.write())
}

/// The frame with another payload, as clients acknowledge.
fn ack(event: &Frame, payload: &str) -> Message {
    Message::Binary(
        Frame { payload: Some(Bytes::copy_from_slice(payload.as_bytes())), ..event.clone() }.write(),
    )
}

#[tokio::test]
async fn the_endpoint_gives_an_address_or_a_code() {
    let server = usual().await;
    let id = server.setup.app_id.to_string();
    let answer = server.ask_with(&id, &server.setup.secret).await;
    assert_eq!((&answer["code"], &answer["msg"]), (&json!(0), &json!("")), "{answer}");
    let config =
        json!({"ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30, "PingInterval": 120});
    assert_eq!(answer["data"]["ClientConfig"], config);
    let url = answer["data"]["URL"].as_str().expect("an address");
    let (before, query) = url.split_once('?').expect("a query");
    assert_eq!(before, format!("ws://{}/ws/v2", server.address));
    let pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["fpid", "aid", "device_id", "access_key", "service_id", "ticket"]);
    assert!(pairs[2].1.len() == 19 && pairs[3].1.len() == 32, "{query}");
    assert!(pairs[4].1.parse::<i32>().is_ok_and(|service| service > 0), "{query}");

    for (id, secret, code) in [
        (id.as_str(), "wrong", 1_000_040_345),
        ("cli_00000000000000ff", "any", 1_000_040_346),
        ("nonsense", "any", 1_000_040_346),
        (id.as_str(), "", 1_000_040_344),
    ] {
        let answer = server.ask_with(id, secret).await;
        assert_eq!((&answer["code"], &answer["data"]), (&json!(code), &json!({"URL": ""})), "{id} {secret}");
    }
    let assertion = json!({"AppID": id, "AppSecret": "", "ClientAssertion": "a.b.c"}).to_string();
    assert_eq!(server.ask(&assertion).await.1["code"], 514);
    for wrong in
        [json!({"appId": id, "appSecret": server.setup.secret}).to_string(), "{".to_owned(), String::new()]
    {
        let (status, answer) = server.ask(&wrong).await;
        assert_eq!((status, &answer["code"]), (400, &json!(9499)), "{wrong}");
    }
    server.setup.install(larkspur_contract::model::InstallStatus::Disabled, &[]).await;
    assert_eq!(server.ask_with(&id, &server.setup.secret).await["code"], 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_for_one_connection() {
    let server = usual().await;
    let url = server.url().await;
    // Not spent on what is no WebSocket.
    let target = url.split_once("/ws/v2").expect("a path").1;
    let plain = format!("GET /ws/v2{target} HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(talk(&mut connect(server.address).await, plain.as_bytes()).await.starts_with("HTTP/1.1 400 "));
    let first = open(&url).await.expect("connected");
    assert_eq!(server.count(), 1);
    for wrong in [url.clone(), url.replace("ticket=", "ticket=0"), url.replace("ticket=", "other=")] {
        let response = refused(&wrong).await;
        let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(
            (header("handshake-status"), header("handshake-autherrcode")),
            ("514".into(), "514".into())
        );
        assert_eq!(header("handshake-msg"), "auth failed");
    }
    assert_eq!(server.count(), 1);
    let late = server.url().await;
    server.setup.pass(120_000);
    assert_eq!(refused(&late).await.headers()["handshake-status"], "514");
    drop(first);
    until("it is gone", async || server.count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_are_answered_with_the_whole_configuration() {
    let options =
        ConnectionOptions { reconnect_nonce: 0, reconnect_interval: 1, ..ConnectionOptions::default() };
    let server = server(options, Limits { connections: 1, ..Limits::default() }).await;
    let mut client = server.client().await;
    client.send(ping(7)).await.expect("sent");
    let pong = next(&mut client).await;
    assert_eq!((pong.method, pong.service, pong.header("type")), (CONTROL, 7, Some("pong")));
    let config: Value = serde_json::from_slice(&pong.payload.expect("a payload")).expect("JSON");
    let expected =
        json!({"ReconnectCount": -1, "ReconnectInterval": 1, "ReconnectNonce": 0, "PingInterval": 120});
    assert_eq!(config, expected);
    client.send(Message::Ping(Bytes::from_static(b"x"))).await.expect("sent");
    assert_eq!(
        client.next().await.expect("a message").expect("sound"),
        Message::Pong(Bytes::from_static(b"x"))
    );
    // It has no seat of HTTP.
    assert!(talk(&mut connect(server.address).await, CALL).await.contains(REFUSED));
    assert_eq!(metric(server.address, "larkspur_long_connections").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_acknowledged_or_not() {
    let server = usual().await;
    assert_eq!(server.send("{}", LONG).await.expect("no panic"), Err(NoAnswer::NotConnected));
    let mut client = server.client().await;
    let mut ids = Vec::new();
    for (answer, code) in [(r#"{"code": 200}"#, Some(200)), (r#"{"code":500}"#, Some(500)), ("no", None)] {
        let sent = server.send(r#"{"schema":"2.0"}"#, LONG);
        let event = next(&mut client).await;
        assert_eq!(event.method, DATA);
        assert_eq!(event.payload.as_deref(), Some(&br#"{"schema":"2.0"}"#[..]));
        for (key, value) in [("type", "event"), ("sum", "1"), ("seq", "0")] {
            assert_eq!(event.header(key), Some(value));
        }
        assert!(event.header("trace_id").is_some_and(|id| id.len() == 32));
        ids.push(event.header("message_id").expect("an id").to_owned());
        client.send(ack(&event, answer)).await.expect("sent");
        assert_eq!(sent.await.expect("no panic").map(|ack| ack.code), Ok(code), "{answer}");
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "each push has an id of its own");
    let sent = server.send("{}", LONG);
    let event = next(&mut client).await;
    client.send(ack(&event, r#"{"code":200,"data":"eyJ0b2FzdCI6e319"}"#)).await.expect("sent");
    let answer = sent.await.expect("no panic").expect("answered");
    assert_eq!(answer.data.as_deref(), Some(&br#"{"toast":{}}"#[..]));

    // Late: the sender waits no more.
    let sent = server.send("{}", Duration::from_millis(50));
    let event = next(&mut client).await;
    assert_eq!(sent.await.expect("no panic"), Err(NoAnswer::Late));
    client.send(ack(&event, r#"{"code":200}"#)).await.expect("sent");
    let sent = server.send("{}", LONG);
    next(&mut client).await;
    drop(client);
    assert_eq!(sent.await.expect("no panic"), Err(NoAnswer::Closed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_brings_its_answer_back() {
    let server = usual().await;
    let ask = || {
        let (app, app_id) = (server.setup.app.clone(), server.setup.app_id);
        tokio::spawn(async move {
            app.long_connections().ask(app.engine(), app_id, Bytes::from_static(b"{}")).await
        })
    };
    let none = CallbackFailure::NoAnswer(NoAnswer::NotConnected);
    assert_eq!(ask().await.expect("no panic"), Err(none));
    let mut client = server.client().await;
    for (payload, expected) in [
        (r#"{"code":200,"data":"eyJ0b2FzdCI6e319"}"#, Ok(json!({"toast": {}}))),
        (r#"{"code":200}"#, Ok(json!({}))),
        (r#"{"code":200,"data":"W10="}"#, Err(CallbackFailure::Malformed)),
        (r#"{"code":200,"data":"?"}"#, Err(CallbackFailure::Malformed)),
        (r#"{"code":500}"#, Err(CallbackFailure::Refused(Some(500)))),
        ("x", Err(CallbackFailure::Refused(None))),
    ] {
        let asked = ask();
        let question = next(&mut client).await;
        assert_eq!(question.header("type"), Some("event"), "clients take no other type");
        client.send(ack(&question, payload)).await.expect("sent");
        assert_eq!(asked.await.expect("no panic"), expected, "{payload}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_events_are_split() {
    let options = ConnectionOptions { split_bytes: 100, ..ConnectionOptions::default() };
    let server = server(options, Limits::default()).await;
    let mut client = server.client().await;
    let payload = format!("{{\"text\":\"{}\"}}", "x".repeat(500));
    let sent = server.send(&payload, LONG);
    let mut whole = Vec::new();
    let mut last = next(&mut client).await;
    let count: usize = last.header("sum").expect("a sum").parse().expect("a number");
    for seq in 0..count {
        assert_eq!(last.header("seq"), Some(seq.to_string().as_str()));
        whole.extend_from_slice(last.payload.as_ref().expect("a part"));
        if seq + 1 < count {
            last = next(&mut client).await;
        }
    }
    assert_eq!(
        (whole.len(), whole == payload.as_bytes(), count),
        (payload.len(), true, payload.len().div_ceil(100))
    );
    client.send(ack(&last, r#"{"code":200}"#)).await.expect("sent");
    assert!(sent.await.expect("no panic").is_ok_and(|ack| ack.is_success()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_has_fifty_connections() {
    let server = usual().await;
    let early = server.url().await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(server.client().await);
    }
    let answer = server.ask_with(&server.setup.app_id.to_string(), &server.setup.secret).await;
    assert_eq!((&answer["code"], &answer["data"]), (&json!(1_000_040_350), &json!({"URL": ""})));
    let response = refused(&early).await;
    assert_eq!(response.headers()["handshake-status"], "514");
    assert_eq!(response.headers()["handshake-autherrcode"], "1000040350");
    assert_eq!(server.count(), 50);
    // Those that are open go on, and one that ends makes room.
    let mut sent = server.send("{}", LONG);
    let all = clients.iter_mut().map(|client| Box::pin(next(client)));
    let (event, _, _) = futures_util::future::select_all(all).await;
    assert!(timeout(Duration::from_millis(50), &mut sent).await.is_err(), "it waits for the acknowledgment");
    assert_eq!(event.method, DATA);
    clients.pop();
    until("there is room", async || server.count() == 49).await;
    drop(server.client().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_frame_closes_the_connection_and_no_other() {
    let server = usual().await;
    let mut other = server.client().await;
    for (message, code) in [
        (Message::text("hello"), 1003),
        (Message::binary(&b"\xff\xff\xff"[..]), 1007),
        (Message::binary([0x2a, 0x00].repeat(1000)), 1008),
        (Message::binary(vec![0; (1 << 20) + 1]), 1009),
    ] {
        let mut client = server.client().await;
        client.send(message).await.expect("sent");
        assert_eq!(closed(&mut client).await, code);
    }
    // A gigabyte is announced and never sent; then a frame that is not masked.
    for (bytes, code) in
        [(&[0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4][..], 1009), (&[0x82, 0x01, 0x00], 1002)]
    {
        let mut client = server.client().await;
        client.get_mut().write_all(bytes).await.expect("sent");
        assert_eq!(closed(&mut client).await, code);
    }
    // Half a frame, and no more.
    let mut half = server.client().await;
    half.get_mut().write_all(&[0x82, 0x85, 1, 2]).await.expect("sent");
    drop(half);
    for message in [ping(1), Message::Ping(Bytes::new())] {
        let mut client = server.client().await;
        for _ in 0..300 {
            // It may be closed before all are sent.
            let _ = client.send(message.clone()).await;
        }
        assert_eq!(closed(&mut client).await, 1008);
    }
    other.send(ping(1)).await.expect("sent");
    assert_eq!(next(&mut other).await.header("type"), Some("pong"));
    until("they are gone", async || server.count() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_is_cut_off() {
    let limits = Limits { write: Duration::from_millis(500), ..Limits::default() };
    let server = server(ConnectionOptions::default(), limits).await;
    let _deaf = server.client().await;
    let payload = "x".repeat(200 << 10);
    let mut failures = Vec::new();
    until("it is cut off", async || {
        let sent: Vec<_> = (0..20).map(|_| server.send(&payload, Duration::from_millis(100))).collect();
        for one in sent {
            failures.extend(one.await.expect("no panic").err());
        }
        server.count() == 0
    })
    .await;
    assert!(failures.contains(&NoAnswer::Congested), "the queue is bounded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_closed() {
    let options = ConnectionOptions { ping_interval: 1, ..ConnectionOptions::default() };
    let server = server(options, Limits::default()).await;
    let (mut silent, mut lively) = (server.client().await, server.client().await);
    let began = Instant::now();
    let pinging = async {
        loop {
            lively.send(ping(1)).await.expect("sent");
            assert_eq!(next(&mut lively).await.header("type"), Some("pong"));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let code = tokio::select! {
        code = closed(&mut silent) => code,
        () = pinging => unreachable!("it goes on"),
    };
    assert_eq!(code, 1001);
    assert!(began.elapsed() >= Duration::from_millis(2900), "after three intervals");
    assert_eq!(server.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_shutdown_connections_are_closed_in_order() {
    let mut server = usual().await;
    let (mut reads, _deaf) = (server.client().await, server.client().await);
    let url = server.url().await;
    let began = Instant::now();
    server.stop.take().expect("once").send(()).expect("it listens");
    assert_eq!(closed(&mut reads).await, 1000);
    let app = Arc::clone(&server.setup.app);
    server.serving.await.expect("no panic");
    assert!(began.elapsed() < Duration::from_millis(1800), "{:?}", began.elapsed());
    assert_eq!(app.long_connections().count(), 0);
    assert!(TcpStream::connect(url.split('/').nth(2).expect("an authority")).await.is_err());
}

/// It reads a byte now and then, so no write is without progress.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_too_slowly_is_disconnected() {
    let options =
        ConnectionOptions { write_time: Duration::from_millis(500), ..ConnectionOptions::default() };
    let server = server(options, Limits::default()).await;
    let mut client = narrow(&server).await;
    let reading = tokio::spawn(async move {
        while matches!(client.get_mut().read(&mut [0]).await, Ok(1)) {
            sleep(Duration::from_millis(20)).await;
        }
    });
    let began = Instant::now();
    // The first is more than the server's own buffer holds, which grows to 4 MiB on Linux.
    let sent: Vec<_> = (0..3).map(|_| server.send(&"x".repeat(16 << 20), LONG)).collect();
    until("it is disconnected", async || server.count() == 0).await;
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    for sent in sent {
        let failed = sent.await.expect("no panic").expect_err("nothing was acknowledged");
        assert!(matches!(failed, NoAnswer::Closed | NoAnswer::Congested), "{failed:?}");
    }
    reading.abort();
}
