//! Fresh identifiers: snowflakes that grow with time, and random ones.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::clock::system_millis;

/// The source of all new ids of a process.
///
/// A snowflake is seconds since 1970 in the upper 31 bits, then 10 bits of milliseconds, 10 bits of node and 12 bits of
/// sequence: 19 decimal digits that grow with time, 4096 per millisecond and node.
pub struct Ids {
    node: RwLock<Node>,
    last: AtomicI64,
}

/// A node number, and for how long this process may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    /// The number.
    pub(crate) number: i64,
    /// The epoch of the lease: it grows with each holder of the number. 0 without a lease.
    pub(crate) epoch: i64,
    /// When the lease ends, in milliseconds since 1970.
    pub(crate) until_ms: i64,
}

const NODE_BITS: u32 = 10;
const SEQUENCE_BITS: u32 = 12;
/// How many node numbers there are.
pub(crate) const NODES: i64 = 1 << NODE_BITS;
/// No id is made in the last milliseconds of a lease: clocks may differ.
const MARGIN: i64 = 10_000;

impl Ids {
    /// A source for the only process on a store.
    pub fn new(node: u16) -> Self {
        let number = i64::from(node) % NODES;
        let node = Node { number, epoch: 0, until_ms: i64::MAX };
        Ids { node: RwLock::new(node), last: AtomicI64::new(0) }
    }

    /// A source that makes no ids until it has a node number.
    pub(crate) fn without_a_node() -> Self {
        let node = Node { number: 0, epoch: 0, until_ms: 0 };
        Ids { node: RwLock::new(node), last: AtomicI64::new(0) }
    }

    /// The node number in use.
    pub(crate) fn node(&self) -> Node {
        *self.node.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number by which the ids of this process differ from those of others on the store.
    pub fn node_number(&self) -> i64 {
        self.node().number
    }

    /// Uses a node number. Its ids begin after `used_until`, until when another process may have used it.
    pub(crate) fn hold(&self, node: Node, used_until: i64) {
        let mut held = self.node.write().unwrap_or_else(PoisonError::into_inner);
        self.last.fetch_max(stamp(used_until.saturating_add(1)) << SEQUENCE_BITS, Ordering::AcqRel);
        *held = node;
    }

    /// The next snowflake, greater than every one before it; `None` if the lease of the node number has ended.
    ///
    /// If the system clock stops or goes back, the sequence continues from the last one.
    pub fn snowflake(&self) -> Option<i64> {
        self.snowflake_at(system_millis())
    }

    fn snowflake_at(&self, now: i64) -> Option<i64> {
        let held = self.node.read().unwrap_or_else(PoisonError::into_inner);
        if now >= held.until_ms.saturating_sub(MARGIN) {
            return None;
        }
        // `last` counts (stamp, sequence) without the node, so that a full sequence carries into the stamp.
        let fresh = stamp(now) << SEQUENCE_BITS;
        let mut next = 0;
        let _ = self.last.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| {
            next = fresh.max(last + 1);
            Some(next)
        });
        let (stamp, sequence) = (next >> SEQUENCE_BITS, next & ((1 << SEQUENCE_BITS) - 1));
        Some((stamp << (NODE_BITS + SEQUENCE_BITS)) | (held.number << SEQUENCE_BITS) | sequence)
    }

    /// A number below every snowflake made at or after this time, and above those made before.
    pub(crate) fn first_at(now: i64) -> i64 {
        stamp(now) << (NODE_BITS + SEQUENCE_BITS)
    }

    /// 128 random bits.
    pub fn random(&self) -> u128 {
        u128::from_le_bytes(random_bytes())
    }
}

fn stamp(millis: i64) -> i64 {
    ((millis / 1000) << 10) | (millis % 1000)
}

/// Random bytes from the operating system.
#[expect(clippy::disallowed_methods, reason = "the one place that draws random numbers")]
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
            let next = ids.snowflake().expect("this process is alone");
            assert!(next > last);
            assert_eq!(next.to_string().len(), 19);
            assert_eq!((next >> 12) & 1023, 3);
            last = next;
        }
    }

    #[test]
    fn a_lease_ends_a_little_early() {
        let ids = Ids::without_a_node();
        assert_eq!(ids.snowflake_at(1), None);
        ids.hold(Node { number: 7, epoch: 1, until_ms: 120_000 }, 0);
        assert!(ids.snowflake_at(109_999).is_some());
        assert_eq!(ids.snowflake_at(110_000), None);
        ids.hold(Node { number: 7, epoch: 1, until_ms: 240_000 }, 0);
        assert!(ids.snowflake_at(110_000).is_some());
    }

    #[test]
    fn a_new_holder_of_a_number_continues_after_the_previous_one() {
        let (before, after) = (Ids::without_a_node(), Ids::without_a_node());
        before.hold(Node { number: 7, epoch: 1, until_ms: 120_000 }, 0);
        // The last moment, with so many ids that they run ahead of the clock.
        let last = (0..20_000).map(|_| before.snowflake_at(109_999).expect("in time")).max();
        after.hold(Node { number: 7, epoch: 2, until_ms: 300_000 }, 120_000);
        // Its own clock is a minute behind.
        assert!(after.snowflake_at(60_000) > last);
    }
}
