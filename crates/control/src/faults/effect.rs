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
    /// The call is done later, or the event is sent later. This ends nothing: the next rules are looked at, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// The connection ends without a whole answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// The answer is sent slowly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
    /// The sign-in of a user ends otherwise; of `authen.v1.authorize.decide` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignIn>,
    /// The event is not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<Nothing>,
    /// The event is not sent until the deliveries of the app are released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Nothing>,
    /// The event is sent twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    /// The event is sent with an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<Corrupt>,
    /// The long connection ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnect: Option<Disconnect>,
}

impl Effect {
    /// How many effects it names; 1 for a valid one.
    pub fn count(&self) -> usize {
        let Effect { refuse, answer, delay, cut, slow, .. } = self;
        let of_calls = [refuse.is_some(), answer.is_some(), delay.is_some(), cut.is_some(), slow.is_some()];
        let others = [self.sign_in.is_some(), self.disconnect.is_some()];
        let named = |all: &[bool]| all.iter().filter(|named| **named).count();
        named(&of_calls) + named(&self.of_events()) + named(&others)
    }

    fn of_events(&self) -> [bool; 4] {
        [self.drop.is_some(), self.hold.is_some(), self.repeat.is_some(), self.corrupt.is_some()]
    }

    /// Whether it is for events only.
    pub(super) fn is_for_events(&self) -> bool {
        self.of_events().contains(&true)
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
    /// Milliseconds: at most 60,000 for a call, and by the world's clock for an event.
    #[schemars(range(min = 0, max = 86_400_000))]
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

/// A sign-in that ends otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignIn {
    /// How it ends.
    pub result: SignInResult,
}

/// How a sign-in ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInResult {
    /// As if the user had denied it: `error=access_denied` in place of a code.
    Denied,
    /// With a `state` that the app did not send, as an attacker's link has.
    WrongState,
}

/// An effect without members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

/// An event that is sent twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repeat {
    /// Whether the copy has another event_id, as some duplicates of the platform do; false by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_id: Option<bool>,
}

/// An event with an error, in every attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Corrupt {
    /// What is wrong.
    pub what: What,
}

/// What is wrong with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Its signature; of an app without an encrypt key, its verification token. Nothing on long connections.
    Signature,
    /// Its JSON, which breaks off.
    Json,
}

/// A long connection that ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disconnect {
    /// How long it is open, in milliseconds.
    #[schemars(range(min = 0, max = 86_400_000))]
    pub after_ms: i64,
    /// How it ends; `1000` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<Ending>,
}

/// How a long connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Ending {
    /// With a close frame of this code.
    #[serde(rename = "1000")]
    Normal,
    /// Without a close frame.
    #[serde(rename = "abrupt")]
    Abrupt,
}
