//! The last attempts to deliver, as this process made them: kept in memory, to be shown. A restart forgets them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use larkspur_contract::ids::{AppId, TenantKey};

/// How many attempts are kept.
const KEPT: usize = 2000;

/// An attempt to deliver an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The tenant where the event happened.
    pub tenant: TenantKey,
    /// The app that was told.
    pub app_id: AppId,
    /// The event's id.
    pub event_id: String,
    /// Which attempt it was, from 1.
    pub n: i64,
    /// When it began, in the real time.
    pub at: i64,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// The address that it was posted to; empty for a long connection.
    pub request_url: String,
    /// The HTTP status of the answer, or the code of the acknowledgment, if there was one.
    pub status: Option<u16>,
    /// Why it failed; `None` if it did not.
    pub failure: Option<String>,
}

/// The last attempts.
#[derive(Default)]
pub struct Attempts(Mutex<VecDeque<Try>>);

impl Attempts {
    /// Keeps an attempt, and forgets the oldest one if there are too many.
    pub fn add(&self, attempt: Try) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(attempt);
    }

    /// The attempts of a tenant's events, the oldest first.
    pub fn of(&self, tenant: TenantKey) -> Vec<Try> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|attempt| attempt.tenant == tenant).cloned().collect()
    }
}
