//! A bot's webhook receiver: it records events and answers as configured.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How a receiver answers anything but a challenge.
#[derive(Debug, Clone)]
pub enum Manner {
    /// HTTP 200; a challenge is sent back.
    Well,
    /// This status line and headers, and this body, to everything.
    With(&'static str, String),
    /// Well, after this many milliseconds.
    Slowly(u64),
    /// It closes the connection.
    Silently,
}

/// A recorded request.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The request line and the headers.
    head: Vec<String>,
    /// The body as received.
    pub raw: String,
    /// The decrypted body.
    pub plain: String,
}

impl Seen {
    /// The request line.
    pub fn line(&self) -> &str {
        &self.head[0]
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named =
            |line: &&String| line.split_once(": ").is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
        self.head.iter().find(named)?.split_once(": ").map(|(_, value)| value)
    }

    /// The decrypted body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.plain).expect("JSON")
    }
}

struct State {
    connections: AtomicUsize,
    manner: Mutex<Manner>,
    seen: Mutex<Vec<Seen>>,
    key: Option<String>,
}

/// A running receiver; it ends with the tests.
#[derive(Clone)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
}

impl Receiver {
    /// One that answers well.
    pub fn start() -> Receiver {
        Receiver::with_key(None)
    }

    /// One that decrypts with this key.
    pub fn with_key(key: Option<&str>) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            connections: AtomicUsize::new(0),
            manner: Mutex::new(Manner::Well),
            seen: Mutex::default(),
            key: key.map(str::to_owned),
        });
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                state.connections.fetch_add(1, Ordering::SeqCst);
                // A caller that disconnects early is one of the tested cases.
                std::thread::spawn(move || serve(&state, stream).ok());
            }
        });
        Receiver { address, state }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/events?from=larkspur", self.address)
    }

    /// Changes how it answers from now on.
    pub fn answer(&self, manner: Manner) {
        *self.state.manner.lock().expect("not poisoned") = manner;
    }

    /// Everything received, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("not poisoned").clone()
    }

    /// How many connections were opened to it.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The received events: everything but challenges.
    pub fn events(&self) -> Vec<Value> {
        let all = self.seen().into_iter().map(|seen| seen.json());
        all.filter(|event| event["type"] != "url_verification").collect()
    }
}

/// Answers the requests of a connection, one after the other.
fn serve(state: &State, stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    while !reader.fill_buf()?.is_empty() {
        answer(state, &mut reader)?;
    }
    Ok(())
}

fn answer(state: &State, reader: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim_end().is_empty() {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    let seen = Seen { head, raw: String::new(), plain: String::new() };
    let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut raw = vec![0; length];
    reader.read_exact(&mut raw)?;
    let raw = String::from_utf8(raw).expect("UTF-8");
    let plain = state.key.as_ref().map_or_else(|| raw.clone(), |key| decrypt(key, &raw));
    let seen = Seen { raw, plain, ..seen };
    // A rule of the world may have broken it.
    let said: Value = serde_json::from_str(&seen.plain).unwrap_or_default();
    let manner = state.manner.lock().expect("not poisoned").clone();
    state.seen.lock().expect("not poisoned").push(seen);
    let good = match &said["challenge"] {
        Value::Null => json!({"msg": "success"}),
        challenge => json!({"challenge": challenge}),
    };
    let (status, body) = match manner {
        Manner::Well => ("200 OK", good.to_string()),
        Manner::With(status, body) => (status, body),
        Manner::Slowly(milliseconds) => {
            std::thread::sleep(Duration::from_millis(milliseconds));
            ("200 OK", good.to_string())
        }
        Manner::Silently => return Err(ErrorKind::ConnectionAborted.into()),
    };
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    reader.get_mut().write_all(answer.as_bytes())
}

/// Reads `{"encrypt":…}`, as the page describes it.
fn decrypt(key: &str, raw: &str) -> String {
    let body: Value = serde_json::from_str(raw).expect("JSON");
    let sealed = STANDARD.decode(body["encrypt"].as_str().expect("encrypt")).expect("base64");
    let (iv, text) = sealed.split_first_chunk::<16>().expect("an IV");
    let cipher = cbc::Decryptor::<Aes256>::new(&Sha256::digest(key), &(*iv).into());
    String::from_utf8(cipher.decrypt_padded_vec::<Pkcs7>(text).expect("padding")).expect("UTF-8")
}

/// The signature of a body, as the page describes it.
pub fn signature(seen: &Seen, key: &str) -> String {
    let header = |name| seen.header(name).unwrap_or_default();
    let (timestamp, nonce) = (header("x-lark-request-timestamp"), header("x-lark-request-nonce"));
    let digest = Sha256::digest(format!("{timestamp}{nonce}{key}{}", seen.raw));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
