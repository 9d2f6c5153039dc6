//! The last attempts to deliver, as this process made them: kept in memory, to be shown. A restart forgets them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use larkspur_contract::ids::{AppId, TenantKey};

/// How many attempts are kept.
const KEPT: usize = 2000;
/// How many of them are kept with what was sent and answered.
const WHOLE: usize = 500;
/// The most bytes that are kept of a request and of an answer.
const SHOWN_BYTES: usize = 4 << 10;

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
    /// The ID of the long connection that it went over; `None` for a webhook, or if none was open.
    pub connection: Option<String>,
    /// The HTTP status of the answer, or the code of the acknowledgment, if there was one.
    pub status: Option<u16>,
    /// Why it failed; `None` if it did not.
    pub failure: Option<String>,
    /// What was sent and answered; `None` of older attempts.
    pub exchange: Option<Exchange>,
}

/// What was sent and answered in an attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The headers of the request, except the usual ones; none on a long connection.
    pub headers: Vec<(&'static str, String)>,
    /// The beginning of the body that was sent.
    pub body: String,
    /// The beginning of the answer, if there was one; on a long connection, the data of the acknowledgment.
    pub answer: Option<String>,
}

impl Exchange {
    /// Whether only the beginning of the body was kept, as far as its length shows.
    pub fn is_cut(&self) -> bool {
        // Cut in the middle of a letter, it ends with another one.
        self.body.len() >= SHOWN_BYTES
    }

    /// The beginning of a text, up to 4 KiB.
    pub fn beginning(text: &[u8]) -> String {
        let text = String::from_utf8_lossy(text.get(..SHOWN_BYTES).unwrap_or(text));
        text.into_owned()
    }
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
        let older = kept.len().checked_sub(WHOLE + 1);
        if let Some(older) = older.and_then(|older| kept.get_mut(older)) {
            older.exchange = None;
        }
    }

    /// The attempts of a tenant's events, the oldest first.
    pub fn of(&self, tenant: TenantKey) -> Vec<Try> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|attempt| attempt.tenant == tenant).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_bounded_and_older_ones_are_shorter() {
        let attempts = Attempts::default();
        for n in 0..2500 {
            let (event_id, request_url) = (String::new(), String::new());
            let (tenant, app_id, exchange) = (TenantKey(1), AppId(1), Some(Exchange::default()));
            let (at, took_ms, connection, status, failure) = (0, 0, None, None, None);
            attempts.add(Try {
                tenant,
                app_id,
                event_id,
                n,
                at,
                took_ms,
                request_url,
                connection,
                status,
                failure,
                exchange,
            });
        }
        let kept = attempts.of(TenantKey(1));
        assert_eq!((kept.len(), kept[0].n), (KEPT, 500));
        assert_eq!(kept.iter().filter(|one| one.exchange.is_some()).count(), WHOLE);
        assert!(kept.last().is_some_and(|one| one.exchange.is_some()));
        assert_eq!(Exchange::beginning(&[b'x'; 5000]).len(), SHOWN_BYTES);
        assert_eq!(Exchange::beginning(b"short"), "short");
    }
}
