//! The short way of a new event to a long connection of this process: it is claimed when it is written.
//!
//! Otherwise a worker finds an event and claims it, which is a search and a change of its row, beside the writes of others.
//! Where no other process writes to the store, the writer of an event knows that the worker would claim it at once: the app is
//! connected here, none of its events waits, and its world has no fault rules. Such an event is written with its claim, and the
//! worker gets it after the commit, in the order of the commits.
//!
//! Each connected app has a lane. It is closed while events of the app that are due wait in the store, since they come first. The
//! worker opens it when a search finds none, unless one was written meanwhile. Retries and delayed events keep their own times.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use larkspur_contract::EventType;
use larkspur_contract::events::Form;
use larkspur_contract::ids::{AppId, TenantKey};

/// The most events of an app on their way over long connections, handed over or found.
pub const EACH: usize = 256;
/// The most bytes of their payloads; one that is larger goes alone.
const EACH_BYTES: usize = 1 << 20;
/// The most events of all apps.
const ALL: usize = 4096;

/// The lanes of all apps that are connected to this process. Without a listener nothing goes there.
#[derive(Default)]
pub struct Lanes {
    state: Arc<Mutex<State>>,
    listener: OnceLock<Listener>,
}

struct Listener {
    wake: Box<dyn Fn() + Send + Sync>,
    /// The owner of the claims.
    owner: Arc<str>,
}

#[derive(Default)]
struct State {
    lanes: HashMap<AppId, Lane>,
    /// Committed events that the worker has not taken.
    ready: VecDeque<Handed>,
    /// How many events are on their way, in all lanes.
    count: usize,
    /// Counts what may close a lane.
    moment: u64,
}

#[derive(Default)]
struct Lane {
    /// The tenant that made the app; `None` if the app is not connected.
    developer: Option<TenantKey>,
    is_open: bool,
    /// Events on their way.
    count: usize,
    bytes: usize,
    /// Transactions under way after which the lane must be closed.
    closing: usize,
    /// When one of them last began or ended.
    changed: u64,
}

impl Lane {
    fn is_idle(&self) -> bool {
        self.developer.is_none() && self.count == 0 && self.closing == 0
    }
}

/// A closed lane that a search for waiting events may open.
#[derive(Debug, Clone, Copy)]
pub struct Closed {
    pub(crate) app_id: AppId,
    pub(crate) developer: TenantKey,
    changed: u64,
}

impl Closed {
    /// The app whose lane it is.
    pub fn app_id(&self) -> AppId {
        self.app_id
    }
}

/// An event that was claimed when it was written, and committed.
pub struct Handed {
    /// The tenant where it happened.
    pub tenant: TenantKey,
    /// The app that receives it.
    pub app_id: AppId,
    pub(crate) developer: TenantKey,
    pub(crate) number: i64,
    pub(crate) event_id: String,
    pub(crate) kind: &'static EventType,
    pub(crate) payload: String,
    pub(crate) created_at: i64,
    pub(crate) seat: Seat,
}

/// What happens with an event that is being written. Dropped without a commit, it is as if there had been no event.
pub(crate) enum Way {
    /// The worker gets it after the commit.
    Handed(Seat),
    /// It waits in the store.
    Stored {
        /// Keeps the lane closed until the commit.
        closing: Closing,
    },
}

/// The place of an event in a lane, free again when this is dropped.
pub struct Seat {
    state: Weak<Mutex<State>>,
    app_id: AppId,
    bytes: usize,
    pub(crate) owner: Arc<str>,
}

/// A transaction after which a lane must be closed. Drop it after the commit.
pub(crate) struct Closing {
    state: Arc<Mutex<State>>,
    app_id: AppId,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn close(&mut self, app_id: AppId) {
        self.moment += 1;
        let lane = self.lanes.entry(app_id).or_default();
        lane.changed = self.moment;
        lane.is_open = false;
        lane.closing += 1;
    }

    fn sweep(&mut self, app_id: AppId) {
        if self.lanes.get(&app_id).is_some_and(Lane::is_idle) {
            self.lanes.remove(&app_id);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(state) = self.state.upgrade() else { return };
        let mut state = lock(&state);
        state.count -= 1;
        if let Some(lane) = state.lanes.get_mut(&self.app_id) {
            lane.count -= 1;
            lane.bytes -= self.bytes;
        }
        state.sweep(self.app_id);
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.moment += 1;
        let moment = state.moment;
        if let Some(lane) = state.lanes.get_mut(&self.app_id) {
            lane.closing -= 1;
            lane.changed = moment;
        }
        state.sweep(self.app_id);
    }
}

impl Lanes {
    /// Hands events over from now on, with claims of `owner`, and calls `wake` when there is one. Only the first caller is served;
    /// any other gets false. The store must have no other writing process.
    pub fn listen(&self, owner: Arc<str>, wake: impl Fn() + Send + Sync + 'static) -> bool {
        self.listener.set(Listener { wake: Box::new(wake), owner }).is_ok()
    }

    /// An app is connected to this process. Its lane is closed at first.
    pub fn enter(&self, app_id: AppId, developer: TenantKey) {
        let mut state = lock(&self.state);
        state.moment += 1;
        let moment = state.moment;
        let lane = state.lanes.entry(app_id).or_default();
        if lane.developer.replace(developer).is_none() {
            (lane.is_open, lane.changed) = (false, moment);
        }
    }

    /// An app is not connected to this process any more.
    pub fn leave(&self, app_id: AppId) {
        let mut state = lock(&self.state);
        if let Some(lane) = state.lanes.get_mut(&app_id) {
            (lane.developer, lane.is_open) = (None, false);
        }
        state.sweep(app_id);
    }

    /// The closed lanes of connected apps that nothing keeps closed but what waits in the store. Ask before a search for that.
    pub fn closed(&self) -> Vec<Closed> {
        let state = lock(&self.state);
        let closed = state.lanes.iter().filter(|(_, lane)| !lane.is_open && lane.closing == 0);
        let closed = closed.filter_map(|(app_id, lane)| {
            Some(Closed { app_id: *app_id, developer: lane.developer?, changed: lane.changed })
        });
        closed.collect()
    }

    /// Opens the lane of an app of which nothing waits, and which receives events by long connection, unless that has changed.
    pub fn open(&self, closed: Closed) {
        let mut state = lock(&self.state);
        if let Some(lane) = state.lanes.get_mut(&closed.app_id)
            && lane.closing == 0
            && lane.changed == closed.changed
            && lane.developer == Some(closed.developer)
        {
            lane.is_open = true;
        }
    }

    /// Closes the lane of an app, since a transaction changes how the app receives events.
    pub(crate) fn close(&self, app_id: AppId) -> Option<Closing> {
        self.listener.get()?;
        lock(&self.state).close(app_id);
        Some(Closing { state: self.state.clone(), app_id })
    }

    /// Closes all lanes, since the rows of a world change at once. Call it before and after the commit.
    pub(crate) fn close_all(&self) {
        let mut state = lock(&self.state);
        state.moment += 1;
        let moment = state.moment;
        for lane in state.lanes.values_mut() {
            (lane.is_open, lane.changed) = (false, moment);
        }
    }

    /// Which way an event goes; `None` if there is no listener. `may` is whether it may be handed over.
    pub(crate) fn way(&self, app_id: AppId, form: Form, bytes: usize, may: bool) -> Option<Way> {
        let owner = self.listener.get()?.owner.clone();
        let mut state = lock(&self.state);
        let has_room = state.count < ALL;
        if let Some(lane) = state.lanes.get_mut(&app_id)
            && lane.is_open
            && may
            && matches!(form, Form::V1 | Form::V2)
            && has_room
            && lane.count < EACH
            && (lane.count == 0 || lane.bytes + bytes <= EACH_BYTES)
        {
            lane.count += 1;
            lane.bytes += bytes;
            state.count += 1;
            return Some(Way::Handed(Seat { state: Arc::downgrade(&self.state), app_id, bytes, owner }));
        }
        state.close(app_id);
        Some(Way::Stored { closing: Closing { state: self.state.clone(), app_id } })
    }

    /// An event was committed.
    pub(crate) fn hand_over(&self, event: Handed) {
        lock(&self.state).ready.push_back(event);
        if let Some(listener) = self.listener.get() {
            (listener.wake)();
        }
    }

    /// At most this many committed events, in their order.
    pub fn take(&self, most: usize) -> Vec<Handed> {
        let mut state = lock(&self.state);
        let most = most.min(state.ready.len());
        state.ready.drain(..most).collect()
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lanes")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use larkspur_contract::events::CHAT_UPDATED;

    use super::*;

    const APP: AppId = AppId(1);
    const MAKER: TenantKey = TenantKey(1);

    fn listening() -> (Lanes, Arc<AtomicUsize>) {
        let (lanes, woken) = (Lanes::default(), Arc::new(AtomicUsize::new(0)));
        let count = woken.clone();
        let wake = move || {
            count.fetch_add(1, Ordering::SeqCst);
        };
        assert!(lanes.listen("owner".into(), wake));
        (lanes, woken)
    }

    /// Lanes with the app's lane open.
    fn open() -> (Lanes, Arc<AtomicUsize>) {
        let (lanes, woken) = listening();
        lanes.enter(APP, MAKER);
        lanes.open(lanes.closed()[0]);
        (lanes, woken)
    }

    fn way(lanes: &Lanes, bytes: usize) -> Option<Way> {
        lanes.way(APP, Form::V2, bytes, true)
    }

    #[track_caller]
    fn seat(lanes: &Lanes, bytes: usize) -> Seat {
        match way(lanes, bytes) {
            Some(Way::Handed(seat)) => seat,
            _ => panic!("it is stored"),
        }
    }

    #[track_caller]
    fn closing(lanes: &Lanes, bytes: usize) -> Closing {
        match way(lanes, bytes) {
            Some(Way::Stored { closing }) => closing,
            _ => panic!("it is not stored"),
        }
    }

    fn handed(number: i64, seat: Seat) -> Handed {
        let (tenant, event_id, payload) = (MAKER, String::new(), "{}".to_owned());
        let (app_id, developer, kind, created_at) = (APP, MAKER, &CHAT_UPDATED, 0);
        Handed { tenant, app_id, developer, number, event_id, kind, payload, created_at, seat }
    }

    #[test]
    fn without_a_listener_events_are_only_stored() {
        let lanes = Lanes::default();
        lanes.enter(APP, MAKER);
        lanes.open(lanes.closed()[0]);
        assert!(way(&lanes, 1).is_none() && lanes.close(APP).is_none());
    }

    #[test]
    fn committed_events_are_handed_over_in_order() {
        let (lanes, woken) = open();
        let (first, second, third) = (seat(&lanes, 1), seat(&lanes, 1), seat(&lanes, 1));
        drop(second);
        lanes.hand_over(handed(3, third));
        lanes.hand_over(handed(1, first));
        assert_eq!(woken.load(Ordering::SeqCst), 2);
        let taken: Vec<i64> = lanes.take(1).iter().chain(&lanes.take(9)).map(|one| one.number).collect();
        assert_eq!(taken, [3, 1]);
        assert_eq!(lock(&lanes.state).count, 0, "their places are free again");
    }

    #[test]
    fn a_lane_is_closed_until_nothing_waits() {
        let (lanes, _) = listening();
        lanes.enter(APP, MAKER);
        let before = lanes.closed()[0];
        let stored = closing(&lanes, 1);
        assert!(lanes.closed().is_empty(), "the event is not committed, so that a search does not find it");
        lanes.open(before);
        drop(stored);
        lanes.open(before);
        drop(closing(&lanes, 1));
        let after = lanes.closed()[0];
        lanes.open(after);
        drop(seat(&lanes, 1));
        drop(lanes.close(APP));
        lanes.open(after);
        drop(closing(&lanes, 1));
        let after = lanes.closed()[0];
        lanes.close_all();
        lanes.open(after);
        drop(closing(&lanes, 1));
    }

    #[test]
    fn only_events_by_long_connection_are_handed_over() {
        let (lanes, _) = open();
        for (form, may) in [(Form::Callback, true), (Form::Challenge, true), (Form::V2, false)] {
            assert!(matches!(lanes.way(APP, form, 1, may), Some(Way::Stored { .. })), "{form:?} {may}");
            lanes.open(lanes.closed()[0]);
        }
        drop(seat(&lanes, 1));
    }

    #[test]
    fn a_lane_has_bounds() {
        let (lanes, _) = open();
        let large = seat(&lanes, 2 * EACH_BYTES);
        drop(closing(&lanes, 1));
        lanes.open(lanes.closed()[0]);
        drop(large);
        let seats: Vec<Seat> = (0..EACH).map(|_| seat(&lanes, 1)).collect();
        drop(closing(&lanes, 1));
        lanes.open(lanes.closed()[0]);
        drop(seats);
        drop(seat(&lanes, 1));
    }

    #[test]
    fn an_app_that_left_has_none() {
        let (lanes, _) = open();
        let late = seat(&lanes, 1);
        lanes.leave(APP);
        let stored = closing(&lanes, 1);
        lanes.enter(APP, MAKER);
        assert!(lanes.closed().is_empty(), "an event that was written while it was away is not committed");
        lanes.leave(APP);
        drop((late, stored));
        assert!(lock(&lanes.state).lanes.is_empty());
    }

    #[test]
    fn what_was_seen_of_a_lane_before_the_app_left_does_not_open_it() {
        let (lanes, _) = listening();
        lanes.enter(APP, MAKER);
        let before = lanes.closed()[0];
        lanes.leave(APP);
        drop(closing(&lanes, 1));
        lanes.enter(APP, MAKER);
        lanes.open(before);
        drop(closing(&lanes, 1));
    }

    #[test]
    fn an_app_that_connects_once_more_keeps_its_lane() {
        let (lanes, _) = open();
        lanes.enter(APP, MAKER);
        drop(seat(&lanes, 1));
    }
}
