//! The bytes on a socket.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use larkspur_server::http::Limits;
use larkspur_server::{AppOptions, serve};
use support::Setup;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

async fn start(setup: &Setup, limits: Limits) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let serving = tokio::spawn(serve(listener, setup.app.clone(), limits, shutdown));
    (address, stop, serving)
}

/// Sends bytes and reads all there is until the server closes or is silent for a while.
async fn talk(stream: &mut TcpStream, bytes: &[u8]) -> String {
    stream.write_all(bytes).await.expect("sent");
    let mut all = Vec::new();
    let mut part = [0; 4096];
    while let Ok(Ok(n @ 1..)) = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut part)).await
    {
        all.extend_from_slice(&part[..n]);
    }
    String::from_utf8(all).expect("UTF-8")
}

async fn once(address: SocketAddr, bytes: &[u8]) -> String {
    talk(&mut TcpStream::connect(address).await.expect("connected"), bytes).await
}

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
    // Larger than any body that is read: neither the size nor the noise is looked at.
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
    // Beyond what is thrown away, the caller is answered and the connection ends.
    let endless = format!("{head}Content-Length: {}\r\n\r\n", 40 << 20).into_bytes();
    let mut endless = endless;
    endless.resize(endless.len() + (33 << 20), b' ');
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
async fn garbage_is_answered_or_cut_off_and_harms_nobody() {
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
    assert!(TcpStream::connect(address).await.is_err(), "nobody new is let in");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_beyond_the_limit_wait_their_turn() {
    let setup = Arc::new(Setup::new(AppOptions::default()).await);
    let (address, _stop, _serving) = start(&setup, Limits { connections: 1, ..Limits::default() }).await;
    let ask = b"GET /larkspur/health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut first = TcpStream::connect(address).await.expect("connected");
    assert!(talk(&mut first, ask).await.contains("200 OK"));
    let mut second = TcpStream::connect(address).await.expect("queued by the system");
    assert_eq!(talk(&mut second, ask).await, "", "it waits");
    drop(first);
    assert!(talk(&mut second, b"").await.contains("200 OK"), "its turn");
}
