//! What a rule does to a call.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done: exactly one of the members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// The platform's refusal, at the step and in the form in which the operation answers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuse: Option<Refuse>,
    /// Any other answer, such as that of a proxy between client and platform. The call is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// The call is done later. This ends nothing: the next rules are looked at, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// The connection ends without a whole answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// The answer is sent slowly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
}

impl Effect {
    /// How many effects it names; 1 for a valid one.
    pub fn count(&self) -> usize {
        let Effect { refuse, answer, delay, cut, slow } = self;
        [refuse.is_some(), answer.is_some(), delay.is_some(), cut.is_some(), slow.is_some()]
            .into_iter()
            .filter(|named| *named)
            .count()
    }

    /// Whether no further rule is looked at.
    pub fn is_ending(&self) -> bool {
        self.delay.is_none()
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refuse {
    /// The code. One that Larkspur does not know needs a text.
    #[schemars(range(min = 1, max = 4_294_967_295_i64))]
    pub code: i64,
    /// The text of the answer; the code's own by default.
    #[schemars(length(min = 1, max = 1000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The HTTP status; the code's own by default.
    #[schemars(range(min = 200, max = 599))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// With 99991400 and 99991403: the seconds until the next call succeeds, for the headers. By default the operation's window.
    #[schemars(range(min = 0, max = 4_000_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_s: Option<i64>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The HTTP status.
    #[schemars(range(min = 200, max = 599))]
    pub status: i64,
    /// The media type; `text/html` by default.
    #[schemars(length(min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// The body; empty by default.
    #[schemars(length(max = 65_536))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// A delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delay {
    /// Milliseconds.
    #[schemars(range(min = 0, max = 60_000))]
    pub ms: i64,
    /// The most that it is longer or shorter, in milliseconds; 0 by default.
    #[schemars(range(min = 0, max = 60_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<i64>,
}

/// A connection that ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cut {
    /// When it ends.
    pub when: When,
    /// How it ends; `close` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
}

/// When a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Before the call is done.
    Before,
    /// After the call was done, without an answer.
    After,
    /// After the call was done, in the middle of the answer's body.
    Body,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// As if the server had closed it.
    Close,
    /// With a reset.
    Reset,
}

/// A slow answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Slow {
    /// Bytes of the body per second.
    #[schemars(range(min = 10, max = 10_000_000))]
    pub bytes_per_s: i64,
}
