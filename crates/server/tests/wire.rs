//! The bytes on a socket.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use larkspur_server::http::Limits;
use larkspur_server::{AppOptions, Exchange};
use support::Setup;
use support::wire::{CALL, REFUSED, connect, metric, once, start, talk, until, whole};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_names_are_in_title_case_and_connections_are_kept() {
    let setup = Setup::new(AppOptions::default()).await;
    let (address, _stop, _serving) = start(&setup, Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.expect("connected");
    for _ in 0..2 {
        let answer = talk(&mut stream, b"GET /test/read HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        for name in [
            "\r\nContent-Type: application/json; charset=utf-8\r\n",
            "\r\nX-Tt-Logid: ",
            "\r\nX-Request-Id: ",
            "\r\nContent-Length: ",
        ] {
            assert!(answer.contains(name), "{name:?} is not in {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_reaches_a_caller_who_is_still_sending() {
    let setup = Setup::new(AppOptions::default()).await;
    let (address, _stop, _serving) = start(&setup, Limits::default()).await;
    let length = 11 << 20;
    let head = format!("POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n");
    let mut refused = format!("{head}\r\n").into_bytes();
    refused.resize(refused.len() + length, b' ');
    let answer = once(address, &refused).await;
    assert!(answer.contains("99991661"), "without a token: {answer}");
    let mut large = format!("{head}Authorization: Bearer {}\r\n\r\n", setup.token(7200)).into_bytes();
    large.resize(large.len() + length, b' ');
    let answer = once(address, &large).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("9499"), "too large: {answer}");
    let waits = format!("{head}Expect: 100-continue\r\n\r\n");
    let answer = once(address, waits.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("99991661"),
        "asked for no body: {answer}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_not_taken_is_thrown_away_and_the_connection_kept() {
    let setup = Setup::new(AppOptions::default()).await;
    let (address, _stop, _serving) = start(&setup, Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let token = setup.token(7200);
    let head = format!("GET /test/read HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
    // Larger than any body that is read: neither size nor content is checked.
    for length in [1 << 20, 12 << 20] {
        let mut request = format!("{head}Content-Length: {length}\r\n\r\n").into_bytes();
        request.resize(request.len() + length, 0xff);
        let answer = talk(&mut stream, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(!answer.contains("Connection: close"), "{answer}");
    }
    let mut chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    chunked.extend_from_slice(b"4\r\nnull\r\n0\r\n\r\n");
    assert!(talk(&mut stream, &chunked).await.starts_with("HTTP/1.1 200 OK\r\n"));
    let after = talk(&mut stream, format!("{head}\r\n").as_bytes()).await;
    assert!(after.starts_with("HTTP/1.1 200 OK\r\n"), "{after}");
    // Beyond what is discarded, the client gets an answer and the connection ends.
    let endless = format!("{head}Content-Length: {}\r\n\r\n", 40 << 20).into_bytes();
    let mut endless = endless;
    endless.resize(endless.len() + (39 << 20), b' ');
    let answer = talk(&mut stream, &endless).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("Connection: close"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunked_bodies_are_put_together() {
    let setup = Setup::new(AppOptions::default()).await;
    let (address, _stop, _serving) = start(&setup, Limits::default()).await;
    let head = format!(
        "POST /test/echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        setup.token(7200)
    );
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(head.as_bytes()).await.expect("sent");
    for piece in ["{\"na", "me\":", "\"abc", "\"}"] {
        stream.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await.expect("sent");
        stream.flush().await.expect("flushed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = talk(&mut stream, b"0\r\n\r\n").await;
    assert!(answer.ends_with(r#""data":{"asked":{"name":"abc"}}}"#), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_answered_or_cut_off_and_harms_no_other_caller() {
    let setup = Setup::new(AppOptions::default()).await;
    let (address, _stop, _serving) = start(&setup, Limits::default()).await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000));
    for garbage in [&b"\0\0\0\0\r\n\r\n"[..], b"GET / HTTP/9\r\n\r\n", long.as_bytes()] {
        let answer = once(address, garbage).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let answer = once(address, b"GET /larkspur/health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_lets_an_open_request_end() {
    let setup = Setup::new(AppOptions::default()).await;
    let (address, stop, serving) = start(&setup, Limits::default()).await;
    let mut idle = TcpStream::connect(address).await.expect("connected");
    assert!(
        talk(&mut idle, b"GET /larkspur/health/ready HTTP/1.1\r\nHost: x\r\n\r\n").await.contains("200 OK")
    );
    let mut open = TcpStream::connect(address).await.expect("connected");
    let head = format!(
        "POST /test/echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 2\r\n\r\n{{",
        setup.token(7200)
    );
    open.write_all(head.as_bytes()).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.send(()).expect("it listens");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address).await.is_err(), "no new connection is accepted");
    let answer = talk(&mut open, b"}").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(!serving.is_finished() || serving.await.is_ok());
    assert_eq!(talk_end(&mut idle).await, 0, "the idle connection is closed");
}

async fn talk_end(stream: &mut TcpStream) -> usize {
    tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 16]))
        .await
        .expect("in time")
        .unwrap_or(0)
}

const LIVE: &str = "GET /larkspur/health/live";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_beyond_the_limit_wait_their_turn_and_health_does_not() {
    let setup = Arc::new(Setup::new(AppOptions::default()).await);
    let (address, _stop, _serving) = start(&setup, Limits { connections: 1, ..Limits::default() }).await;
    let mut first = connect(address).await;
    assert!(talk(&mut first, CALL).await.contains(REFUSED));
    let mut second = connect(address).await;
    assert_eq!(talk(&mut second, CALL).await, "", "it waits");
    let answer = whole(address, LIVE).await;
    assert!(answer.contains("200 OK") && answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert!(metric(address, "larkspur_connections").await >= 2);
    drop(first);
    assert!(talk(&mut second, b"").await.contains(REFUSED), "its turn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_idle_connection_makes_place_for_a_new_one() {
    let setup = Arc::new(Setup::new(AppOptions::default()).await);
    let (address, _stop, _serving) = start(&setup, Limits { connections: 2, ..Limits::default() }).await;
    // One has sent half of a request, one has had its answer; both keep their seats and do nothing.
    let mut half = connect(address).await;
    assert_eq!(talk(&mut half, b"GET /test/read HTTP/1.1\r\n").await, "");
    let mut idle = connect(address).await;
    assert!(talk(&mut idle, CALL).await.contains(REFUSED));
    let mut new = connect(address).await;
    new.write_all(CALL).await.expect("sent");
    until("the new one is answered", async || talk(&mut new, b"").await.contains(REFUSED)).await;
    assert_eq!(talk_end(&mut half).await, 0, "it was there for longest");
    assert!(talk(&mut idle, CALL).await.contains(REFUSED), "the other one stays");
    assert_eq!(metric(address, "larkspur_connections_shed_total").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_no_more_connections_than_it_may() {
    let setup = Arc::new(Setup::new(AppOptions::default()).await);
    let limits = Limits { per_address: 2, ..Limits::default() };
    let (address, _stop, _serving) = start(&setup, limits).await;
    let mut own = [connect(address).await, connect(address).await];
    for stream in &mut own {
        assert!(talk(stream, CALL).await.contains(REFUSED));
    }
    // All of 127.0.0.0/8 is this machine.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.2:0".parse().expect("an address")).expect("bound");
    let mut other = socket.connect(address).await.expect("connected");
    assert!(talk(&mut other, CALL).await.contains(REFUSED), "another address has its own");
    let mut third = connect(address).await;
    third.write_all(CALL).await.expect("sent");
    until("the third is answered", async || talk(&mut third, b"").await.contains(REFUSED)).await;
    assert_eq!(talk_end(&mut own[0]).await, 0, "its own longest idle one makes place");
    assert!(talk(&mut other, CALL).await.contains(REFUSED));
}

/// Asks for a large answer and reads nothing of it.
async fn ask_and_never_read(setup: &Setup, address: SocketAddr) -> TcpStream {
    let mut stream = connect(address).await;
    let text = format!("{{\"name\":\"{}\"}}", "x".repeat(9 << 20));
    let head = format!(
        "POST /test/echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        setup.token(7200),
        text.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(text.as_bytes()).await.expect("sent");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_loses_the_connection() {
    let setup = Arc::new(Setup::new(AppOptions::default()).await);
    let limits = Limits { connections: 3, write: Duration::from_millis(1500), ..Limits::default() };
    let (address, _stop, _serving) = start(&setup, limits).await;
    let mut deaf = Vec::new();
    for _ in 0..3 {
        deaf.push(ask_and_never_read(&setup, address).await);
    }
    assert!(whole(address, LIVE).await.contains("200 OK"), "every seat is taken, and health is answered");
    until("they are gone", async || metric(address, "larkspur_connections").await == 1).await;
    assert_eq!(metric(address, "larkspur_connections_shed_total").await, 0, "it was the time-out");
    assert!(once(address, CALL).await.contains(REFUSED));
    // A client that reads slowly, but does read, gets all of it.
    let mut slow = ask_and_never_read(&setup, address).await;
    let mut read = 0;
    let mut part = vec![0; 2 << 20];
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(600)).await;
        read += slow.read_exact(&mut part).await.expect("more");
    }
    assert_eq!(read, 8 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_served_in_the_lame_duck_time_and_readiness_is_refused() {
    let setup = Setup::new(AppOptions::default()).await;
    let limits = Limits { lame_duck: Duration::from_secs(2), ..Limits::default() };
    let (address, stop, serving) = start(&setup, limits).await;
    let ready = "GET /larkspur/health/ready";
    assert!(whole(address, ready).await.contains("200 OK"));
    stop.send(()).expect("it listens");
    until("not ready", async || {
        let answer = whole(address, ready).await;
        answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("draining\n")
    })
    .await;
    assert!(once(address, CALL).await.contains(REFUSED), "new connections are taken");
    assert!(whole(address, LIVE).await.contains("200 OK"));
    tokio::time::timeout(Duration::from_secs(10), serving).await.expect("it ends").expect("no panic");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_answers_head_and_options() {
    let setup = Setup::new(AppOptions::default()).await;
    let (address, _stop, _serving) = start(&setup, Limits::default()).await;
    for path in ["health/live", "health/ready", "metrics", "openapi.json"] {
        let ask = |method: &str| format!("{method} /larkspur/{path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let head = once(address, ask("HEAD").as_bytes()).await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{path}: {head}");
        assert!(!head.contains("Content-Length: 0\r\n"), "{path}: the length is that of GET: {head}");
        let options = once(address, ask("OPTIONS").as_bytes()).await;
        assert!(options.starts_with("HTTP/1.1 204 No Content\r\n"), "{path}: {options}");
        assert!(options.contains("\r\nAllow: GET, HEAD, OPTIONS\r\n"), "{path}: {options}");
        assert!(once(address, ask("POST").as_bytes()).await.starts_with("HTTP/1.1 404 "), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_outside_of_the_operation_is_an_answer_and_leaves_no_connection_behind() {
    let recorder = Arc::new(|_: &Exchange<'_>| panic!("on purpose"));
    let setup = Setup::new(AppOptions { recorder: Some(recorder), ..AppOptions::default() }).await;
    let (address, _stop, _serving) = start(&setup, Limits::default()).await;
    for _ in 0..3 {
        let answer = once(address, CALL).await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(answer.ends_with(r#"{"code":2200,"msg":"internal error"}"#), "{answer}");
        assert!(answer.contains("\r\nX-Larkspur-Outcome: unknown\r\n"), "{answer}");
    }
    until("they have left", async || metric(address, "larkspur_connections").await == 1).await;
}
