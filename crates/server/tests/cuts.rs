//! Connections that a rule ends.

mod support;

use std::io::ErrorKind;

use larkspur_server::AppOptions;
use larkspur_server::http::Limits;
use serde_json::json;
use support::Setup;
use support::wire::start;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_ends_as_a_rule_says() {
    let setup = Setup::new(AppOptions::default()).await;
    let (address, _stop, _serving) = start(&setup, Limits::default()).await;
    let request =
        format!("GET /test/read HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", setup.token(7200));
    let call = async || {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer).await;
        (String::from_utf8_lossy(&answer).into_owned(), ended.map_err(|error| error.kind()))
    };
    for when in ["before", "after"] {
        setup.rule("f_01", &json!({"cut": {"when": when}})).await;
        assert_eq!(call().await, (String::new(), Ok(0)), "{when}");
        setup.rule("f_01", &json!({"cut": {"when": when, "how": "reset"}})).await;
        assert_eq!(call().await, (String::new(), Err(ErrorKind::ConnectionReset)), "{when}");
    }
    setup.rule("f_01", &json!({"cut": {"when": "body"}})).await;
    let (answer, ended) = call().await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
    let length: usize = length.parse().expect("a number");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && body.len() == length / 2, "{answer}");
    assert!(ended.is_ok());

    // A slow answer is whole.
    setup.rule("f_01", &json!({"slow": {"bytes_per_s": 100}})).await;
    let began = std::time::Instant::now();
    let closing = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(closing.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.contains("success") || answer.contains("\"code\""), "{answer}");
    assert!(began.elapsed().as_millis() >= 300, "{answer}");
}
