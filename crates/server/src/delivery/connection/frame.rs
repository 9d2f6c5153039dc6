//! Frames of a long connection: one protobuf message (package `pbbp2`) in each binary message of the WebSocket.

use std::fmt;

use bytes::Bytes;
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};

/// The most bytes of a frame that a client may send.
pub const MAX_BYTES: usize = 1 << 20;
/// The most headers of a frame that a client may send. Clients send at most ten. A header takes more memory than bytes
/// on the wire, so the limit of the size is not enough.
const MAX_HEADERS: usize = 64;
/// The field of the headers.
const HEADERS: u32 = 5;

/// `method` of pings, pongs and the like.
pub const CONTROL: i32 = 0;
/// `method` of events and of their acknowledgments.
pub const DATA: i32 = 1;

/// A name and a value.
#[derive(Clone, PartialEq, Message)]
pub struct Header {
    /// The name.
    #[prost(string, required, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, required, tag = "2")]
    pub value: String,
}

/// A frame. Required fields are written even if they are 0: clients refuse a frame that lacks one.
#[derive(Clone, PartialEq, Message)]
pub struct Frame {
    /// A number that the acknowledgment repeats.
    #[prost(uint64, required, tag = "1")]
    pub seq_id: u64,
    /// Another number that it repeats.
    #[prost(uint64, required, tag = "2")]
    pub log_id: u64,
    /// `service_id` of the address that the client connected to.
    #[prost(int32, required, tag = "3")]
    pub service: i32,
    /// [`CONTROL`] or [`DATA`].
    #[prost(int32, required, tag = "4")]
    pub method: i32,
    /// What the frame is: `type`, `message_id` and so on.
    #[prost(message, repeated, tag = "5")]
    pub headers: Vec<Header>,
    /// The compression of the payload; unset.
    #[prost(string, optional, tag = "6")]
    pub payload_encoding: Option<String>,
    /// The type of the payload; unset.
    #[prost(string, optional, tag = "7")]
    pub payload_type: Option<String>,
    /// JSON, or a part of it.
    #[prost(bytes = "bytes", optional, tag = "8")]
    pub payload: Option<Bytes>,
    /// Unused.
    #[prost(string, optional, tag = "9")]
    pub log_id_new: Option<String>,
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadFrame {
    /// They are more than [`MAX_BYTES`].
    TooLarge,
    /// It has too many headers.
    TooManyHeaders,
    /// They are not a protobuf message with these fields.
    Malformed,
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadFrame::TooLarge => "the frame is larger than 1 MiB",
            BadFrame::TooManyHeaders => "the frame has more than 64 headers",
            BadFrame::Malformed => "the message is not a frame of pbbp2",
        })
    }
}

impl Frame {
    /// Reads a frame that a client sent.
    ///
    /// # Errors
    /// See [`BadFrame`].
    pub fn read(bytes: Bytes) -> Result<Self, BadFrame> {
        if bytes.len() > MAX_BYTES {
            return Err(BadFrame::TooLarge);
        }
        bounded(&bytes)?;
        Frame::decode(bytes).map_err(|_| BadFrame::Malformed)
    }

    /// The frame on the wire.
    pub fn write(&self) -> Bytes {
        self.encode_to_vec().into()
    }

    /// The first header with a name.
    pub fn header(&self, key: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.key == key).map(|header| header.value.as_str())
    }

    /// The answer to a ping. `config` is the client's configuration as JSON; clients do not accept an empty one.
    pub(super) fn pong(service: i32, config: Bytes) -> Self {
        Frame {
            service,
            method: CONTROL,
            headers: headers([("type", "pong")]),
            payload: Some(config),
            ..Frame::default()
        }
    }
}

/// Checks the fields of a message without an allocation.
fn bounded(mut bytes: &[u8]) -> Result<(), BadFrame> {
    let mut headers = 0;
    while !bytes.is_empty() {
        let (tag, kind) = decode_key(&mut bytes).map_err(|_| BadFrame::Malformed)?;
        headers += usize::from(tag == HEADERS);
        if headers > MAX_HEADERS {
            return Err(BadFrame::TooManyHeaders);
        }
        skip_field(kind, tag, &mut bytes, DecodeContext::default()).map_err(|_| BadFrame::Malformed)?;
    }
    Ok(())
}

fn headers<'a, const N: usize>(of: [(&'a str, &'a str); N]) -> Vec<Header> {
    of.map(|(key, value)| Header { key: key.to_owned(), value: value.to_owned() }).into()
}

/// An event on its way to one connection.
pub(super) struct Event {
    /// Its ID on the connection.
    pub(super) message_id: u128,
    /// For the logs of both ends.
    pub(super) trace_id: u128,
    /// A number that grows with each event of the connection.
    pub(super) sequence: u64,
    /// As in [`Frame::service`].
    pub(super) service: i32,
    /// The real time, in milliseconds.
    pub(super) now: i64,
    /// The payload, in its envelope.
    pub(super) payload: Bytes,
}

impl Event {
    /// Its frames, in order, with at most so many bytes of the payload in each.
    pub(super) fn frames(&self, split: usize) -> Vec<Bytes> {
        let (id, trace) = (uuid(self.message_id), format!("{:032x}", self.trace_id));
        let (now, split) = (self.now.to_string(), split.max(1));
        let count = self.payload.len().div_ceil(split).max(1);
        let sum = count.to_string();
        let frame = |seq: usize| {
            let seq_text = seq.to_string();
            let end = self.payload.len().min((seq + 1) * split);
            let frame = Frame {
                seq_id: self.sequence,
                log_id: self.sequence,
                service: self.service,
                method: DATA,
                headers: headers([
                    ("type", "event"),
                    ("message_id", &id),
                    ("sum", &sum),
                    ("seq", &seq_text),
                    ("trace_id", &trace),
                    ("timestamp", &now),
                ]),
                payload: Some(self.payload.slice(seq * split..end)),
                ..Frame::default()
            };
            frame.write()
        };
        (0..count).map(frame).collect()
    }
}

/// A number in the form of a random UUID; [`read_uuid`] gives back what [`uuid_bits`] leaves of it.
pub(super) fn uuid(number: u128) -> String {
    let hex = format!("{:032x}", uuid_bits(number));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A number with the bits that say that it is a random UUID (version 4, variant 1).
pub(super) fn uuid_bits(number: u128) -> u128 {
    let cleared = number & !(0xf << 76) & !(0x3 << 62);
    cleared | (0x4 << 76) | (0x2 << 62)
}

/// Reads what [`uuid`] wrote.
pub(super) fn read_uuid(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    let hyphens = [8, 13, 18, 23];
    if bytes.len() != 36 || !text.is_ascii() {
        return None;
    }
    let mut number = 0;
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            b'-' if hyphens.contains(&place) => {}
            _ if hyphens.contains(&place) => return None,
            byte => number = (number << 4) | u128::from(char::from(*byte).to_digit(16)?),
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an official client sends first.
    const PING: &[u8] = &[
        0x08, 0x00, 0x10, 0x00, 0x18, 0xf6, 0x81, 0x80, 0x10, 0x20, 0x00, 0x2a, 0x0c, 0x0a, 0x04, 0x74, 0x79,
        0x70, 0x65, 0x12, 0x04, 0x70, 0x69, 0x6e, 0x67,
    ];

    #[test]
    fn the_ping_of_an_official_client() {
        let ping = Frame::read(Bytes::from_static(PING)).expect("a frame");
        assert_eq!((ping.seq_id, ping.log_id, ping.service, ping.method), (0, 0, 33_554_678, CONTROL));
        assert_eq!((ping.header("type"), ping.headers.len(), ping.payload.clone()), (Some("ping"), 1, None));
        assert_eq!(ping.write(), PING, "fields that are 0 are written");
    }

    #[test]
    fn a_pong_has_the_configuration() {
        let frame = Frame::pong(7, Bytes::from_static(b"{}"));
        let bytes = frame.write();
        assert!(bytes.starts_with(&[0x08, 0x00, 0x10, 0x00, 0x18, 0x07, 0x20, 0x00]), "{bytes:?}");
        assert_eq!(Frame::read(bytes), Ok(frame));
    }

    #[test]
    fn events_are_split_by_bytes() {
        let payload = Bytes::from("é".repeat(50));
        let event =
            Event { message_id: 1, trace_id: 2, sequence: 3, service: 4, now: 5, payload: payload.clone() };
        for (split, count) in [(1000, 1), (100, 1), (99, 2), (33, 4), (1, 100), (0, 100)] {
            let frames: Vec<Frame> =
                event.frames(split).into_iter().map(|bytes| Frame::read(bytes).expect("a frame")).collect();
            assert_eq!(frames.len(), count, "{split}");
            let mut whole = Vec::new();
            for (seq, frame) in frames.iter().enumerate() {
                assert_eq!((frame.method, frame.service), (DATA, 4));
                let expected = [
                    ("type", "event".to_owned()),
                    ("message_id", uuid(1)),
                    ("sum", count.to_string()),
                    ("seq", seq.to_string()),
                    ("trace_id", "00000000000000000000000000000002".to_owned()),
                    ("timestamp", "5".to_owned()),
                ];
                for (key, value) in expected {
                    assert_eq!(frame.header(key), Some(value.as_str()), "{key}");
                }
                let part = frame.payload.as_ref().expect("a part");
                assert!(!part.is_empty());
                whole.extend_from_slice(part);
            }
            assert_eq!(whole, payload);
        }
        let empty = Event { payload: Bytes::new(), ..event };
        assert_eq!(empty.frames(10).len(), 1);
    }

    #[test]
    fn hostile_bytes_are_refused() {
        let read = |bytes: Vec<u8>| Frame::read(bytes.into()).expect_err("refused");
        assert_eq!(read(vec![0; MAX_BYTES + 1]), BadFrame::TooLarge);
        // A gigabyte is announced; a varint does not end; an unknown kind of field; half a frame; a name that is not UTF-8.
        assert_eq!(read(vec![0x42, 0xff, 0xff, 0xff, 0xff, 0x03]), BadFrame::Malformed);
        assert_eq!(
            read(vec![0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            BadFrame::Malformed
        );
        assert_eq!(read(vec![0x0f]), BadFrame::Malformed);
        assert_eq!(read(PING[..PING.len() - 1].to_vec()), BadFrame::Malformed);
        assert_eq!(read(vec![0x2a, 0x03, 0x0a, 0x01, 0xff]), BadFrame::Malformed);
        // Empty headers take 2 bytes on the wire, and 48 in memory.
        assert_eq!(read([0x2a, 0x00].repeat(MAX_BYTES / 2)), BadFrame::TooManyHeaders);
        assert!(Frame::read([0x2a, 0x00].repeat(MAX_HEADERS).into()).is_ok());
        // Unknown fields are accepted, and so are deeply nested groups.
        assert!(Frame::read(Bytes::from_static(&[0x78, 0x01])).is_ok());
        assert_eq!(read([0x7b].repeat(MAX_BYTES)), BadFrame::Malformed);
    }

    #[test]
    fn uuids() {
        for number in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let text = uuid(number);
            assert_eq!(read_uuid(&text), Some(uuid_bits(number)), "{text}");
            assert_eq!((&text[14..15], text.len()), ("4", 36));
            assert!(matches!(&text[19..20], "8" | "9" | "a" | "b"), "{text}");
        }
        for wrong in [
            "",
            "0",
            "00000000-0000-4000-8000-00000000000",
            "00000000-0000-4000-8000-00000000000g",
            "00000000000000000000000000000000-000",
        ] {
            assert_eq!(read_uuid(wrong), None, "{wrong}");
        }
    }
}
