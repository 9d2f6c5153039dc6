//! Step 4: frequency control, per operation, app and tenant.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use larkspur_api::Caller;
use larkspur_contract::{Code, Fault, Spec, Window, codes};

use crate::App;

/// How the tiers of the documents are applied.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum RateLimits {
    /// As documented.
    #[default]
    Platform,
    /// Not at all.
    Off,
    /// Every cap times this, but at least 1.
    Factor(f64),
}

impl FromStr for RateLimits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "platform" => Ok(RateLimits::Platform),
            "off" => Ok(RateLimits::Off),
            _ => match text.parse::<f64>() {
                Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(RateLimits::Factor(factor)),
                _ => Err(format!("{text:?} is not platform, off or a number above 0")),
            },
        }
    }
}

impl fmt::Display for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RateLimits::Platform => f.write_str("platform"),
            RateLimits::Off => f.write_str("off"),
            RateLimits::Factor(factor) => write!(f, "{factor}"),
        }
    }
}

impl RateLimits {
    fn cap(self, window: &Window) -> u32 {
        match self {
            RateLimits::Factor(factor) => {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
                let scaled = (f64::from(window.cap) * factor) as u32;
                scaled.max(1)
            }
            RateLimits::Platform | RateLimits::Off => window.cap,
        }
    }
}

/// Lets a call in, or refuses it. `now` is the real time; windows go by the tenant's.
pub(super) fn admit(
    app: &App,
    spec: &Spec,
    operation: usize,
    caller: &Caller,
    now: i64,
) -> Result<(), Fault> {
    let Caller::Token(call) = caller else { return Ok(()) };
    let limits = app.options.rate_limits;
    if spec.rate.windows.is_empty() || limits == RateLimits::Off {
        return Ok(());
    }
    let key = Key { operation, app: call.app.app_id.0, tenant: call.tenant.0 };
    app.limiter
        .admit(key, spec.rate.windows, limits, call.now, now)
        .map_err(|full| too_many(app, full, format!("more than {}", spec.rate.name)))
}

/// The refusal of a call over the frequency.
pub(super) fn too_many(app: &App, full: Full, note: String) -> Fault {
    let code = Code { status: app.options.rate_limit_status, ..codes::RATE_LIMITED };
    Fault::new(code, note).with_retry(full.cap, full.seconds)
}

/// What calls are counted by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The operation's place among the routes.
    pub operation: usize,
    /// The app.
    pub app: u64,
    /// The tenant.
    pub tenant: u64,
}

/// A window that is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// Calls that it allows.
    pub cap: u32,
    /// Whole seconds until it opens again, at least 1.
    pub seconds: u32,
}

const SHARDS: usize = 32;
/// No tier of the documents has more.
const WINDOWS: usize = 2;
/// Keys in a shard at which idle ones are looked for.
const SWEEP_AT: usize = 1024;
/// The most keys in a shard; beyond that all are forgotten, which lets a few calls too many in.
const MOST: usize = 65_536;
/// Real milliseconds after which a key without calls is idle: the longest window of the documents.
const IDLE_MS: i64 = 60_000;

#[derive(Clone, Copy, Default)]
struct Counts {
    windows: [Count; WINDOWS],
    /// Real time of the last call.
    seen: i64,
}

#[derive(Clone, Copy, Default)]
struct Count {
    /// The tenant's time of the first call in the window.
    start: i64,
    calls: u32,
}

struct Shard {
    counts: HashMap<Key, Counts>,
    sweep_at: usize,
}

/// Counts calls in windows that begin at their first call.
pub struct Limiter {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
}

impl Default for Limiter {
    fn default() -> Self {
        let empty = || Mutex::new(Shard { counts: HashMap::new(), sweep_at: SWEEP_AT });
        Limiter { shards: (0..SHARDS).map(|_| empty()).collect(), hasher: RandomState::new() }
    }
}

impl Limiter {
    /// Counts a call at the tenant's time `now`, unless a window is full: such calls do not count.
    ///
    /// Of several full windows, the one that opens last is told, so that a caller who waits for it is let in.
    pub fn admit(
        &self,
        key: Key,
        windows: &[Window],
        limits: RateLimits,
        now: i64,
        real_now: i64,
    ) -> Result<(), Full> {
        #[allow(clippy::cast_possible_truncation, reason = "any bits will do")]
        let index = self.hasher.hash_one(key) as usize % SHARDS;
        let mut shard = self.shards[index].lock().unwrap_or_else(PoisonError::into_inner);
        if shard.counts.len() >= shard.sweep_at {
            shard.sweep(real_now);
        }
        let counts = shard.counts.entry(key).or_default();
        counts.seen = real_now;
        let mut next = counts.windows;
        let mut full: Option<Full> = None;
        for (window, count) in windows.iter().zip(&mut next) {
            let length = i64::from(window.seconds) * 1000;
            let left = count.start.saturating_add(length).saturating_sub(now);
            if count.calls == 0 || left <= 0 || left > length {
                *count = Count { start: now, calls: 1 };
                continue;
            }
            let cap = limits.cap(window);
            if count.calls >= cap {
                let seconds = u32::try_from((left + 999) / 1000).unwrap_or(u32::MAX);
                full = Some(full.map_or(Full { cap, seconds }, |other| {
                    if other.seconds >= seconds { other } else { Full { cap, seconds } }
                }));
            }
            count.calls = count.calls.saturating_add(1);
        }
        match full {
            Some(full) => Err(full),
            None => {
                counts.windows = next;
                Ok(())
            }
        }
    }

    /// How many keys are counted.
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).counts.len())
            .sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Shard {
    fn sweep(&mut self, real_now: i64) {
        self.counts.retain(|_, counts| real_now.saturating_sub(counts.seen) < IDLE_MS);
        if self.counts.len() >= MOST {
            self.counts.clear();
        }
        self.sweep_at = (self.counts.len() * 2).clamp(SWEEP_AT, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larkspur_contract::rates::{TIER_4, TIER_6};

    const KEY: Key = Key { operation: 1, app: 2, tenant: 3 };

    fn at(limiter: &Limiter, windows: &[Window], now: i64) -> Result<(), Full> {
        limiter.admit(KEY, windows, RateLimits::Platform, now, now)
    }

    #[test]
    fn a_window_begins_at_its_first_call() {
        let limiter = Limiter::default();
        for _ in 0..5 {
            at(&limiter, TIER_6.windows, 10_700).expect("let in");
        }
        assert_eq!(at(&limiter, TIER_6.windows, 11_699), Err(Full { cap: 5, seconds: 1 }));
        at(&limiter, TIER_6.windows, 11_700).expect("the window is over");
        let other = Key { app: 9, ..KEY };
        for _ in 0..5 {
            limiter.admit(other, TIER_6.windows, RateLimits::Platform, 11_700, 0).expect("another app");
        }
    }

    #[test]
    fn both_windows_count_and_the_longer_wait_is_told() {
        let limiter = Limiter::default();
        let mut now = 0;
        for call in 0..1000 {
            if call % 50 == 0 {
                now += 1000;
            }
            at(&limiter, TIER_4.windows, now).expect("let in");
        }
        assert_eq!(now, 20_000);
        assert_eq!(at(&limiter, TIER_4.windows, now), Err(Full { cap: 1000, seconds: 41 }), "both are full");
        assert_eq!(
            at(&limiter, TIER_4.windows, 60_001),
            Err(Full { cap: 1000, seconds: 1 }),
            "the minute is"
        );
        at(&limiter, TIER_4.windows, 61_000).expect("a new minute");
    }

    #[test]
    fn refused_calls_do_not_count() {
        let limiter = Limiter::default();
        for _ in 0..50 {
            at(&limiter, TIER_4.windows, 1000).expect("let in");
        }
        for _ in 0..2000 {
            assert_eq!(at(&limiter, TIER_4.windows, 1001), Err(Full { cap: 50, seconds: 1 }));
        }
        at(&limiter, TIER_4.windows, 2000).expect("the minute has room");
    }

    #[test]
    fn a_clock_that_jumps_opens_the_windows() {
        let limiter = Limiter::default();
        for now in [100_000, 10_000, 500_000] {
            for _ in 0..5 {
                at(&limiter, TIER_6.windows, now).expect("let in");
            }
            at(&limiter, TIER_6.windows, now).expect_err("full");
        }
    }

    #[test]
    fn factors() {
        let limiter = Limiter::default();
        let half = RateLimits::Factor(0.1);
        limiter.admit(KEY, TIER_6.windows, half, 0, 0).expect("at least one");
        let full = limiter.admit(KEY, TIER_6.windows, half, 0, 0).expect_err("only one");
        assert_eq!(full, Full { cap: 1, seconds: 1 });
        assert_eq!("2.5".parse(), Ok(RateLimits::Factor(2.5)));
        assert_eq!("off".parse(), Ok(RateLimits::Off));
        for wrong in ["", "0", "-1", "nan", "inf", "on"] {
            assert!(wrong.parse::<RateLimits>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn idle_keys_are_swept() {
        let limiter = Limiter::default();
        for app in 0..200_000 {
            let now = i64::try_from(app).expect("small") * 10;
            limiter
                .admit(Key { app, ..KEY }, TIER_6.windows, RateLimits::Platform, now, now)
                .expect("let in");
        }
        assert!(limiter.len() <= SHARDS * (SWEEP_AT + 1), "{}", limiter.len());
    }

    #[test]
    fn no_tier_has_more_windows_than_are_counted() {
        for entry in larkspur_api::REGISTRY.iter().copied().flatten() {
            assert!(entry.spec.rate.windows.len() <= WINDOWS, "{}", entry.spec.id);
        }
    }
}
