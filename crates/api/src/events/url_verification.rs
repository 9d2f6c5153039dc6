//! `url_verification`: a URL proves that it wants events by returning a challenge.

use larkspur_contract::{EventType, events};
use serde::Serialize;

use super::{Event, Recipient};

/// A URL was set.
pub struct UrlVerification {
    /// The challenge, which the URL must return.
    pub challenge: String,
}

/// The payload; the envelope adds the token.
#[derive(Serialize)]
struct Told<'a> {
    challenge: &'a str,
}

impl Event for UrlVerification {
    const TYPE: &'static EventType = &events::URL_VERIFICATION;

    fn told(&self, _to: &Recipient<'_>) -> impl Serialize {
        Told { challenge: &self.challenge }
    }
}
