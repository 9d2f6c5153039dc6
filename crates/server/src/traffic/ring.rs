//! Recorded calls, by world: bounded in bytes over all worlds, and in number in each.
//!
//! Each world has a lock of its own, so only the calls of a world wait for one another.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use larkspur_contract::ids::TenantKey;
use larkspur_store::Mixing;
use tokio::sync::Notify;

use super::ledger::Tallies;
use super::record::Record;

const SHARDS: usize = 16;
/// What a world costs besides its calls, in bytes.
const WORLD_BYTES: usize = 1024;

/// Some of the worlds.
type Shard = HashMap<TenantKey, Arc<World>, Mixing>;

/// The recorded calls of all worlds.
pub(super) struct Worlds {
    shards: [RwLock<Shard>; SHARDS],
    /// Calls of unknown callers.
    none: Arc<World>,
    bytes: AtomicUsize,
    limit: usize,
    entries: usize,
}

/// The recorded calls of a world.
pub(super) struct World {
    ring: Mutex<Ring>,
    bytes: AtomicUsize,
    /// Signaled after a call, if something waits for one.
    pub(super) changed: Notify,
    /// How many wait.
    pub(super) waiting: AtomicUsize,
    /// The number of the newest call.
    newest: AtomicU64,
}

#[derive(Default)]
struct Ring {
    calls: VecDeque<Arc<Record>>,
    /// How many were dropped: the number of the oldest call is one more.
    dropped: u64,
    tallies: Tallies,
}

/// Some of a world's calls, in their order.
pub(super) struct Page {
    /// The calls with their numbers, which count from 1.
    pub(super) calls: Vec<(u64, Arc<Record>)>,
    /// The number of the oldest call that is kept.
    pub(super) oldest: u64,
    /// The number of the newest call.
    pub(super) newest: u64,
    /// How many older ones were dropped.
    pub(super) dropped: u64,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(World {
            ring: Mutex::default(),
            bytes: AtomicUsize::new(0),
            changed: Notify::new(),
            waiting: AtomicUsize::new(0),
            newest: AtomicU64::new(0),
        })
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls with numbers above `after`, at most `most` of them; the oldest first.
    pub(super) fn after(&self, after: u64, most: usize) -> Page {
        let ring = self.ring();
        let skipped = usize::try_from(after.saturating_sub(ring.dropped)).unwrap_or(usize::MAX);
        let numbered = (ring.dropped + 1..).zip(ring.calls.iter().cloned());
        ring.page(numbered.skip(skipped).take(most).collect())
    }

    /// The number of the newest call; 0 if there was none.
    pub(super) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    /// What is counted of the world's calls.
    pub(super) fn tallies<T>(&self, read: impl FnOnce(&mut Tallies) -> T) -> T {
        read(&mut self.ring().tallies)
    }

    /// Removes all calls. Numbers go on.
    fn clear(&self) -> usize {
        let gone: Vec<Arc<Record>> = {
            let mut ring = self.ring();
            ring.dropped += ring.calls.len() as u64;
            ring.calls.drain(..).collect()
        };
        self.release(gone.iter())
    }

    fn release<'a>(&self, gone: impl Iterator<Item = &'a Arc<Record>>) -> usize {
        let bytes = gone.map(|call| call.bytes()).sum();
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        bytes
    }

    /// Removes the oldest calls, of at least this many bytes if there are so many.
    fn shed(&self, wanted: usize) -> usize {
        let mut gone = Vec::new();
        {
            let mut ring = self.ring();
            let mut bytes = 0;
            while bytes < wanted
                && let Some(call) = ring.calls.pop_front()
            {
                bytes += call.bytes();
                ring.dropped += 1;
                gone.push(call);
            }
        }
        self.release(gone.iter())
    }
}

impl Ring {
    fn page(&self, calls: Vec<(u64, Arc<Record>)>) -> Page {
        Page {
            calls,
            oldest: self.dropped + 1,
            newest: self.dropped + self.calls.len() as u64,
            dropped: self.dropped,
        }
    }
}

impl Worlds {
    /// No calls; at most `limit` bytes of them, and `entries` of each world.
    pub(super) fn new(limit: usize, entries: usize) -> Self {
        Worlds {
            shards: std::array::from_fn(|_| RwLock::default()),
            none: World::new(),
            bytes: AtomicUsize::new(0),
            limit,
            entries,
        }
    }

    fn shard(&self, key: TenantKey) -> &RwLock<Shard> {
        // The map uses the lowest and the highest bits; the shard uses some in between.
        let mixed = Mixing::default().hash_one(key) >> 32;
        &self.shards[usize::from(mixed.to_le_bytes()[0]) % SHARDS]
    }

    /// The world of a tenant, if calls of it were recorded; for `None`, that of unknown callers.
    pub(super) fn find(&self, key: Option<TenantKey>) -> Option<Arc<World>> {
        let Some(key) = key else { return Some(self.none.clone()) };
        self.shard(key).read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    /// The world of a tenant, made if necessary.
    pub(super) fn of(&self, key: Option<TenantKey>) -> Arc<World> {
        let Some(key) = key else { return self.none.clone() };
        if let Some(world) = self.find(Some(key)) {
            return world;
        }
        let mut shard = self.shard(key).write().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            self.bytes.fetch_add(WORLD_BYTES, Ordering::Relaxed);
            World::new()
        };
        shard.entry(key).or_insert_with(made).clone()
    }

    /// Every world.
    pub(super) fn all(&self) -> Vec<Arc<World>> {
        let mut all = vec![self.none.clone()];
        for shard in &self.shards {
            all.extend(shard.read().unwrap_or_else(PoisonError::into_inner).values().cloned());
        }
        all
    }

    /// Adds a call to a world.
    pub(super) fn push(&self, world: &World, call: Record) {
        let bytes = call.bytes();
        let call = Arc::new(call);
        let (gone, newest) = {
            let mut ring = world.ring();
            ring.tallies.count(&call);
            ring.calls.push_back(call);
            let gone = if ring.calls.len() > self.entries { ring.calls.pop_front() } else { None };
            ring.dropped += u64::from(gone.is_some());
            (gone, ring.dropped + ring.calls.len() as u64)
        };
        world.newest.fetch_max(newest, Ordering::Release);
        world.bytes.fetch_add(bytes, Ordering::Relaxed);
        let freed = world.release(gone.iter());
        let total = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.bytes.fetch_sub(freed, Ordering::Relaxed);
        if total.saturating_sub(freed) > self.limit {
            self.shrink();
        }
        if world.waiting.load(Ordering::Acquire) > 0 {
            world.changed.notify_waiters();
        }
    }

    /// The largest worlds lose their oldest calls. A sixteenth of the limit becomes free, so this is rare.
    fn shrink(&self) {
        let goal = self.limit - self.limit / 16;
        loop {
            let over = self.bytes.load(Ordering::Relaxed).saturating_sub(goal);
            let largest = self.all().into_iter().max_by_key(|world| world.bytes.load(Ordering::Relaxed));
            let Some(largest) = largest.filter(|_| over > 0) else { return };
            let freed = largest.shed(over.min(self.limit / 16).max(1));
            if freed == 0 {
                return;
            }
            self.bytes.fetch_sub(freed, Ordering::Relaxed);
        }
    }

    /// Removes the calls of a world.
    pub(super) fn clear(&self, world: &World) {
        let freed = world.clear();
        self.bytes.fetch_sub(freed, Ordering::Relaxed);
    }

    /// Forgets a world that was deleted.
    pub(super) fn forget(&self, key: TenantKey) {
        let gone = self.shard(key).write().unwrap_or_else(PoisonError::into_inner).remove(&key);
        if let Some(world) = gone {
            self.clear(&world);
            self.bytes.fetch_sub(WORLD_BYTES, Ordering::Relaxed);
        }
    }

    /// Moves calls of unknown callers to the world that they turned out to belong to.
    pub(super) fn adopt(&self, world: &World, wanted: impl Fn(&Record) -> bool) {
        let found: Vec<Arc<Record>> = {
            let mut ring = self.none.ring();
            if !ring.calls.iter().any(|call| wanted(call)) {
                return;
            }
            let (found, kept): (VecDeque<_>, VecDeque<_>) =
                ring.calls.drain(..).partition(|call| wanted(call));
            ring.calls = kept;
            ring.dropped += found.len() as u64;
            found.into()
        };
        self.bytes.fetch_sub(self.none.release(found.iter()), Ordering::Relaxed);
        for call in found {
            self.push(world, Record::clone(&call));
        }
    }

    /// The bytes of all calls.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(worlds: &Worlds, key: u64, calls: usize, size: usize) -> Arc<World> {
        let world = worlds.of(Some(TenantKey(key)));
        for _ in 0..calls {
            worlds.push(&world, Record::sized(size));
        }
        world
    }

    #[test]
    fn a_world_keeps_its_newest_calls_and_numbers_go_on() {
        let worlds = Worlds::new(10 << 20, 5);
        let world = world(&worlds, 1, 8, 100);
        let page = world.after(0, 100);
        assert_eq!((page.oldest, page.newest, page.dropped, page.calls.len()), (4, 8, 3, 5));
        let numbers =
            |after, most| world.after(after, most).calls.iter().map(|(n, _)| *n).collect::<Vec<_>>();
        assert_eq!(numbers(5, 2), [6, 7]);
        assert_eq!(numbers(8, 2), [0; 0]);
        worlds.clear(&world);
        assert_eq!((world.after(0, 9).calls.len(), world.newest()), (0, 8));
        assert_eq!(worlds.bytes(), WORLD_BYTES);
        worlds.forget(TenantKey(1));
        assert_eq!(worlds.bytes(), 0);
    }

    #[test]
    fn the_largest_world_loses_its_oldest_calls() {
        let worlds = Worlds::new(200_000, 100_000);
        let small = world(&worlds, 1, 10, 100);
        let large = world(&worlds, 2, 2_000, 400);
        assert!(worlds.bytes() <= 200_000, "{}", worlds.bytes());
        assert_eq!(small.after(0, 100).calls.len(), 10, "other worlds keep theirs");
        let page = large.after(0, 10_000);
        assert!(page.dropped > 0 && page.newest == 2_000);
    }
}
