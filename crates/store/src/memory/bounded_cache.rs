//! A map of bounded size that stays exact beside transactions: it knows when a reader may store what it read.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use larkspur_contract::Effect;

use crate::clock::Clock;

pub(super) const SHARDS: usize = 64;

/// The order of invalidations and of the transactions that fill caches. Caches filled by the same transactions share
/// one.
#[derive(Clone, Default)]
pub(super) struct Timeline {
    generation: Arc<AtomicU64>,
    age: Option<Age>,
}

/// How long an entry may be used if other processes write to the store.
#[derive(Clone)]
struct Age {
    clock: Arc<dyn Clock>,
    limit_ms: i64,
}

/// When a transaction opened: it decides what the transaction may store in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    generation: u64,
    /// By the clock's `elapsed_ms`, if entries age; else 0.
    at_ms: i64,
}

impl Timeline {
    /// A timeline whose entries may be used for this many milliseconds, by the clock's [`Clock::elapsed_ms`].
    pub(super) fn aging(clock: Arc<dyn Clock>, limit_ms: u32) -> Self {
        Timeline { generation: Arc::default(), age: Some(Age { clock, limit_ms: limit_ms.into() }) }
    }

    /// The present moment.
    pub(super) fn moment(&self) -> Moment {
        let at_ms = self.age.as_ref().map_or(0, |age| age.clock.elapsed_ms());
        Moment { generation: self.generation.load(Ordering::SeqCst), at_ms }
    }

    /// Starts a new generation and returns its number.
    fn advance(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// A bounded map in shards. Writers invalidate entries, and readers fill them in.
pub struct BoundedCache<K, V: ?Sized> {
    shards: Vec<RwLock<Shard<K, V>>>,
    hasher: Mixing,
    timeline: Timeline,
    /// The most bytes that one shard keeps.
    bound: usize,
}

struct Shard<K, V: ?Sized> {
    /// Each with the moment before which it was read, if entries age.
    entries: HashMap<K, (Arc<V>, i64), Mixing>,
    bytes: usize,
    forgotten: u64,
}

impl<K: Eq + Hash + Clone, V: ?Sized> BoundedCache<K, V> {
    /// An empty cache that keeps at most about this many bytes.
    pub(super) fn new(timeline: Timeline, bytes: usize) -> Self {
        let empty = || RwLock::new(Shard { entries: HashMap::default(), bytes: 0, forgotten: 0 });
        BoundedCache {
            shards: (0..SHARDS).map(|_| empty()).collect(),
            hasher: Mixing::default(),
            timeline,
            bound: bytes / SHARDS,
        }
    }

    fn shard(&self, key: &K) -> &RwLock<Shard<K, V>> {
        // The map uses the lowest and the highest bits; the shard uses some in between.
        let index = (self.hasher.hash_one(key) >> 32) as usize % SHARDS;
        &self.shards[index]
    }

    fn read(&self, key: &K) -> RwLockReadGuard<'_, Shard<K, V>> {
        self.shard(key).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, key: &K) -> RwLockWriteGuard<'_, Shard<K, V>> {
        self.shard(key).write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cached value of a key. A transaction that writes gets it only if it cannot be stale.
    pub fn get(&self, key: &K, effect: Effect) -> Option<Arc<V>> {
        if effect == Effect::Writes && self.timeline.age.is_some() {
            return None;
        }
        self.fresh(self.read(key).entries.get(key)).cloned()
    }

    /// Passes the cached value of a key to `look`, without cloning the reference. For transactions that only read.
    pub fn peek<T>(&self, key: &K, look: impl FnOnce(&V) -> T) -> Option<T> {
        self.fresh(self.read(key).entries.get(key)).map(|value| look(value))
    }

    /// An entry, unless it is too old.
    fn fresh<'a>(&self, entry: Option<&'a (Arc<V>, i64)>) -> Option<&'a Arc<V>> {
        let (value, read_ms) = entry?;
        match &self.timeline.age {
            Some(age) if age.clock.elapsed_ms() - read_ms >= age.limit_ms => None,
            _ => Some(value),
        }
    }

    /// Stores what a reading transaction found that opened at this moment, unless the shard was invalidated since.
    pub fn fill(&self, opened: Option<Moment>, key: K, value: Arc<V>) {
        let Some(opened) = opened else { return };
        let mut shard = self.write(&key);
        // Of two readers, the one that opened first may finish last.
        let newer = |(_, read_ms): &(Arc<V>, i64)| *read_ms > opened.at_ms;
        if shard.forgotten <= opened.generation && !shard.entries.get(&key).is_some_and(newer) {
            shard.insert(key, (value, opened.at_ms), self.bound);
        }
    }

    /// Invalidates a key, and rejects older values of it from open readers.
    pub fn forget(&self, key: &K) {
        let mut shard = self.write(key);
        let generation = self.timeline.advance();
        shard.forgotten = generation;
        if let Some(old) = shard.entries.remove(key) {
            shard.bytes -= cost(&*old.0);
        }
    }

    /// Stores a value that was just committed. If entries age, the key is invalidated instead: other processes may have
    /// replaced the value since, and its age is unknown.
    pub fn publish(&self, key: K, value: Arc<V>) {
        if self.timeline.age.is_some() {
            return self.forget(&key);
        }
        let mut shard = self.write(&key);
        shard.forgotten = self.timeline.advance();
        shard.insert(key, (value, 0), self.bound);
    }

    /// Stores a value under a key that did not exist before the commit: no reader can have an older one.
    pub fn publish_new(&self, key: K, value: Arc<V>) {
        if self.timeline.age.is_none() {
            self.write(&key).insert(key, (value, 0), self.bound);
        }
    }

    /// Invalidates every key for which `which` is true.
    pub fn forget_where(&self, which: impl Fn(&K) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.forgotten = self.timeline.advance();
            let mut freed = 0;
            shard.entries.retain(|key, (value, _)| {
                let gone = which(key);
                freed += if gone { cost(&**value) } else { 0 };
                !gone
            });
            shard.bytes -= freed;
        }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).entries.len())
            .sum()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Makes hashers for keys that this process made itself (snowflakes, random ids), so that no attacker can choose colliding
/// ones.
pub type Mixing = BuildHasherDefault<Mix>;

/// A hasher of [`Mixing`].
#[derive(Debug, Default)]
pub struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        // Multiplying by an odd constant close to 2^64 divided by the golden ratio spreads neighbors apart.
        self.0 = (self.0.rotate_left(23) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value.cast_unsigned());
    }
}

/// Bytes of an entry: the value and a flat allowance for key, pointer and table slot.
fn cost<V: ?Sized>(value: &V) -> usize {
    size_of_val(value) + 64
}

impl<K: Eq + Hash + Clone, V: ?Sized> Shard<K, V> {
    fn insert(&mut self, key: K, entry: (Arc<V>, i64), bound: usize) {
        if bound == 0 {
            return;
        }
        self.bytes += cost(&*entry.0);
        if let Some(old) = self.entries.insert(key, entry) {
            self.bytes -= cost(&*old.0);
        }
        if self.bytes > bound {
            // The map's order is practically random, so this drops an arbitrary half: reads need no bookkeeping.
            let (mut bytes, half) = (self.bytes, bound / 2);
            self.entries.retain(|_, (value, _)| {
                let keep = bytes <= half;
                if !keep {
                    bytes -= cost(&**value);
                }
                keep
            });
            self.bytes = bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use larkspur_contract::ids::{TagId, TenantKey};

    use super::*;

    #[test]
    fn snowflakes_spread_over_the_shards() {
        let cache = BoundedCache::<(TenantKey, TagId), [u8]>::new(Timeline::default(), 1 << 20);
        let ids = crate::Ids::new(0);
        let mut counts = [0; SHARDS];
        for _ in 0..SHARDS * 100 {
            let key = (TenantKey(0xf62b_5d55_b4b8_f0ea), TagId(ids.snowflake().expect("alone")));
            let at = cache.shards.iter().position(|shard| std::ptr::eq(shard, cache.shard(&key)));
            counts[at.expect("a shard")] += 1;
        }
        assert!(counts.iter().all(|count| (20..400).contains(count)), "{counts:?}");
    }
}
