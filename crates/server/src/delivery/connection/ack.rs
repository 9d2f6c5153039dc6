//! What an app answers on a long connection, and what is missing if it does not.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use larkspur_store::events::claims::NOT_CONNECTED;
use serde_json::Value;

/// The code of an acknowledgment if the event was handled.
const HANDLED: i64 = 200;

/// An event that was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// The app has no connection to this process.
    NotConnected,
    /// The queue of the connection is full.
    Congested,
    /// The connection ended before the acknowledgment.
    Closed,
    /// There was no acknowledgment in time.
    Late,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoAnswer::NotConnected => NOT_CONNECTED,
            NoAnswer::Congested => "the app does not read its long connection fast enough",
            NoAnswer::Closed => "the long connection closed before the acknowledgment",
            NoAnswer::Late => "no acknowledgment in time",
        })
    }
}

/// A callback without a usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackFailure {
    /// The app did not answer.
    NoAnswer(NoAnswer),
    /// The app answered with a code other than 200; `None` for what is not JSON with a code.
    Refused(Option<i64>),
    /// The data of the answer is not a JSON object.
    Malformed,
}

/// The acknowledgment of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ack {
    /// `code`; `None` if the answer is not JSON that has one.
    pub code: Option<i64>,
    /// `data`, decoded: of a callback, the answer to the user.
    pub data: Option<Bytes>,
}

impl Ack {
    /// Whether the app handled the event. Source: observed; nothing else in the answer counts.
    pub fn is_success(&self) -> bool {
        self.code == Some(HANDLED)
    }

    /// Reads the payload of an acknowledgment.
    pub(super) fn read(payload: &[u8]) -> Self {
        let answer: Value = serde_json::from_slice(payload).unwrap_or_default();
        let Some(code) = answer["code"].as_i64() else { return Ack::default() };
        let data = match &answer["data"] {
            // Data that is not base64 is kept as it is: no data would have another meaning.
            Value::String(text) => {
                Some(BASE64_STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec()))
            }
            // Old Java clients write signed bytes.
            Value::Array(bytes) => {
                let bytes = bytes.iter().map(|byte| i8::try_from(byte.as_i64()?).ok());
                bytes
                    .collect::<Option<Vec<i8>>>()
                    .map(|bytes| bytes.into_iter().flat_map(i8::to_le_bytes).collect())
            }
            _ => None,
        };
        Ack { code: Some(code), data: data.map(Bytes::from) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_in_an_acknowledgment() {
        let read = |text: &str| Ack::read(text.as_bytes());
        for good in [r#"{"code":200}"#, r#"{"code": 200}"#, r#"{"code":200,"headers":null,"data":null}"#] {
            assert!(read(good).is_success() && read(good).data.is_none(), "{good}");
        }
        for bad in [r#"{"code":500}"#, r#"{"code":"200"}"#, "{}", "", "200", r#"{"code":200"#, "[200]"] {
            assert!(!read(bad).is_success(), "{bad}");
        }
        let data = |text: &str| read(text).data;
        assert_eq!(data(r#"{"code":200,"data":"e30="}"#).as_deref(), Some(&b"{}"[..]));
        assert_eq!(data(r#"{"code":200,"data":[123,125,-61,-87]}"#).as_deref(), Some("{}é".as_bytes()));
        assert_eq!(data(r#"{"code":200,"data":"="}"#).as_deref(), Some(&b"="[..]));
    }
}
