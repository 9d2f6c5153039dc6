//! The real time.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The real time, from which each tenant's clock is an offset.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// Milliseconds since some moment: it measures durations, unaffected by changes of the time of day.
    ///
    /// A clock that is moved by hand may return its own time.
    fn elapsed_ms(&self) -> i64 {
        self.now_ms()
    }
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        system_millis()
    }

    fn elapsed_ms(&self) -> i64 {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        i64::try_from(ORIGIN.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// Milliseconds since 1970 of the machine's clock.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock for the store")]
pub(crate) fn system_millis() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
