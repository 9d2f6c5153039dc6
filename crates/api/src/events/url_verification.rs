//! `url_verification`: an address is asked whether it wants events. It shows so by sending the challenge back.

use larkspur_contract::{EventType, events};
use serde::Serialize;

use super::{Event, Recipient};

/// An address was set.
pub struct UrlVerification {
    /// What the address has to send back.
    pub challenge: String,
}

/// What is asked; the envelope adds the token.
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
