//! Bodies that are not sent at once: streams and upgrades, on a socket.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use larkspur_server::http::Limits;
use larkspur_server::{Answered, AppOptions, Asked, Endpoint, Pieces, Response, Upgrade, Upgraded};
use support::Setup;
use support::wire::{CALL, REFUSED, connect, metric, once, start, talk, until, whole};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const fn endpoint(path: &'static str, answer: for<'a, 'r> fn(Asked<'a, 'r>) -> Answered<'a>) -> Endpoint {
    Endpoint { path, methods: "GET", named: false, answer }
}

static ENDPOINTS: &[Endpoint] = &[
    endpoint("echo", echo),
    endpoint("stubborn", stubborn),
    endpoint("three", three),
    endpoint("endless", endless),
    endpoint("flood", flood),
    endpoint("panics", panics),
    endpoint("metrics", |asked| (larkspur_server::ENDPOINTS[2].answer)(asked)),
];

/// Echoes what it reads, and says goodbye at shutdown.
fn echo<'a>(Asked { request, .. }: Asked<'a, '_>) -> Answered<'a> {
    let sent = request.header("x-ANY").unwrap_or_default().to_owned();
    let upgrade = Upgrade::new("echo", |upgraded: Upgraded| async move {
        let Upgraded { mut io, mut stop } = upgraded;
        let mut bytes = [0; 1024];
        loop {
            tokio::select! {
                read = io.read(&mut bytes) => match read {
                    Ok(read @ 1..) => io.write_all(&bytes[..read]).await.expect("written"),
                    _ => return,
                },
                () = stop.stopped() => return io.write_all(b"bye").await.expect("written"),
            }
        }
    });
    Box::pin(async move { Some(Response::upgrade(upgrade, vec![("X-Any", sent.into())])) })
}

/// Never ends on its own.
fn stubborn<'a>(_: Asked<'a, '_>) -> Answered<'a> {
    let upgrade = Upgrade::new("stubborn", |upgraded: Upgraded| async move {
        let _kept = upgraded;
        std::future::pending::<()>().await;
    });
    Box::pin(async { Some(Response::upgrade(upgrade, Vec::new())) })
}

fn three<'a>(_: Asked<'a, '_>) -> Answered<'a> {
    let pieces = |mut pieces: Pieces| async move {
        for piece in ["one", "", "two", "three"] {
            pieces.send(piece).await;
            sleep(Duration::from_millis(100)).await;
        }
    };
    Box::pin(async move { Some(Response::stream("text/event-stream", pieces)) })
}

static ENDED: AtomicUsize = AtomicUsize::new(0);

struct Ends;

impl Drop for Ends {
    fn drop(&mut self) {
        ENDED.fetch_add(1, Ordering::Relaxed);
    }
}

/// One piece, then nothing until the shutdown.
fn endless<'a>(_: Asked<'a, '_>) -> Answered<'a> {
    let pieces = |mut pieces: Pieces| async move {
        let _ends = Ends;
        pieces.send("first").await;
        pieces.stopping().await;
        pieces.send("bye").await;
        std::future::pending::<()>().await;
    };
    Box::pin(async move { Some(Response::stream("text/plain", pieces)) })
}

static FLOOD: AtomicUsize = AtomicUsize::new(0);
static FLOODS: AtomicBool = AtomicBool::new(false);

/// Produces as much as is read.
fn flood<'a>(_: Asked<'a, '_>) -> Answered<'a> {
    let pieces = |mut pieces: Pieces| async move {
        FLOODS.store(true, Ordering::Relaxed);
        loop {
            pieces.send(vec![b'x'; 16 << 10]).await;
            FLOOD.fetch_add(16 << 10, Ordering::Relaxed);
        }
    };
    Box::pin(async move { Some(Response::stream("text/plain", pieces)) })
}

fn panics<'a>(_: Asked<'a, '_>) -> Answered<'a> {
    let pieces = |mut pieces: Pieces| async move {
        pieces.send("first").await;
        sleep(Duration::from_millis(100)).await;
        panic!("on purpose")
    };
    Box::pin(async move { Some(Response::stream("text/plain", pieces)) })
}

async fn setup() -> Setup {
    Setup::new(AppOptions { endpoints: ENDPOINTS, ..AppOptions::default() }).await
}

fn ask(path: &str) -> Vec<u8> {
    format!("GET /larkspur/{path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()
}

fn upgrade(path: &str) -> Vec<u8> {
    let head = "Host: x\r\nConnection: Upgrade\r\nUpgrade: any\r\nX-aNY: a value\r\n\r\n";
    format!("GET /larkspur/{path} HTTP/1.1\r\n{head}").into_bytes()
}

/// Everything until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let read = timeout(Duration::from_secs(10), stream.read_to_end(&mut all)).await.expect("in time");
    // A connection that is cut off may be reset.
    let _ = read;
    String::from_utf8(all).expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgraded_connection_is_the_handlers_and_frees_its_seat() {
    let setup = setup().await;
    let limits = Limits { connections: 1, ..Limits::default() };
    let (address, _stop, _serving) = start(&setup, limits).await;
    let mut stream = connect(address).await;
    // The first bytes of the protocol may come with the request.
    let answer = talk(&mut stream, &[&upgrade("echo")[..], b"early"].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{answer}");
    for line in ["\r\nConnection: Upgrade\r\n", "\r\nUpgrade: echo\r\n", "\r\nX-Any: a value\r\n"] {
        assert!(answer.contains(line), "{line:?} is not in {answer}");
    }
    assert!(!answer.contains("Content-"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nearly"), "{answer}");
    assert_eq!(talk(&mut stream, b"hello").await, "hello");
    let mut other = connect(address).await;
    assert!(talk(&mut other, CALL).await.contains(REFUSED), "the only seat is free");
    drop(other);
    assert_eq!(metric(address, "larkspur_connections").await, 2, "it is open, and so is this one");
    assert_eq!(metric(address, "larkspur_connections_shed_total").await, 0);
    assert_eq!(talk(&mut stream, b"again").await, "again");
    drop(stream);
    until("it is gone", async || metric(address, "larkspur_connections").await == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_an_upgrade_header_gets_no_upgrade() {
    let setup = setup().await;
    let (address, _stop, _serving) = start(&setup, Limits::default()).await;
    let answer = once(address, &ask("echo")).await;
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    assert!(answer.contains("\r\nUpgrade: echo\r\n"), "{answer}");
    // Upgrades need HTTP/1.1.
    let old = String::from_utf8(upgrade("echo")).expect("text").replace("HTTP/1.1", "HTTP/1.0");
    assert!(once(address, old.as_bytes()).await.starts_with("HTTP/1.0 426 "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_upgraded_connections_within_a_second() {
    let setup = setup().await;
    let (address, stop, serving) = start(&setup, Limits::default()).await;
    let (mut polite, mut stubborn) = (connect(address).await, connect(address).await);
    assert!(talk(&mut polite, &upgrade("echo")).await.starts_with("HTTP/1.1 101 "));
    assert!(talk(&mut stubborn, &upgrade("stubborn")).await.starts_with("HTTP/1.1 101 "));
    let began = Instant::now();
    stop.send(()).expect("it listens");
    assert_eq!(rest(&mut polite).await, "bye", "its handler is notified");
    assert_eq!(rest(&mut stubborn).await, "");
    serving.await.expect("no panic");
    assert!(began.elapsed() < Duration::from_millis(1800), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_comes_piece_by_piece_and_the_connection_is_kept() {
    let setup = setup().await;
    let (address, _stop, _serving) = start(&setup, Limits::default()).await;
    let mut stream = connect(address).await;
    stream.write_all(&ask("three")).await.expect("sent");
    let mut read = String::new();
    let mut bytes = [0; 1024];
    while !read.contains("one") {
        let count = stream.read(&mut bytes).await.expect("read");
        read.push_str(std::str::from_utf8(&bytes[..count]).expect("text"));
    }
    assert!(!read.contains("three"), "the first piece does not wait for the last: {read}");
    read.push_str(&talk(&mut stream, b"").await);
    assert!(read.contains("\r\nTransfer-Encoding: chunked\r\n"), "{read}");
    assert!(read.contains("\r\nContent-Type: text/event-stream\r\n"), "{read}");
    assert!(read.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"), "{read}");
    assert!(talk(&mut stream, CALL).await.contains(REFUSED), "the next call on it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_caller_and_at_shutdown() {
    let setup = setup().await;
    let (address, stop, serving) = start(&setup, Limits::default()).await;
    let mut gone = connect(address).await;
    assert!(talk(&mut gone, &ask("endless")).await.ends_with("5\r\nfirst\r\n"));
    drop(gone);
    until("its producer is dropped", async || ENDED.load(Ordering::Relaxed) == 1).await;
    let mut stream = connect(address).await;
    assert!(talk(&mut stream, &ask("endless")).await.ends_with("5\r\nfirst\r\n"));
    let began = Instant::now();
    stop.send(()).expect("it listens");
    assert_eq!(rest(&mut stream).await, "3\r\nbye\r\n0\r\n\r\n", "it ends in order");
    serving.await.expect("no panic");
    assert!(began.elapsed() < Duration::from_millis(1800), "{:?}", began.elapsed());
    assert_eq!(ENDED.load(Ordering::Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_not_read_stops_and_does_not_hold_the_shutdown() {
    let setup = setup().await;
    let limits = Limits { connections: 2, ..Limits::default() };
    let (address, stop, serving) = start(&setup, limits).await;
    let mut deaf = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(address).await;
        stream.write_all(&ask("flood")).await.expect("sent");
        deaf.push(stream);
    }
    let mut before = 0;
    until("nothing more is produced", async || {
        sleep(Duration::from_millis(200)).await;
        let now = FLOOD.load(Ordering::Relaxed);
        FLOODS.load(Ordering::Relaxed) && now == std::mem::replace(&mut before, now)
    })
    .await;
    assert!(before < 64 << 20, "{before} bytes are produced, which the buffers of sockets hold");
    // A client that does not read gives way to a new one.
    let mut new = connect(address).await;
    new.write_all(CALL).await.expect("sent");
    until("the new one is answered", async || talk(&mut new, b"").await.contains(REFUSED)).await;
    let shed = metric(address, "larkspur_connections_shed_total").await;
    assert!(shed >= 1, "{shed}");
    let began = Instant::now();
    stop.send(()).expect("it listens");
    serving.await.expect("no panic");
    assert!(began.elapsed() < Duration::from_millis(1800), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_not_read_is_cut_off_in_time() {
    let setup = setup().await;
    let limits = Limits { write: Duration::from_millis(500), ..Limits::default() };
    let (address, _stop, _serving) = start(&setup, limits).await;
    let mut deaf = connect(address).await;
    deaf.write_all(&ask("flood")).await.expect("sent");
    until("it is there", async || metric(address, "larkspur_connections").await == 2).await;
    until("it is gone", async || metric(address, "larkspur_connections").await == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_panics_does_not_look_complete() {
    let setup = Arc::new(setup().await);
    let (address, _stop, _serving) = start(&setup, Limits::default()).await;
    let answer = whole(address, "GET /larkspur/panics").await;
    assert!(answer.contains("first") && !answer.ends_with("0\r\n\r\n"), "{answer}");
}

/// The stream of recorded calls, over a connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_calls_are_streamed_resumed_and_end_at_shutdown() {
    let world = larkspur_testkit::Lab::start().await.world().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let serving =
        tokio::spawn(larkspur_server::serve(listener, world.lab.app.clone(), Limits::default(), shutdown));
    let watch = |last: &str| {
        let path = format!("GET /larkspur/v1/worlds/{}/stream HTTP/1.1", world.tenant_key);
        format!("{path}\r\nHost: x\r\nAuthorization: Bearer lab-control-key\r\n{last}\r\n").into_bytes()
    };
    let mut first = connect(address).await;
    let hello = talk(&mut first, &watch("")).await;
    assert!(
        hello.contains("\r\nContent-Type: text/event-stream\r\n") && hello.contains("event: hello"),
        "{hello}"
    );
    world.tag("one").await;
    let rows = talk(&mut first, b"").await;
    assert!(
        rows.contains("event: rows\nid: ") && rows.contains("\"operation\":\"im.v2.tag.create\""),
        "{rows}"
    );
    let id = rows.split("event: rows\nid: ").nth(1).and_then(|rest| rest.lines().next()).expect("an id");
    let (start, number) = id.split_once('-').expect("a place");
    let number: u64 = number.parse().expect("a number");
    drop(first);
    world.tag("two").await;
    let mut again = connect(address).await;
    let rows = talk(&mut again, &watch(&format!("Last-Event-ID: {id}\r\n"))).await;
    assert_eq!(rows.matches("im.v2.tag.create").count(), 1, "{rows}");
    assert!(rows.contains(&format!("id: {start}-{}\n", number + 1)), "{rows}");
    // Three are open, one of which is not read.
    let mut deaf = connect(address).await;
    deaf.write_all(&watch("")).await.expect("sent");
    let mut other = connect(address).await;
    talk(&mut other, &watch("")).await;
    let began = Instant::now();
    stop.send(()).expect("it listens");
    assert!(rest(&mut again).await.contains("event: bye"), "it says so");
    serving.await.expect("no panic");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}
