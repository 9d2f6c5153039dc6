//! The in-process read model: what nearly every request needs, kept above the driver.
//!
//! It is exact. A writer makes memory forget a key *before* its commit and may publish the new value *after* it, before
//! anybody is answered. A reader may fill in what it read only if nothing in that shard was forgotten since its
//! transaction opened; otherwise what it read may be old, and is used once and not kept.
//!
//! Where other processes write to the store, it would not hear of that. There it keeps nothing, or, if an operator allows
//! it, what was read and not written here, for so long after the read as is allowed; and only what changes nothing asks it.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TagId, TenantKey};

use crate::Clock;
use crate::apps::Install;
use crate::tenants::Tenant;
use crate::users::Grant;

const SHARDS: usize = 64;

/// Everything that is remembered.
pub struct Memory {
    generation: Arc<AtomicU64>,
    age: Option<Age>,
    /// Tenants and their clocks.
    pub tenants: Shelf<TenantKey, Tenant>,
    /// Apps as installed in a tenant.
    pub installs: Shelf<(TenantKey, AppId), Install>,
    /// What users granted to apps, by user number.
    pub grants: Shelf<(TenantKey, AppId, u64), Grant>,
    /// Tags as response-ready JSON.
    pub tags: Shelf<(TenantKey, TagId), [u8]>,
}

/// How long what was read may be used where it is not heard of what others write.
#[derive(Clone)]
struct Age {
    clock: Arc<dyn Clock>,
    limit_ms: i64,
}

/// When a transaction opened: what it may teach the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    generation: u64,
    /// By the clock's `elapsed_ms`, where age counts; else 0.
    at_ms: i64,
}

impl Memory {
    /// Empty memory that keeps at most about this many bytes of tags.
    pub fn new(tag_bytes: usize) -> Self {
        Memory::with(16 << 20, tag_bytes, None)
    }

    /// Memory that keeps nothing: what other processes write, it would not hear of.
    pub fn off() -> Self {
        Memory::with(0, 0, None)
    }

    /// Memory beside other processes that write: what was read is used for less than so many milliseconds by the clock's
    /// [`Clock::elapsed_ms`], counted from before the read.
    pub fn stale(tag_bytes: usize, limit_ms: u32, clock: Arc<dyn Clock>) -> Self {
        Memory::with(16 << 20, tag_bytes, Some(Age { clock, limit_ms: limit_ms.into() }))
    }

    fn with(fact_bytes: usize, tag_bytes: usize, age: Option<Age>) -> Self {
        let generation = Arc::new(AtomicU64::new(0));
        Memory {
            tenants: Shelf::new(generation.clone(), fact_bytes, age.clone()),
            installs: Shelf::new(generation.clone(), fact_bytes, age.clone()),
            grants: Shelf::new(generation.clone(), fact_bytes, age.clone()),
            tags: Shelf::new(generation.clone(), tag_bytes, age.clone()),
            generation,
            age,
        }
    }

    /// The present moment: what a transaction remembers when it opens.
    pub fn moment(&self) -> Moment {
        let at_ms = self.age.as_ref().map_or(0, |age| age.clock.elapsed_ms());
        Moment { generation: self.generation.load(Ordering::SeqCst), at_ms }
    }
}

/// A bounded map in shards.
pub struct Shelf<K, V: ?Sized> {
    shards: Vec<RwLock<Shard<K, V>>>,
    hasher: Mixing,
    generation: Arc<AtomicU64>,
    age: Option<Age>,
    /// The most that one shard keeps, in bytes.
    bound: usize,
}

struct Shard<K, V: ?Sized> {
    /// With the moment before which it was read, where age counts.
    entries: HashMap<K, (Arc<V>, i64), Mixing>,
    bytes: usize,
    forgotten: u64,
}

impl<K: Eq + Hash + Clone, V: ?Sized> Shelf<K, V> {
    fn new(generation: Arc<AtomicU64>, bytes: usize, age: Option<Age>) -> Self {
        let empty = || RwLock::new(Shard { entries: HashMap::default(), bytes: 0, forgotten: 0 });
        Shelf {
            shards: (0..SHARDS).map(|_| empty()).collect(),
            hasher: Mixing::default(),
            generation,
            age,
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

    /// What is remembered of a key, for whoever only reads; for whoever writes if it cannot be old.
    pub fn get(&self, key: &K, effect: Effect) -> Option<Arc<V>> {
        if effect == Effect::Writes && self.age.is_some() {
            return None;
        }
        self.fresh(self.read(key).entries.get(key)).cloned()
    }

    /// Hands what is remembered of a key to `look`, without taking a reference to it; for whoever only reads.
    pub fn peek<T>(&self, key: &K, look: impl FnOnce(&V) -> T) -> Option<T> {
        self.fresh(self.read(key).entries.get(key)).map(|value| look(value))
    }

    /// An entry, unless it is too old to be used.
    fn fresh<'a>(&self, entry: Option<&'a (Arc<V>, i64)>) -> Option<&'a Arc<V>> {
        let (value, read_ms) = entry?;
        match &self.age {
            Some(age) if age.clock.elapsed_ms() - read_ms >= age.limit_ms => None,
            _ => Some(value),
        }
    }

    /// Keeps what a reading transaction found that opened at this moment, unless the shard forgot something since.
    pub fn fill(&self, opened: Option<Moment>, key: K, value: Arc<V>) {
        let Some(opened) = opened else { return };
        let mut shard = self.write(&key);
        // Of two readers the one that opened first may come last.
        let newer = |(_, read_ms): &(Arc<V>, i64)| *read_ms > opened.at_ms;
        if shard.forgotten <= opened.generation && !shard.entries.get(&key).is_some_and(newer) {
            shard.insert(key, (value, opened.at_ms), self.bound);
        }
    }

    /// Forgets a key, and refuses what open readers may still bring of it.
    pub fn forget(&self, key: &K) {
        let mut shard = self.write(key);
        let generation = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        shard.forgotten = generation;
        if let Some(old) = shard.entries.remove(key) {
            shard.bytes -= cost(&*old.0);
        }
    }

    /// Keeps a value that has just been committed. Where age counts it is forgotten instead: others may have replaced it
    /// since, and how old it is nobody knows.
    pub fn publish(&self, key: K, value: Arc<V>) {
        if self.age.is_some() {
            return self.forget(&key);
        }
        let mut shard = self.write(&key);
        shard.forgotten = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        shard.insert(key, (value, 0), self.bound);
    }

    /// Keeps a value under a key that did not exist before the commit, so that no reader can hold an older one.
    pub fn publish_new(&self, key: K, value: Arc<V>) {
        if self.age.is_none() {
            self.write(&key).insert(key, (value, 0), self.bound);
        }
    }

    /// Forgets every key that `which` names.
    pub fn forget_where(&self, which: impl Fn(&K) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.forgotten = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
            let mut freed = 0;
            shard.entries.retain(|key, (value, _)| {
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
    fn insert(&mut self, key: K, entry: (Arc<V>, i64), bound: usize) {
        if bound == 0 {
            return;
        }
        self.bytes += cost(&*entry.0);
        if let Some(old) = self.entries.insert(key, entry) {
            self.bytes -= cost(&*old.0);
        }
        if self.bytes > bound {
            // The map's order is as good as random, so this drops an arbitrary half: no bookkeeping on reads.
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
    fn beside_others_it_keeps_what_was_read_for_so_long() {
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
            "who writes goes by nothing that can be old"
        );
        assert!(memory.tags.peek(&key, |_| ()).is_some());
        at(1100);
        assert!(
            known().is_none() && memory.tags.peek(&key, |_| ()).is_none(),
            "counted from before the read"
        );
        // A reader that opened earlier and comes later replaces nothing.
        let early = memory.moment();
        at(1101);
        memory.tags.fill(Some(memory.moment()), key, bytes("newer"));
        memory.tags.fill(Some(early), key, bytes("older"));
        assert_eq!(known().as_deref(), Some(b"newer".as_slice()));
        // What was written here is gone at once, and is not known before it is read again.
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
