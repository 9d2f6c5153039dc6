//! One long connection from its upgrade to its end, in one task.

use std::future::pending;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use larkspur_control::faults::{Disconnect, Ending};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::frame::{self, BadFrame, Frame};
use super::{Ack, Open};
use crate::body::{Duplex, Upgraded};

/// After how many ping intervals without any message a connection is considered dead.
const SILENT_INTERVALS: u32 = 3;
/// Bytes that are read at a time. Every open connection has a buffer of this size.
const READ_BYTES: usize = 4 << 10;
/// The most bytes in one write.
const WRITE_BYTES: usize = 32 << 10;
/// The most events in one write.
const WRITE_EVENTS: usize = 128;
/// The most pings in a second. Clients send one in many seconds.
const PINGS: u32 = 100;
/// How long the end of a connection may take: a little less than the server grants at shutdown.
const FAREWELL: Duration = Duration::from_millis(600);
/// The most bytes that are read and dropped at the end, so that the other end can read the reason.
const DISCARD_BYTES: usize = 4 << 20;

type Io = Pin<Box<dyn Duplex>>;
type Socket = WebSocketStream<Io>;

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The other end closed it, or it broke.
    Gone,
    /// The server is stopping.
    Stopped,
    /// An operator asked for it, or the app was disabled or deleted, or has another secret.
    Cut,
    /// A fault rule ends it without a word.
    Aborted,
    /// The client reads too slowly.
    Slow,
    /// Nothing was received for too long.
    Silent,
    /// The client sent a text message.
    Text,
    /// The client sent a message that is not a frame.
    BadFrame(BadFrame),
    /// The client sent too large a message.
    TooLarge,
    /// Too many pings.
    Flood,
    /// The client broke the WebSocket protocol.
    Protocol,
}

impl End {
    /// The close frame for the other end; none if it is gone.
    fn close(self) -> Option<(CloseCode, &'static str)> {
        Some(match self {
            End::Gone | End::Aborted => return None,
            End::Stopped => (CloseCode::Normal, "the server is stopping"),
            End::Cut => (CloseCode::Normal, "the connection was closed by the server"),
            End::Slow => (CloseCode::Policy, "events are not read in time"),
            End::Silent => (CloseCode::Away, "no ping received"),
            End::Text => (CloseCode::Unsupported, "frames are binary"),
            End::BadFrame(BadFrame::TooLarge) | End::TooLarge => {
                (CloseCode::Size, "frames have at most 1 MiB")
            }
            End::BadFrame(BadFrame::TooManyHeaders) => (CloseCode::Policy, "frames have at most 64 headers"),
            End::BadFrame(BadFrame::Malformed) => (CloseCode::Invalid, "the message is not a frame of pbbp2"),
            End::Flood => (CloseCode::Policy, "too many pings"),
            End::Protocol => (CloseCode::Protocol, "the WebSocket protocol was violated"),
        })
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        .max_message_size(Some(frame::MAX_BYTES))
        .max_frame_size(Some(frame::MAX_BYTES))
}

/// Serves a connection.
pub(super) async fn serve(upgraded: Upgraded, mut open: Open) {
    let Upgraded { io, mut stop } = upgraded;
    let Some(mut queued) = open.queued.take() else { return };
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config())).await;
    let (mut sink, mut stream) = socket.split();
    let app_id = open.connection.app_id;
    tracing::debug!(%app_id, "a long connection was opened");
    let end = tokio::select! {
        () = stop.stopped() => {
            open.connections.close();
            End::Stopped
        }
        () = open.connection.cut.notified() => End::Cut,
        end = fault(&open) => end,
        end = read(&mut stream, &open) => end,
        end = write(&mut sink, &mut queued, &open) => end,
    };
    open.connections.leave(&open.connection);
    tracing::debug!(%app_id, why = ?end, "a long connection ended");
    if end == End::Aborted {
        return;
    }
    if timeout(FAREWELL, farewell(sink, stream, end, &open)).await.is_err() {
        tracing::debug!(%app_id, "a long connection was aborted: the other end did not close it");
    }
}

/// Waits until a fault rule ends the connection.
async fn fault(open: &Open) -> End {
    let mut decided = open.connection.fault.subscribe();
    let found = match decided.wait_for(Option::is_some).await {
        Ok(found) => found.clone(),
        Err(_) => None,
    };
    let Some(Disconnect { after_ms, how }) = found else { return pending().await };
    sleep(Duration::from_millis(u64::try_from(after_ms).unwrap_or(0))).await;
    if how == Some(Ending::Abrupt) { End::Aborted } else { End::Cut }
}

/// Reads until there is a reason to end.
async fn read(stream: &mut SplitStream<Socket>, open: &Open) -> End {
    let options = &open.connections.options;
    let patience = Duration::from_secs(options.ping_interval.max(1).into()) * SILENT_INTERVALS;
    let mut heard = Instant::now();
    let mut silence = pin!(sleep(patience));
    let mut pings = Pings::since(heard);
    loop {
        let message = tokio::select! {
            biased;
            message = stream.next() => message,
            () = silence.as_mut() => {
                if heard.elapsed() >= patience {
                    return End::Silent;
                }
                silence.as_mut().reset(heard + patience);
                continue;
            }
        };
        heard = Instant::now();
        let ended = match message {
            Some(Ok(message)) => received(message, open, &mut pings, heard),
            Some(Err(Error::Capacity(_))) => Some(End::TooLarge),
            Some(Err(Error::Protocol(_) | Error::Utf8(_) | Error::AttackAttempt)) => Some(End::Protocol),
            Some(Err(_)) | None => Some(End::Gone),
        };
        if let Some(end) = ended {
            return end;
        }
    }
}

/// Handles a message; returns the reason to end, if there is one.
fn received(message: Message, open: &Open, pings: &mut Pings, now: Instant) -> Option<End> {
    match message {
        Message::Binary(bytes) => match Frame::read(bytes) {
            Ok(frame) => return take(frame, open, pings, now),
            Err(why) => return Some(End::BadFrame(why)),
        },
        Message::Text(_) => return Some(End::Text),
        // The library answers it.
        Message::Ping(_) if !pings.allow(now) => return Some(End::Flood),
        // The library answers it with the next read, which then says that the connection is closed.
        Message::Close(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
    }
    None
}

/// Handles a frame; returns the reason to end, if there is one.
fn take(frame: Frame, open: &Open, pings: &mut Pings, now: Instant) -> Option<End> {
    match frame.method {
        frame::CONTROL if frame.header("type") == Some("ping") => {
            if !pings.allow(now) {
                return Some(End::Flood);
            }
            let pong = Frame::pong(frame.service, open.connections.config.clone());
            // A client that does not read gets no pong.
            let _ = open.connection.queue(vec![pong.write()]);
        }
        frame::DATA => {
            if let Some(message_id) = frame.header("message_id").and_then(frame::read_uuid) {
                let payload = frame.payload.unwrap_or_default();
                open.connection.acknowledge(message_id, || Ack::read(&payload));
            }
        }
        _ => {}
    }
    None
}

/// Pings in the current second.
struct Pings {
    since: Instant,
    count: u32,
}

impl Pings {
    fn since(now: Instant) -> Self {
        Pings { since: now, count: 0 }
    }

    /// Counts one; false if the limit is exceeded.
    fn allow(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            *self = Pings::since(now);
        }
        self.count += 1;
        self.count <= PINGS
    }
}

/// Writes queued frames, in batches, until the connection breaks or a batch takes too long.
async fn write(
    sink: &mut SplitSink<Socket, Message>,
    queued: &mut mpsc::Receiver<Vec<Bytes>>,
    open: &Open,
) -> End {
    while let Some(first) = queued.recv().await {
        let batch = write_batch(sink, first, queued, open);
        match timeout(open.connections.options.write_time, batch).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::Gone,
            Err(_) => return End::Slow,
        }
    }
    End::Gone
}

/// Writes the frames of an event, and of those that wait behind it.
async fn write_batch(
    sink: &mut SplitSink<Socket, Message>,
    first: Vec<Bytes>,
    queued: &mut mpsc::Receiver<Vec<Bytes>>,
    open: &Open,
) -> Result<(), Error> {
    let (mut next, mut events, mut written) = (Some(first), 0, 0);
    while let Some(frames) = next {
        let bytes: usize = frames.iter().map(Bytes::len).sum();
        for frame in frames {
            sink.feed(Message::Binary(frame)).await?;
        }
        open.connection.written(bytes);
        events += 1;
        written += bytes;
        let more = events < WRITE_EVENTS && written < WRITE_BYTES;
        next = if more { queued.try_recv().ok() } else { None };
    }
    sink.flush().await
}

/// Sends the reason, and reads until the other end has closed the connection. Acknowledgments still count.
async fn farewell(
    mut sink: SplitSink<Socket, Message>,
    mut stream: SplitStream<Socket>,
    end: End,
    open: &Open,
) {
    let Some((code, reason)) = end.close() else {
        let _ = sink.close().await;
        return;
    };
    let _ = sink.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    let mut pings = Pings::since(Instant::now());
    while let Some(Ok(message)) = stream.next().await {
        if received(message, open, &mut pings, Instant::now()).is_some() {
            break;
        }
    }
    if let Ok(mut socket) = sink.reunite(stream) {
        discard(socket.get_mut()).await;
    }
}

/// Closes the writing side and drops what still arrives: a socket that is closed with unread bytes is reset, and the
/// other end could not read the reason.
async fn discard(io: &mut Io) {
    let _ = io.shutdown().await;
    let (mut left, mut bytes) = (DISCARD_BYTES, [0; 1024]);
    while let Ok(read @ 1..) = io.read(&mut bytes).await {
        left = left.saturating_sub(read);
        if left == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_are_counted_by_the_second() {
        let start = Instant::now();
        let mut pings = Pings::since(start);
        assert!((0..PINGS).all(|_| pings.allow(start)));
        assert!(!pings.allow(start + Duration::from_millis(999)));
        assert!(pings.allow(start + Duration::from_secs(1)));
    }

    #[test]
    fn every_reason_has_a_close_code() {
        for (end, code) in [
            (End::Stopped, 1000),
            (End::Cut, 1000),
            (End::Silent, 1001),
            (End::Protocol, 1002),
            (End::Text, 1003),
            (End::BadFrame(BadFrame::Malformed), 1007),
            (End::Flood, 1008),
            (End::Slow, 1008),
            (End::TooLarge, 1009),
        ] {
            let (known, reason) = end.close().expect("a code");
            assert_eq!(u16::from(known), code);
            assert!(reason.len() <= 123, "a close frame has no room for it");
        }
        assert_eq!(End::Gone.close(), None);
    }
}
