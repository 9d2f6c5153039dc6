//! How fast messages are sent to a chat, and how fast one message is changed, counted in the memory of this process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use larkspur_contract::ids::TenantKey;

/// Messages that a chat takes in [`WINDOW_MS`], and changes of a card. Source: the pages on sending messages and changing cards.
pub const MOST: usize = 5;
/// The window, in milliseconds of the tenant's time.
pub const WINDOW_MS: i64 = 1000;
/// Of two calls, the one that read the clock first may be counted last: up to this much earlier, it is in the same window.
const SKEW_MS: i64 = 1000;
/// Chats and messages that are remembered; beyond, those that have been idle are forgotten.
const KNOWN: usize = 10_000;
/// How long one is remembered after it was last counted, in milliseconds of the real time, if room is needed.
const IDLE_MS: i64 = 2000;

/// What was lately counted, by the tenant and the number of a chat_id or a message_id.
#[derive(Default)]
pub struct Pace(Mutex<HashMap<(TenantKey, u128), Recent>>);

#[derive(Clone, Copy)]
struct Recent {
    /// The last times, in the tenant's time; the oldest first.
    times: [i64; MOST],
    /// When it was last counted, in the real time.
    real: i64,
}

impl Pace {
    /// Whether another one has room at the tenant's time `now`.
    pub fn has_room(&self, tenant: TenantKey, of: u128, now: i64) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(recent) = known.get(&(tenant, of)) else { return true };
        // A time well after now is from before the clock was set back.
        let over = |time: &i64| *time > now.saturating_add(SKEW_MS) || *time <= now.saturating_sub(WINDOW_MS);
        recent.times.iter().any(over)
    }

    /// Counts one.
    pub fn count(&self, tenant: TenantKey, of: u128, now: i64, real: i64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN {
            known.retain(|_, recent| recent.real > real.saturating_sub(IDLE_MS));
        }
        let recent = match known.entry((tenant, of)) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(new) => new.insert(Recent { times: [i64::MIN; MOST], real }),
        };
        recent.times.rotate_left(1);
        recent.times[MOST - 1] = now;
        recent.real = real;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_in_a_second_for_each_chat() {
        let (pace, tenant) = (Pace::default(), TenantKey(1));
        let (one, other) = (1, 2);
        for now in 1000..1005 {
            assert!(pace.has_room(tenant, one, now));
            pace.count(tenant, one, now, 0);
        }
        assert!(!pace.has_room(tenant, one, 1999), "the first one was less than a second ago");
        assert!(pace.has_room(tenant, one, 2000));
        assert!(pace.has_room(tenant, other, 1005) && pace.has_room(TenantKey(2), one, 1005));
        pace.count(tenant, one, 2000, 0);
        assert!(!pace.has_room(tenant, one, 2000), "the window slides");
        assert!(pace.has_room(tenant, one, 2001));
        assert!(pace.has_room(tenant, one, 10), "the clock was set back");
    }

    #[test]
    fn a_call_that_read_the_clock_earlier_has_no_room_of_its_own() {
        let (pace, tenant) = (Pace::default(), TenantKey(1));
        for now in 1001..1006 {
            pace.count(tenant, 1, now, 0);
        }
        assert!(!pace.has_room(tenant, 1, 1003) && !pace.has_room(tenant, 1, 900));
        assert!(pace.has_room(tenant, 1, 4), "the clock was set back");
    }

    #[test]
    fn idle_chats_are_forgotten() {
        let (pace, tenant) = (Pace::default(), TenantKey(1));
        for chat in 0..KNOWN as u128 {
            pace.count(tenant, chat, 0, 0);
        }
        pace.count(tenant, u128::MAX, 0, IDLE_MS + 1);
        assert_eq!(pace.0.lock().expect("not poisoned").len(), 1);
    }
}
