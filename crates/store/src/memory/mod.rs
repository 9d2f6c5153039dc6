//! The in-process read model: what nearly every request needs, kept above the driver.
//!
//! It is exact. A writer invalidates a key *before* its commit and may publish the new value *after* it, before the
//! caller gets an answer. A reader may store what it read only if nothing in that shard was invalidated since its
//! transaction opened. Otherwise the value may be old: it is used once and not kept.
//!
//! Memory does not see what other processes write to the store. There it keeps nothing, or, if the operator allows it,
//! values that were read and not written here, for a limited time after the read. Only transactions that read use them.

mod bounded_cache;
pub(crate) mod overrides;
pub(crate) mod records;

use std::sync::Arc;

use larkspur_contract::ids::{AppId, TagId, TenantKey};

use crate::clock::Clock;
use bounded_cache::Timeline;
pub use bounded_cache::{BoundedCache, Mix, Mixing, Moment};

use records::{Grant, Install, Subscriber, Tenant};

/// All cached records.
pub struct Memory {
    timeline: Timeline,
    /// Tenants and their clocks.
    pub tenants: BoundedCache<TenantKey, Tenant>,
    /// Apps as installed in a tenant.
    pub installs: BoundedCache<(TenantKey, AppId), Install>,
    /// What users granted to apps, by user number.
    pub grants: BoundedCache<(TenantKey, AppId, u64), Grant>,
    /// The apps of a tenant that can receive events.
    pub subscribers: BoundedCache<TenantKey, [Subscriber]>,
    /// Tags as response-ready JSON.
    pub tags: BoundedCache<(TenantKey, TagId), [u8]>,
}

impl Memory {
    /// Empty memory that keeps at most about this many bytes of tags.
    pub fn new(tag_bytes: usize) -> Self {
        Memory::with(16 << 20, tag_bytes, Timeline::default())
    }

    /// Memory that keeps nothing, for a store that other processes write to.
    pub fn off() -> Self {
        Memory::with(0, 0, Timeline::default())
    }

    /// Memory for a store that other processes write to: a value may be used for less than `limit_ms` milliseconds, by
    /// the clock's [`Clock::elapsed_ms`], counted from before the read.
    pub fn stale(tag_bytes: usize, limit_ms: u32, clock: Arc<dyn Clock>) -> Self {
        Memory::with(16 << 20, tag_bytes, Timeline::aging(clock, limit_ms))
    }

    fn with(record_bytes: usize, tag_bytes: usize, timeline: Timeline) -> Self {
        Memory {
            tenants: BoundedCache::new(timeline.clone(), record_bytes),
            installs: BoundedCache::new(timeline.clone(), record_bytes),
            grants: BoundedCache::new(timeline.clone(), record_bytes),
            subscribers: BoundedCache::new(timeline.clone(), record_bytes),
            tags: BoundedCache::new(timeline.clone(), tag_bytes),
            timeline,
        }
    }

    /// The present moment, which a transaction records when it opens.
    pub fn moment(&self) -> Moment {
        self.timeline.moment()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use larkspur_contract::Effect;

    use super::bounded_cache::SHARDS;
    use super::*;

    fn bytes(text: &str) -> Arc<[u8]> {
        Arc::from(text.as_bytes())
    }

    #[test]
    fn a_reader_that_opened_before_a_write_cannot_fill() {
        let memory = Memory::new(1 << 20);
        let key = (TenantKey(1), TagId(1));
        let opened = memory.moment();
        memory.tags.forget(&key);
        memory.tags.fill(Some(opened), key, bytes("old"));
        assert!(memory.tags.get(&key, Effect::Reads).is_none(), "between invalidation and commit");
        let between = memory.moment();
        memory.tags.publish(key, bytes("new"));
        memory.tags.fill(Some(between), key, bytes("old"));
        assert_eq!(
            memory.tags.get(&key, Effect::Reads).as_deref(),
            Some(b"new".as_slice()),
            "after the commit"
        );
    }

    #[test]
    fn memory_that_is_off_keeps_nothing() {
        let memory = Memory::off();
        let key = (TenantKey(1), TagId(1));
        memory.tags.publish_new(key, bytes("new"));
        memory.tags.publish(key, bytes("newer"));
        memory.tags.fill(Some(memory.moment()), key, bytes("read"));
        assert!(memory.tags.get(&key, Effect::Reads).is_none() && memory.tags.is_empty());
        memory.tags.forget(&key);
    }

    /// Its time is moved by hand.
    #[derive(Default)]
    struct Hand(std::sync::atomic::AtomicI64);

    impl Clock for Hand {
        fn now_ms(&self) -> i64 {
            unreachable!("age has nothing to do with the time of day")
        }

        fn elapsed_ms(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn on_a_shared_store_it_keeps_reads_for_a_limited_time() {
        let clock = Arc::new(Hand::default());
        let memory = Memory::stale(1 << 20, 100, clock.clone());
        let at = |ms| clock.0.store(ms, Ordering::SeqCst);
        let (key, known) =
            ((TenantKey(1), TagId(1)), || memory.tags.get(&(TenantKey(1), TagId(1)), Effect::Reads));
        at(1000);
        let opened = memory.moment();
        at(1050);
        memory.tags.fill(Some(opened), key, bytes("read"));
        at(1099);
        assert_eq!(known().as_deref(), Some(b"read".as_slice()));
        assert!(
            memory.tags.get(&key, Effect::Writes).is_none(),
            "a writer never uses a value that may be stale"
        );
        assert!(memory.tags.peek(&key, |_| ()).is_some());
        at(1100);
        assert!(
            known().is_none() && memory.tags.peek(&key, |_| ()).is_none(),
            "counted from before the read"
        );
        // A reader that opened earlier and finishes later replaces nothing.
        let early = memory.moment();
        at(1101);
        memory.tags.fill(Some(memory.moment()), key, bytes("newer"));
        memory.tags.fill(Some(early), key, bytes("older"));
        assert_eq!(known().as_deref(), Some(b"newer".as_slice()));
        // A value written here disappears at once, and is unknown until it is read again.
        let between = memory.moment();
        memory.tags.publish(key, bytes("written"));
        memory.tags.publish_new((TenantKey(1), TagId(2)), bytes("made"));
        assert!(memory.tags.is_empty());
        memory.tags.fill(Some(between), key, bytes("newer"));
        assert!(known().is_none(), "read before the commit");
        memory.tags.fill(Some(memory.moment()), key, bytes("written"));
        assert_eq!(known().as_deref(), Some(b"written".as_slice()));
    }

    #[test]
    fn bounded_in_bytes() {
        let memory = Memory::new(64 * 1024);
        for id in 0..10_000 {
            memory.tags.publish_new((TenantKey(1), TagId(id)), bytes("0123456789"));
        }
        assert!(memory.tags.len() < 64 * 1024 / 74 + SHARDS, "{}", memory.tags.len());
        assert!(!memory.tags.is_empty());
    }
}
