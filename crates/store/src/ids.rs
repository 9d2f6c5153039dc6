//! Fresh identifiers: snowflakes that grow with time, and random ones.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The source of every new identifier of a process.
///
/// A snowflake is seconds since 1970 in the upper 31 bits, then 10 bits of milliseconds, 10 bits of node and 12 bits
/// of sequence: 19 decimal digits that grow with time, 4096 a millisecond a node.
pub struct Ids {
    node: i64,
    last: AtomicI64,
}

const NODE_BITS: u32 = 10;
const SEQUENCE_BITS: u32 = 12;

impl Ids {
    /// A source for the node with this number (its lower 10 bits count).
    pub fn new(node: u16) -> Self {
        Ids { node: i64::from(node) & ((1 << NODE_BITS) - 1), last: AtomicI64::new(0) }
    }

    /// A source for one of several processes on a store.
    pub fn of_a_random_node() -> Self {
        Ids::new(u16::from_le_bytes(random_bytes()))
    }

    /// The next snowflake, greater than every one before it.
    ///
    /// If the system clock stands still or goes back, the sequence runs on from the last one.
    pub fn snowflake(&self) -> i64 {
        let now = system_millis();
        let stamp = ((now / 1000) << 10) | (now % 1000);
        // `last` counts (stamp, sequence) without the node, so that a full sequence carries into the stamp.
        let fresh = stamp << SEQUENCE_BITS;
        let mut next = 0;
        let _ = self.last.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| {
            next = fresh.max(last + 1);
            Some(next)
        });
        let (stamp, sequence) = (next >> SEQUENCE_BITS, next & ((1 << SEQUENCE_BITS) - 1));
        (stamp << (NODE_BITS + SEQUENCE_BITS)) | (self.node << SEQUENCE_BITS) | sequence
    }

    /// 128 random bits.
    pub fn random(&self) -> u128 {
        u128::from_le_bytes(random_bytes())
    }
}

/// Milliseconds since 1970 of the machine's clock.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the system clock for the store")]
pub(crate) fn system_millis() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Random bytes from the operating system.
#[allow(clippy::disallowed_methods, reason = "the one place that draws random numbers")]
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness no id or secret is safe to give out; the process cannot go on.
        std::process::abort();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snowflakes_grow_and_have_19_digits() {
        let ids = Ids::new(3);
        let mut last = 0;
        for _ in 0..20_000 {
            let next = ids.snowflake();
            assert!(next > last);
            assert_eq!(next.to_string().len(), 19);
            assert_eq!((next >> 12) & 1023, 3);
            last = next;
        }
    }
}
