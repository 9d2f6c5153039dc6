//! The in-process read model: what nearly every request needs, kept above the driver.
//!
//! It is exact. A writer makes memory forget a key *before* its commit and may publish the new value *after* it, before
//! anybody is answered. A reader may fill in what it read only if nothing in that shard was forgotten since its
//! transaction opened; otherwise what it read may be old, and is used once and not kept.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use larkspur_contract::ids::{AppId, TagId, TenantKey};

use crate::apps::Install;
use crate::tenants::Tenant;
use crate::users::Grant;

const SHARDS: usize = 64;

/// Everything that is remembered.
pub struct Memory {
    generation: Arc<AtomicU64>,
    /// Tenants and their clocks.
    pub tenants: Shelf<TenantKey, Tenant>,
    /// Apps as installed in a tenant.
    pub installs: Shelf<(TenantKey, AppId), Install>,
    /// What users granted to apps, by user number.
    pub grants: Shelf<(TenantKey, AppId, u64), Grant>,
    /// Tags as response-ready JSON.
    pub tags: Shelf<(TenantKey, TagId), [u8]>,
}

impl Memory {
    /// Empty memory that keeps at most about this many bytes of tags.
    pub fn new(tag_bytes: usize) -> Self {
        let generation = Arc::new(AtomicU64::new(0));
        let facts = 16 << 20;
        Memory {
            tenants: Shelf::new(generation.clone(), facts),
            installs: Shelf::new(generation.clone(), facts),
            grants: Shelf::new(generation.clone(), facts),
            tags: Shelf::new(generation.clone(), tag_bytes),
            generation,
        }
    }

    /// Memory that keeps nothing: what other processes write, it would not hear of.
    pub fn off() -> Self {
        let generation = Arc::new(AtomicU64::new(0));
        Memory {
            tenants: Shelf::new(generation.clone(), 0),
            installs: Shelf::new(generation.clone(), 0),
            grants: Shelf::new(generation.clone(), 0),
            tags: Shelf::new(generation.clone(), 0),
            generation,
        }
    }

    /// The present generation: what a transaction remembers when it opens.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}

/// A bounded map in shards.
pub struct Shelf<K, V: ?Sized> {
    shards: Vec<RwLock<Shard<K, V>>>,
    hasher: Mixing,
    generation: Arc<AtomicU64>,
    /// The most that one shard keeps, in bytes.
    bound: usize,
}

struct Shard<K, V: ?Sized> {
    entries: HashMap<K, Arc<V>, Mixing>,
    bytes: usize,
    forgotten: u64,
}

impl<K: Eq + Hash + Clone, V: ?Sized> Shelf<K, V> {
    fn new(generation: Arc<AtomicU64>, bytes: usize) -> Self {
        let empty = || RwLock::new(Shard { entries: HashMap::default(), bytes: 0, forgotten: 0 });
        Shelf {
            shards: (0..SHARDS).map(|_| empty()).collect(),
            hasher: Mixing::default(),
            generation,
            bound: bytes / SHARDS,
        }
    }

    fn shard(&self, key: &K) -> &RwLock<Shard<K, V>> {
        #[allow(clippy::cast_possible_truncation, reason = "any bits will do")]
        // The map takes the lowest and the highest bits; the shard takes some from between.
        let index = (self.hasher.hash_one(key) >> 32) as usize % SHARDS;
        &self.shards[index]
    }

    fn read(&self, key: &K) -> RwLockReadGuard<'_, Shard<K, V>> {
        self.shard(key).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, key: &K) -> RwLockWriteGuard<'_, Shard<K, V>> {
        self.shard(key).write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered of a key.
    pub fn get(&self, key: &K) -> Option<Arc<V>> {
        self.read(key).entries.get(key).cloned()
    }

    /// Hands what is remembered of a key to `look`, without taking a reference to it.
    pub fn peek<T>(&self, key: &K, look: impl FnOnce(&V) -> T) -> Option<T> {
        self.read(key).entries.get(key).map(|value| look(value))
    }

    /// Keeps what a reading transaction found that opened at this generation, unless the shard forgot something since.
    pub fn fill(&self, opened: Option<u64>, key: K, value: Arc<V>) {
        let Some(opened) = opened else { return };
        let mut shard = self.write(&key);
        if shard.forgotten <= opened {
            shard.insert(key, value, self.bound);
        }
    }

    /// Forgets a key, and refuses what open readers may still bring of it.
    pub fn forget(&self, key: &K) {
        let mut shard = self.write(key);
        let generation = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        shard.forgotten = generation;
        if let Some(old) = shard.entries.remove(key) {
            shard.bytes -= cost(&*old);
        }
    }

    /// Keeps a value that has just been committed.
    pub fn publish(&self, key: K, value: Arc<V>) {
        let mut shard = self.write(&key);
        shard.forgotten = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        shard.insert(key, value, self.bound);
    }

    /// Keeps a value under a key that did not exist before the commit, so that no reader can hold an older one.
    pub fn publish_new(&self, key: K, value: Arc<V>) {
        self.write(&key).insert(key, value, self.bound);
    }

    /// Forgets every key that `which` names.
    pub fn forget_where(&self, which: impl Fn(&K) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.forgotten = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
            let mut freed = 0;
            shard.entries.retain(|key, value| {
                let gone = which(key);
                freed += if gone { cost(&**value) } else { 0 };
                !gone
            });
            shard.bytes -= freed;
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).entries.len())
            .sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

type Mixing = BuildHasherDefault<Mix>;

/// A hasher for keys that this process made itself (snowflakes, random ids), which nobody can choose to collide.
#[derive(Default)]
struct Mix(u64);

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
    fn insert(&mut self, key: K, value: Arc<V>, bound: usize) {
        if bound == 0 {
            return;
        }
        self.bytes += cost(&*value);
        if let Some(old) = self.entries.insert(key, value) {
            self.bytes -= cost(&*old);
        }
        if self.bytes > bound {
            // The map's order is as good as random, so this drops an arbitrary half: no bookkeeping on reads.
            let (mut bytes, half) = (self.bytes, bound / 2);
            self.entries.retain(|_, value| {
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
    use super::*;

    fn bytes(text: &str) -> Arc<[u8]> {
        Arc::from(text.as_bytes())
    }

    #[test]
    fn a_reader_that_opened_before_a_write_cannot_fill() {
        let memory = Memory::new(1 << 20);
        let key = (TenantKey(1), TagId(1));
        let opened = memory.generation();
        memory.tags.forget(&key);
        memory.tags.fill(Some(opened), key, bytes("old"));
        assert!(memory.tags.get(&key).is_none(), "between invalidation and commit");
        let between = memory.generation();
        memory.tags.publish(key, bytes("new"));
        memory.tags.fill(Some(between), key, bytes("old"));
        assert_eq!(memory.tags.get(&key).as_deref(), Some(b"new".as_slice()), "after the commit");
    }

    #[test]
    fn snowflakes_spread_over_the_shards() {
        let memory = Memory::new(1 << 20);
        let ids = crate::Ids::new(0);
        let mut counts = [0; SHARDS];
        for _ in 0..SHARDS * 100 {
            let key = (TenantKey(0xf62b_5d55_b4b8_f0ea), TagId(ids.snowflake().expect("alone")));
            let at = memory.tags.shards.iter().position(|shard| std::ptr::eq(shard, memory.tags.shard(&key)));
            counts[at.expect("a shard")] += 1;
        }
        assert!(counts.iter().all(|count| (20..400).contains(count)), "{counts:?}");
    }

    #[test]
    fn memory_that_is_off_keeps_nothing() {
        let memory = Memory::off();
        let key = (TenantKey(1), TagId(1));
        memory.tags.publish_new(key, bytes("new"));
        memory.tags.publish(key, bytes("newer"));
        memory.tags.fill(Some(memory.generation()), key, bytes("read"));
        assert!(memory.tags.get(&key).is_none() && memory.tags.is_empty());
        memory.tags.forget(&key);
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
