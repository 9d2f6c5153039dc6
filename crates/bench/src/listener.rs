//! Clients of the long connection: one that acknowledges all that it hears, and many that only stay.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use larkspur_server::delivery::connection::frame::{DATA, Frame};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::Res;
use crate::load::UNIQUE_DIGITS;
use crate::process::{call, request};
use crate::product::{CHAT_NAME, World};
use crate::stats::Histogram;

/// What comes before what a rename changed to.
const AFTER: &[u8] = br#""after_change":"#;
/// How clients acknowledge.
const HANDLED: &[u8] = br#"{"code":200}"#;

/// The event of a rename, in its envelope. Others are acknowledged and not counted.
const RENAMED: &[u8] = br#""event_type":"im.chat.updated_v1""#;

/// The renames that were heard so far.
#[derive(Default)]
pub(crate) struct Heard {
    count: AtomicU64,
    /// When each came, by the digits of its name.
    frames: Mutex<HashMap<u64, Instant>>,
}

impl Heard {
    /// How many events.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// From the answer to each of these renames to its frame; nothing for a frame that came first.
    pub(crate) fn delays(&self, answered: &[(u64, Instant)]) -> Res<Histogram> {
        let frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let mut delays = Histogram::default();
        for (number, at) in answered {
            let frame = frames.get(number).ok_or_else(|| format!("rename {number} was not heard"))?;
            delays.record(frame.saturating_duration_since(*at));
        }
        Ok(delays)
    }

    /// Waits until this many were heard.
    pub(crate) fn wait_for(&self, count: u64, patience: Duration) -> Res<()> {
        let begun = Instant::now();
        while self.count() < count {
            if begun.elapsed() > patience {
                return Err(format!("{} of {count} events were heard", self.count()).into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn note(&self, payload: &[u8]) {
        let Some(number) = renamed(payload) else { return };
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Instant::now());
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

/// The digits of the name that a chat was given; `None` for another event.
fn renamed(payload: &[u8]) -> Option<u64> {
    let after = |text: &[u8], word: &[u8]| {
        text.windows(word.len()).position(|part| part == word).map(|at| at + word.len())
    };
    after(payload, RENAMED)?;
    let changed = &payload[after(payload, AFTER)?..];
    let name = &changed[after(changed, CHAT_NAME.as_bytes())?..];
    std::str::from_utf8(name.get(..UNIQUE_DIGITS)?).ok()?.parse().ok()
}

/// A client with one connection. It ends when this is dropped.
pub(crate) struct Listener {
    pub(crate) heard: Arc<Heard>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Listener {
    /// Connects the app of a world.
    pub(crate) fn connect(address: SocketAddr, world: &World) -> Res<Self> {
        let url = url(address, &world.app_id, &world.app_secret)?;
        let heard = Arc::new(Heard::default());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let noted = heard.clone();
        let socket = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(client_async(url, stream).await?.0)
        })?;
        runtime.spawn(async move {
            let (mut sink, mut stream) = socket.split();
            while let Some(Ok(first)) = stream.next().await {
                // Acknowledgments of all that has come are written together.
                let mut next = Some(first);
                while let Some(message) = next {
                    if let Some(ack) = take(message, &noted)
                        && sink.feed(ack).await.is_err()
                    {
                        return;
                    }
                    next = stream.next().now_or_never().flatten().and_then(Result::ok);
                }
                if sink.flush().await.is_err() {
                    return;
                }
            }
        });
        Ok(Listener { heard, runtime: Some(runtime) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

/// Notes an event; its acknowledgment.
fn take(message: Message, heard: &Heard) -> Option<Message> {
    let Message::Binary(bytes) = message else { return None };
    let mut frame = Frame::read(bytes).ok().filter(|frame| frame.method == DATA)?;
    heard.note(frame.payload.as_deref().unwrap_or_default());
    frame.payload = Some(Bytes::from_static(HANDLED));
    Some(Message::Binary(frame.write()))
}

/// Where an app may connect.
fn url(address: SocketAddr, app_id: &str, secret: &str) -> Res<String> {
    let body = serde_json::json!({"AppID": app_id, "AppSecret": secret}).to_string();
    let answer = call(address, &request("POST", "/callback/ws/endpoint", None, Some(&body)))?.json()?;
    let url = answer["data"]["URL"].as_str().filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| format!("no address of a long connection: {answer}"))?;
    // The request names no host that could be connected to.
    let path = url.find("/ws/").ok_or("no path in the address of a long connection")?;
    Ok(format!("ws://{address}{}", &url[path..]))
}

/// A connection that only stays.
pub(crate) fn idle(address: SocketAddr, app_id: &str, secret: &str) -> Res<TcpStream> {
    use std::io::{Read, Write};
    let url = url(address, app_id, secret)?;
    let path = url.strip_prefix(&format!("ws://{address}")).ok_or("a foreign address")?;
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0; 256];
        match stream.read(&mut byte)? {
            0 => break,
            read => answer.extend_from_slice(&byte[..read]),
        }
    }
    if !answer.starts_with(b"HTTP/1.1 101 ") {
        return Err(format!("no long connection: {}", String::from_utf8_lossy(&answer)).into());
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_are_told_apart() {
        let event = |kind: &str| {
            let change = r#""before_change":{"name":"Bench chat 000000000041"},"after_change":{"name":"Bench chat 000000000042"}"#;
            format!(r#"{{"header":{{"event_type":"{kind}"}},"event":{{{change}}}}}"#)
        };
        assert_eq!(renamed(event("im.chat.updated_v1").as_bytes()), Some(42));
        assert_eq!(renamed(event("im.chat.disbanded_v1").as_bytes()), None);
        assert_eq!(renamed(b"{}"), None);
    }
}
