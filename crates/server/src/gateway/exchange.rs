//! A call with its answer, for a recorder.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use larkspur_api::Caller;
use larkspur_api::tokens::Token;
use larkspur_contract::{Behaviour, Fault, Spec};
use larkspur_store::Work;

use super::faults::Injected;
use super::who::Who;
use crate::call_id::CallId;
use crate::request::{Headers, Response};

/// Sees every call at the end of the gateway, after its answer was made and before it is sent. It runs in the call's
/// own task: it must not block. What the process itself answers (health, metrics, documents) is not a call.
pub trait Recorder: Send + Sync {
    /// Records a call. Headers, query and body contain secrets: redact them before storing.
    fn record(&self, exchange: &Exchange<'_>);
}

impl<F: Fn(&Exchange<'_>) + Send + Sync> Recorder for F {
    fn record(&self, exchange: &Exchange<'_>) {
        self(exchange);
    }
}

/// A call and its answer.
pub struct Exchange<'a> {
    /// Its ids.
    pub id: CallId,
    /// When it arrived, in milliseconds since 1970. This is the real time, not the tenant's.
    pub at_ms: i64,
    /// How long it took until the answer was made.
    pub took: Duration,
    /// Who called, as far as it is known.
    pub who: Who,
    /// The caller, if the call was authenticated.
    pub caller: Option<&'a Caller>,
    /// The content of the access token, if the gateway read it.
    pub(crate) token: Option<Token>,
    /// How far the call came, and how long each step took.
    pub steps: Steps,
    /// The operation; `None` if Larkspur does not serve it, and for an unknown path.
    pub spec: Option<&'static Spec>,
    /// The operation's id, even if Larkspur does not serve it; `None` for an unknown path.
    pub operation: Option<&'static str>,
    /// The address of the client's end of the connection, if there is one.
    pub peer: Option<IpAddr>,
    /// The method's name.
    pub method: &'a str,
    /// The path as it was sent.
    pub path: &'a str,
    /// The query as it was sent.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a (dyn Headers + Sync),
    /// The body, if all of it was read: not of a call that was refused before, nor of an operation without a body.
    pub body: Option<&'a Bytes>,
    /// The code of the answer, 0 for success; `None` for an unknown path.
    pub code: Option<u32>,
    /// Why it was refused, including the private note.
    pub fault: Option<&'a Fault>,
    /// The refusal for want of a scope that the world's settings prevented.
    pub soft: Option<&'a Fault>,
    /// What the operation did.
    pub work: &'a Work,
    /// How many calls each window of the rate limit has, with this one if it was admitted.
    pub used: [u32; 2],
    /// Whether a test planned the refusal.
    pub planned: bool,
    /// The rule of the world's faults that changed the call.
    pub(crate) injected: Option<&'a Injected>,
    /// The answer.
    pub response: &'a Response,
    /// Whether the answer is one whose members are known, and none has the name of a secret.
    pub(crate) has_plain_names: bool,
}

impl Exchange<'_> {
    /// The operation's behaviors: what Larkspur does where the documents are silent, or differently.
    pub fn behaviours(&self) -> &'static [Behaviour] {
        self.spec.map_or(&[], |spec| spec.behaviours)
    }
}

/// A step of the gateway that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Who calls.
    Authenticate,
    /// May the caller do it.
    Authorize,
    /// Is it within the rate limits.
    Admit,
    /// What is asked for.
    Decode,
    /// The operation.
    Execute,
}

impl Step {
    /// Every step, in its order.
    pub const ALL: [Step; 5] =
        [Step::Authenticate, Step::Authorize, Step::Admit, Step::Decode, Step::Execute];

    /// Its name, as the architecture has it.
    pub const fn name(self) -> &'static str {
        match self {
            Step::Authenticate => "authenticate",
            Step::Authorize => "authorize",
            Step::Admit => "admit",
            Step::Decode => "decode",
            Step::Execute => "execute",
        }
    }
}

/// When the steps of a call ended.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    began: Option<Instant>,
    /// Microseconds from the call's arrival to the end of each step.
    ends: [u32; Step::ALL.len()],
    ended: u8,
}

impl Steps {
    /// Measured from a call's arrival; not at all, if calls are not recorded.
    pub(crate) fn of(measured: bool, began: Instant) -> Self {
        Steps { began: measured.then_some(began), ends: [0; Step::ALL.len()], ended: 0 }
    }

    /// A step has ended without a refusal.
    pub(super) fn end(&mut self, step: Step) {
        if let Some(began) = self.began {
            self.ends[step as usize] = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
            self.ended = step as u8 + 1;
        }
    }

    /// The steps that ended without a refusal, with the microseconds that each took.
    pub fn ended(&self) -> impl Iterator<Item = (Step, u32)> {
        let before = std::iter::once(0).chain(self.ends);
        let took = self.ends.into_iter().zip(before).map(|(end, before)| end.saturating_sub(before));
        Step::ALL.into_iter().zip(took).take(self.ended.into())
    }

    /// The step that refused the call, if it was refused.
    pub fn last(&self) -> Option<Step> {
        Step::ALL.get(usize::from(self.ended)).copied()
    }
}
