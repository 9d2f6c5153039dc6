//! Tracks connections, and decides which to close when there is no room left.
//!
//! A connection is *seated* while it may call operations, and *waiting* while there is no seat for it. Seats are
//! limited in total and per address. When they run out, the connection that has kept the server waiting longest loses
//! its seat: one that is idle, slow to send, or does not read its answer. A connection is never closed while the server
//! works for it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How long a connection may keep the server waiting before it can lose its seat, in milliseconds.
const PATIENT_MS: u64 = 1000;
/// How often a waiting connection checks for a seat to take over.
const LOOK: Duration = Duration::from_millis(250);
/// Connections that wait for a seat, or ask for health without one. With one more, the one that has waited longest is
/// closed.
pub(crate) const WAITING: usize = 64;
/// The most bytes of unread answers in total. Beyond, clients that do not read lose their connections.
const UNREAD_BYTES: usize = 64 << 20;

/// One connection.
#[derive(Debug)]
pub(crate) struct Seat {
    address: IpAddr,
    seated: AtomicBool,
    /// Since when the server waits for the client, in milliseconds of [`now`]; 0 while it works for the client.
    since: AtomicU64,
    /// Bytes of the answer that is being sent.
    unread: AtomicUsize,
    close_requested: AtomicBool,
    tell: Notify,
}

impl Seat {
    /// The address of the other end.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// The server now waits for the client to send or to read.
    pub(crate) fn callers_turn(&self) {
        self.since.store(now(), Ordering::Relaxed);
    }

    /// The server now works for the client.
    pub(crate) fn servers_turn(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// The client has read something.
    pub(crate) fn reads(&self) {
        if self.since.load(Ordering::Relaxed) != 0 {
            self.callers_turn();
        }
    }

    fn is_seated(&self) -> bool {
        self.seated.load(Ordering::Relaxed)
    }

    /// Whether the server works for the client.
    pub(crate) fn is_served(&self) -> bool {
        self.since.load(Ordering::Relaxed) == 0
    }

    /// Waits until the connection is told to close.
    pub(crate) async fn close_requested(&self) {
        while !self.close_requested.load(Ordering::Acquire) {
            self.tell.notified().await;
        }
    }

    fn waited_ms(&self, now: u64) -> Option<u64> {
        let since = self.since.load(Ordering::Relaxed);
        (since != 0 && !self.close_requested.load(Ordering::Relaxed)).then(|| now.saturating_sub(since))
    }

    fn send_away(&self) {
        self.close_requested.store(true, Ordering::Release);
        self.tell.notify_one();
    }
}

/// Milliseconds since an arbitrary moment; never 0.
fn now() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let passed = ORIGIN.get_or_init(Instant::now).elapsed().as_millis();
    u64::try_from(passed).unwrap_or(u64::MAX).saturating_add(1)
}

#[derive(Default)]
struct State {
    next: u64,
    all: HashMap<u64, Arc<Seat>>,
    seated: usize,
    /// Seats by address.
    by_address: HashMap<IpAddr, usize>,
}

/// All connections.
pub(crate) struct Connections {
    state: Mutex<State>,
    most: usize,
    per_address: usize,
    unread: AtomicUsize,
    /// A connection has ended.
    left: Notify,
    /// Called for each connection that is closed to make room.
    shed: Box<dyn Fn() + Send + Sync>,
}

impl Connections {
    /// Room for `most` seats, and `per_address` for one address; 0 is no limit. `shed` is called for each connection
    /// that is closed to make room.
    pub(crate) fn new(most: usize, per_address: usize, shed: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Connections {
            state: Mutex::default(),
            most: most.max(1),
            per_address,
            unread: AtomicUsize::new(0),
            left: Notify::new(),
            shed: Box::new(shed),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a connection, with a seat if one is free.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Presence {
        let seat = Arc::new(Seat {
            address,
            seated: AtomicBool::new(false),
            since: AtomicU64::new(now()),
            unread: AtomicUsize::new(0),
            close_requested: AtomicBool::new(false),
            tell: Notify::new(),
        });
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.all.insert(number, seat.clone());
        let presence = Presence {
            connections: self.clone(),
            number,
            seat,
            lingers: AtomicBool::new(false),
            streams: AtomicBool::new(false),
            resets: AtomicBool::new(false),
        };
        if !self.sit(&mut state, &presence.seat) && state.all.len() - state.seated > WAITING {
            self.send_away_longest(state.all.values().filter(|seat| !seat.is_seated()), 0);
        }
        presence
    }

    /// Waits while too many connections wait in vain for a seat: this limits how many are open at a time.
    pub(crate) async fn room(&self) {
        loop {
            let left = self.left.notified();
            let waiting = {
                let state = self.state();
                state.all.len() - state.seated
            };
            if waiting <= WAITING {
                return;
            }
            let _ = tokio::time::timeout(LOOK, left).await;
        }
    }

    /// Takes a seat, if one is free.
    fn sit(&self, state: &mut State, seat: &Seat) -> bool {
        let there = state.by_address.get(&seat.address).copied().unwrap_or(0);
        if state.seated >= self.most || (self.per_address != 0 && there >= self.per_address) {
            return false;
        }
        state.seated += 1;
        *state.by_address.entry(seat.address).or_default() += 1;
        seat.seated.store(true, Ordering::Relaxed);
        true
    }

    /// Makes room for an address by closing a connection that keeps the server waiting: one of its own if the address
    /// has all its seats, else one of the address with the most. False if none may be closed.
    pub(crate) fn make_place(&self, address: IpAddr) -> bool {
        let state = self.state();
        let count = |seat: &Seat| state.by_address.get(&seat.address).copied().unwrap_or(0);
        let own = state.by_address.get(&address).copied().unwrap_or(0);
        let is_own = self.per_address != 0 && own >= self.per_address;
        if !is_own && state.seated < self.most {
            return true;
        }
        let concerned = || state.all.values().filter(|seat| !is_own || seat.address == address);
        let (seated, waiting): (Vec<_>, Vec<_>) = concerned().partition(|seat| seat.is_seated());
        // Connections that were told to close and have not done so yet make room for as many.
        let going = seated.iter().filter(|seat| seat.close_requested.load(Ordering::Relaxed)).count();
        if going >= waiting.len().max(1) {
            return true;
        }
        let now = now();
        let could = |seat: &&&Arc<Seat>| seat.waited_ms(now) >= Some(PATIENT_MS);
        let most = seated.iter().filter(could).map(|seat| count(seat)).max();
        self.send_away_longest(seated.into_iter().filter(|seat| Some(count(seat)) == most), PATIENT_MS)
    }

    /// Closes the one of these that has kept the server waiting longest, if it is at least this long; false if there is
    /// none.
    fn send_away_longest<'a>(&self, of: impl Iterator<Item = &'a Arc<Seat>>, least_ms: u64) -> bool {
        let now = now();
        let waited = of.filter_map(|seat| Some((seat.waited_ms(now).filter(|ms| *ms >= least_ms)?, seat)));
        let Some((_, longest)) = waited.max_by_key(|(ms, _)| *ms) else { return false };
        longest.send_away();
        (self.shed)();
        true
    }

    /// Closes connections that do not read, until the unread bytes are within the limit.
    fn send_away_readers(&self) {
        let over = self.unread.load(Ordering::Relaxed).saturating_sub(UNREAD_BYTES);
        let state = self.state();
        let held = |seat: &Arc<Seat>| seat.unread.load(Ordering::Relaxed);
        let gone = |seat: &&Arc<Seat>| seat.close_requested.load(Ordering::Relaxed);
        loop {
            let going: usize = state.all.values().filter(gone).map(held).sum();
            let slow = state.all.values().filter(|seat| held(seat) > 0);
            if going >= over || !self.send_away_longest(slow, PATIENT_MS) {
                return;
            }
        }
    }
}

/// An open connection. Dropping it removes it.
pub(crate) struct Presence {
    connections: Arc<Connections>,
    number: u64,
    /// The connection.
    pub(crate) seat: Arc<Seat>,
    /// Whether it ends with bytes of the client that the server does not read.
    pub(crate) lingers: AtomicBool,
    /// Whether its last answer is a stream.
    pub(crate) streams: AtomicBool,
    /// Whether it ends with a reset.
    pub(crate) resets: AtomicBool,
}

impl Presence {
    /// Whether it may call operations.
    pub(crate) fn is_seated(&self) -> bool {
        self.seat.is_seated()
    }

    /// Waits for a seat, and makes others give theirs up if possible. May be dropped at any time.
    pub(crate) async fn sit(&self) {
        while !self.is_seated() {
            let left = self.connections.left.notified();
            if self.connections.sit(&mut self.connections.state(), &self.seat) {
                return;
            }
            self.connections.make_place(self.seat.address);
            // Not only when a connection ends: others may become closable with time.
            let _ = tokio::time::timeout(LOOK, left).await;
        }
    }

    /// Records how many bytes of the answer the client has yet to read; 0 when it has read all.
    pub(crate) fn answers(&self, bytes: usize) {
        let before = self.seat.unread.swap(bytes, Ordering::Relaxed);
        if before == bytes {
            return;
        }
        self.connections.unread.fetch_sub(before, Ordering::Relaxed);
        let all = self.connections.unread.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if bytes > 0 && all > UNREAD_BYTES {
            self.connections.send_away_readers();
        }
    }
}

impl Presence {
    /// Leaves, and frees its seat. A connection that leaves before it ends is no longer an HTTP connection.
    pub(crate) fn leave(&self) {
        self.answers(0);
        let mut state = self.connections.state();
        if state.all.remove(&self.number).is_none() {
            return;
        }
        if self.is_seated() {
            state.seated -= 1;
            let address = self.seat.address;
            if let Some(there) = state.by_address.get_mut(&address) {
                *there -= 1;
                if *there == 0 {
                    state.by_address.remove(&address);
                }
            }
        }
        drop(state);
        self.connections.left.notify_waiters();
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const B: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    fn must_close(presence: &Presence) -> bool {
        presence.seat.close_requested.load(Ordering::Relaxed)
    }

    #[test]
    fn an_address_has_no_more_than_its_seats_and_leaving_frees_them() {
        let connections = Connections::new(3, 2, || {});
        let [first, second, third] = [A, A, A].map(|address| connections.enter(address));
        assert!(first.is_seated() && second.is_seated() && !third.is_seated());
        let other = connections.enter(B);
        assert!(other.is_seated());
        assert!(!connections.enter(B).is_seated(), "three are there");
        drop(first);
        assert!(connections.enter(A).is_seated());
        // Leaving for another protocol frees the seat, once.
        second.leave();
        let next = connections.enter(A);
        assert!(next.is_seated());
        drop(second);
        let last = connections.enter(A);
        assert!(last.is_seated() && !connections.enter(A).is_seated(), "it had left already");
        drop((next, last, third, other));
        assert!(connections.state().all.is_empty() && connections.state().by_address.is_empty());
    }

    #[test]
    fn no_connection_is_closed_while_it_is_served_or_within_a_moment() {
        let connections = Connections::new(2, 0, || {});
        let (busy, fresh) = (connections.enter(A), connections.enter(A));
        busy.seat.servers_turn();
        assert!(!connections.make_place(B), "there is none to close");
        assert!(!must_close(&busy) && !must_close(&fresh));
    }

    #[tokio::test]
    async fn the_longest_idle_of_the_busiest_address_gives_up_its_seat() {
        let connections = Connections::new(4, 0, || {});
        let crowd = [A, A, A].map(|address| connections.enter(address));
        let lonely = connections.enter(B);
        tokio::time::sleep(Duration::from_millis(20)).await;
        crowd[0].seat.servers_turn();
        crowd[2].seat.callers_turn();
        tokio::time::sleep(Duration::from_millis(PATIENT_MS + 50)).await;
        assert!(connections.make_place(B) && connections.make_place(B));
        assert_eq!(crowd.each_ref().map(must_close), [false, true, false], "the longest idle, and no other");
        assert!(!must_close(&lonely), "it has one seat alone, and waited longer");
        let newcomer = connections.enter(B);
        assert!(!newcomer.is_seated());
        let [_, gone, _] = crowd;
        drop(gone);
        newcomer.sit().await;
        assert!(newcomer.is_seated());
    }

    #[tokio::test]
    async fn who_waits_longest_goes_when_too_many_wait() {
        let shed = Arc::new(AtomicUsize::new(0));
        let count = shed.clone();
        let connections = Connections::new(1, 0, move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let seated = connections.enter(A);
        seated.seat.servers_turn();
        let first = connections.enter(A);
        tokio::time::sleep(Duration::from_millis(10)).await;
        let others: Vec<Presence> = (1..WAITING).map(|_| connections.enter(A)).collect();
        assert!(!must_close(&first), "there is room for {WAITING}");
        let last = connections.enter(A);
        first.seat.close_requested().await;
        assert!(!must_close(&last) && !must_close(&others[0]) && !must_close(&seated));
        assert_eq!(shed.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn answers_that_are_not_read_are_bounded() {
        let connections = Connections::new(9, 0, || {});
        let (slow, fast) = (connections.enter(A), connections.enter(A));
        slow.answers(UNREAD_BYTES - 10);
        tokio::time::sleep(Duration::from_millis(PATIENT_MS + 50)).await;
        fast.seat.callers_turn();
        fast.answers(100);
        assert!(must_close(&slow) && !must_close(&fast));
        drop((slow, fast));
        assert_eq!(connections.unread.load(Ordering::Relaxed), 0);
    }
}
