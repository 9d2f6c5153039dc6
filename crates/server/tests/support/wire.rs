//! A server on a socket, and helpers to talk to it.

use std::net::SocketAddr;
use std::time::Duration;

use larkspur_server::http::Limits;
use larkspur_server::serve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Setup;

pub(crate) async fn start(
    setup: &Setup,
    limits: Limits,
) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let serving = tokio::spawn(serve(listener, setup.app.clone(), limits, shutdown));
    (address, stop, serving)
}

/// Sends bytes and reads until the server closes or is silent for a while.
pub(crate) async fn talk(stream: &mut TcpStream, bytes: &[u8]) -> String {
    stream.write_all(bytes).await.expect("sent");
    let mut all = Vec::new();
    let mut part = [0; 4096];
    while let Ok(Ok(n @ 1..)) = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut part)).await
    {
        all.extend_from_slice(&part[..n]);
    }
    String::from_utf8(all).expect("UTF-8")
}

pub(crate) async fn once(address: SocketAddr, bytes: &[u8]) -> String {
    talk(&mut TcpStream::connect(address).await.expect("connected"), bytes).await
}

pub(crate) const CALL: &[u8] = b"GET /test/read HTTP/1.1\r\nHost: x\r\n\r\n";
/// The answer to a call without a token.
pub(crate) const REFUSED: &str = "99991661";

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("connected")
}

/// The whole answer to the last request, however long it takes.
pub(crate) async fn whole(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address).await;
    let request = format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut all = String::new();
    let reading = tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut all)).await;
    reading.expect("in time").expect("an answer");
    all
}

/// A value of the metrics.
pub(crate) async fn metric(address: SocketAddr, name: &str) -> u64 {
    let text = whole(address, "GET /larkspur/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Waits until a condition is true.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(15), "{what}: never");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
