//! Counts calls in this process.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use larkspur_contract::Window;

use super::rate_limits::{Full, Key, RateLimits};

const SHARDS: usize = 32;
/// No documented tier has more.
pub(super) const WINDOWS: usize = 2;
/// The size of a shard at which idle keys are removed.
const SWEEP_AT: usize = 1024;
/// The most keys in a shard. Beyond, all counts are forgotten, which admits a few calls too many.
const MOST: usize = 65_536;
/// Of two calls, the one that read the clock first may be counted last: it counts in a window that begins up to this
/// much later.
const SKEW_MS: i64 = 1000;
/// Real milliseconds after which a key without calls is idle: the longest documented window.
const IDLE_MS: i64 = 60_000;

/// How many calls each window has.
pub(crate) type Used = [u32; WINDOWS];

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
    /// Counts a call at the tenant's time `now`, unless a window is full: refused calls do not count. Also says how many calls
    /// each window has.
    ///
    /// If several windows are full, returns the one that opens last, so that a caller that waits for it succeeds.
    pub fn admit(
        &self,
        key: Key,
        windows: &[Window],
        limits: RateLimits,
        now: i64,
        real_now: i64,
    ) -> (Used, Result<(), Full>) {
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
            if count.calls == 0 || left <= 0 || left > length + SKEW_MS {
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
            Some(full) => {
                let used = counts.windows.map(|count| count.calls);
                (used, Err(full))
            }
            None => {
                counts.windows = next;
                (next.map(|count| count.calls), Ok(()))
            }
        }
    }

    /// The number of counted keys.
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).counts.len())
            .sum()
    }

    /// Whether no key is counted.
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
    use larkspur_contract::rates::TIER_6;

    #[test]
    fn a_call_that_read_the_clock_earlier_does_not_open_the_window() {
        let limiter = Limiter::default();
        let key = Key { operation: 1, app: 2, tenant: 3 };
        let at = |now| limiter.admit(key, TIER_6.windows, RateLimits::Platform, now, now).1;
        for now in [5000, 4999, 5001, 4998, 5000] {
            at(now).expect("admitted");
        }
        for now in [4999, 5000, 5999] {
            at(now).expect_err("full");
        }
        at(6000).expect("the window is over");
    }

    #[test]
    fn idle_keys_are_swept() {
        let limiter = Limiter::default();
        for app in 0..200_000 {
            let now = i64::try_from(app).expect("small") * 10;
            limiter
                .admit(Key { operation: 1, app, tenant: 3 }, TIER_6.windows, RateLimits::Platform, now, now)
                .1
                .expect("admitted");
        }
        assert!(limiter.len() <= SHARDS * (SWEEP_AT + 1), "{}", limiter.len());
    }
}
