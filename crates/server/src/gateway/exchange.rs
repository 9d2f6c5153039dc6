//! A call with its answer, for a recorder.

use std::time::Duration;

use bytes::Bytes;
use larkspur_contract::{Behaviour, EventType, Fault, Spec};

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
    /// The operation; `None` if Larkspur does not serve it, and for an unknown path.
    pub spec: Option<&'static Spec>,
    /// The operation's id, even if Larkspur does not serve it; `None` for an unknown path.
    pub operation: Option<&'static str>,
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
    /// The events that it emitted.
    pub events: &'a [&'static EventType],
    /// Whether a test planned the refusal.
    pub planned: bool,
    /// The answer.
    pub response: &'a Response,
}

impl Exchange<'_> {
    /// The operation's behaviors: what Larkspur does where the documents are silent, or differently.
    pub fn behaviours(&self) -> &'static [Behaviour] {
        self.spec.map_or(&[], |spec| spec.behaviours)
    }
}
