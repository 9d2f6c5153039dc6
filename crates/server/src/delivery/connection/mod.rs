//! Events by long connection: apps connect to this process by WebSocket, and each event goes to one of their connections.
//!
//! `endpoint` gives an app the URL to connect to, with a ticket; `handshake` admits it; `session` serves one connection
//! to its end; `sending` queues events there; `frame` is the wire format. [`LongConnections`] knows which connections are open in this process.

mod ack;
mod details;
mod directory;
mod endpoint;
pub mod frame;
mod handshake;
mod sending;
mod session;
mod ticket;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_control::faults::Disconnect;
use larkspur_store::Engine;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::App;
use crate::request::{Request, Response};
pub use ack::{Ack, CallbackFailure, NoAnswer};
pub(super) use directory::Directory;
use frame::Event;
pub(super) use sending::Sending;
use sending::Waiting;

/// About the most connections of an app, to all servers: those to other servers are known a moment later. Source: the page on long connections ("50").
const PER_APP: usize = 50;
/// The most events and control frames that wait to be written to a connection.
const QUEUE: usize = 1024;
/// The most bytes of them; one that is larger waits alone.
const QUEUE_BYTES: usize = 4 << 20;

/// How long connections are kept, and how clients are told to keep them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// The most connections at a time in this process.
    pub most: usize,
    /// How often a client sends a ping, in seconds; at least 1.
    pub ping_interval: u32,
    /// How long a client waits between two attempts to reconnect, in seconds.
    pub reconnect_interval: u32,
    /// The most seconds that a client waits, at random, before its first attempt.
    pub reconnect_nonce: u32,
    /// How many attempts a client makes; -1 for no limit.
    pub reconnect_count: i32,
    /// The most bytes of an event in one frame. Larger ones are split.
    pub split_bytes: usize,
    /// How long one write may take: at most 128 events or 32 KiB, or one larger event. A client that reads more slowly is
    /// disconnected.
    pub write_time: Duration,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        ConnectionOptions {
            most: 10_000,
            ping_interval: 120,
            reconnect_interval: 120,
            reconnect_nonce: 30,
            reconnect_count: -1,
            split_bytes: 256 << 10,
            write_time: Duration::from_secs(30),
        }
    }
}

impl ConnectionOptions {
    /// The configuration that clients are sent.
    fn client_config(&self) -> Value {
        json!({
            "ReconnectCount": self.reconnect_count,
            "ReconnectInterval": self.reconnect_interval,
            "ReconnectNonce": self.reconnect_nonce,
            "PingInterval": self.ping_interval.max(1),
        })
    }
}

/// The long connections of this process.
pub struct LongConnections {
    options: ConnectionOptions,
    /// The client's configuration, as every pong carries it.
    config: Bytes,
    state: Mutex<State>,
    used: ticket::Used,
    /// This process's name in the store: random.
    server: OnceLock<String>,
    /// Notifies that a connection was opened or has ended.
    changed: Notify,
    /// The tenants whose fault rules changed while their apps were connected.
    ruled: Mutex<HashSet<TenantKey>>,
    /// Notifies that there is one.
    rules_changed: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    count: usize,
    apps: HashMap<AppId, Connected>,
    /// Whether the server is stopping.
    closing: bool,
}

/// The connections of an app.
struct Connected {
    tenant: TenantKey,
    open: Vec<Arc<Connection>>,
}

/// What is known of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct About {
    /// Its ID.
    id: String,
    /// When it was opened, in real time.
    since: i64,
    /// The number that the client calls its device.
    device: String,
    /// How the client calls itself.
    client: String,
}

/// Why a connection was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    /// The app has the most connections that it may have.
    App,
    /// The process has the most, or it is stopping.
    Process,
}

impl LongConnections {
    /// Without any connection.
    pub(crate) fn new(options: ConnectionOptions) -> Arc<Self> {
        let config = options.client_config().to_string().into();
        let (state, used, changed) = (Mutex::default(), ticket::Used::default(), Notify::new());
        let (ruled, rules_changed, server) = (Mutex::default(), Notify::new(), OnceLock::new());
        Arc::new(LongConnections { options, config, state, used, server, changed, ruled, rules_changed })
    }

    /// This process's name in the store.
    fn server(&self, engine: &Engine) -> &str {
        self.server.get_or_init(|| format!("{:032x}", engine.ids.random()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of open connections.
    pub fn count(&self) -> usize {
        self.state().count
    }

    /// The connected apps, with the tenant that made each and the number of its connections.
    pub fn apps(&self) -> Vec<(TenantKey, AppId, usize)> {
        self.state().apps.iter().map(|(app_id, app)| (app.tenant, *app_id, app.open.len())).collect()
    }

    /// The fault rules of a tenant changed.
    pub(crate) fn rules_changed(&self, tenant: TenantKey) {
        if self.state().apps.values().any(|app| app.tenant == tenant) {
            self.ruled.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
            self.rules_changed.notify_one();
        }
    }

    /// Waits until rules change, and returns the connections of the apps of these tenants.
    pub(super) async fn ruled_anew(&self) -> Vec<Arc<Connection>> {
        self.rules_changed.notified().await;
        let tenants = std::mem::take(&mut *self.ruled.lock().unwrap_or_else(PoisonError::into_inner));
        let state = self.state();
        let ruled = state.apps.values().filter(|app| tenants.contains(&app.tenant));
        ruled.flat_map(|app| app.open.iter().cloned()).collect()
    }

    /// Closes those connections of an app that `which` chooses; returns how many.
    fn cut(&self, app_id: AppId, which: impl Fn(&About) -> bool) -> usize {
        let state = self.state();
        let all = state.apps.get(&app_id).map(|app| app.open.as_slice()).unwrap_or_default();
        let chosen = all.iter().filter(|connection| which(&connection.about));
        chosen.map(|connection| connection.cut.notify_one()).count()
    }

    /// Whether an app, or the process, has the most connections that it may have. `elsewhere` is how many the app has to other
    /// servers.
    fn check(state: &State, app_id: AppId, elsewhere: usize, most: usize) -> Result<(), Full> {
        if state.closing || state.count >= most {
            return Err(Full::Process);
        }
        let here = state.apps.get(&app_id).map_or(0, |app| app.open.len());
        if here.saturating_add(elsewhere) >= PER_APP { Err(Full::App) } else { Ok(()) }
    }

    fn has_room(&self, app_id: AppId, elsewhere: usize) -> Result<(), Full> {
        Self::check(&self.state(), app_id, elsewhere, self.options.most)
    }

    /// Admits a connection of an app, which has so many to other servers.
    fn enter(
        self: &Arc<Self>,
        app_id: AppId,
        tenant: TenantKey,
        about: About,
        elsewhere: usize,
    ) -> Result<Open, Full> {
        let mut state = self.state();
        Self::check(&state, app_id, elsewhere, self.options.most)?;
        let (queue, queued) = mpsc::channel(QUEUE);
        state.next += 1;
        state.count += 1;
        let connection = Arc::new(Connection {
            number: state.next,
            app_id,
            about,
            cut: Notify::new(),
            fault: watch::Sender::new(None),
            rules: Mutex::default(),
            service: service_id(app_id),
            queue,
            queued_bytes: AtomicUsize::new(0),
            waiting: Mutex::new(Some(HashMap::new())),
            sequence: AtomicU64::new(1),
        });
        let app = state.apps.entry(app_id).or_insert_with(|| Connected { tenant, open: Vec::new() });
        app.open.push(connection.clone());
        drop(state);
        self.changed.notify_one();
        Ok(Open { connections: self.clone(), connection, queued: Some(queued) })
    }

    /// Admits no more connections.
    fn close(&self) {
        self.state().closing = true;
    }

    /// Stops sending events to a connection.
    fn leave(&self, connection: &Connection) {
        let mut state = self.state();
        let Some(app) = state.apps.get_mut(&connection.app_id) else { return };
        let Some(place) = app.open.iter().position(|open| open.number == connection.number) else { return };
        app.open.swap_remove(place);
        if app.open.is_empty() {
            state.apps.remove(&connection.app_id);
        }
        state.count -= 1;
        drop(state);
        self.changed.notify_one();
    }
}

/// `service_id` of an app's URLs: positive, and the same at every call.
fn service_id(app_id: AppId) -> i32 {
    let folded = (app_id.0 ^ (app_id.0 >> 32)) & 0x3fff_ffff;
    i32::try_from(folded).unwrap_or_default() + 1
}

/// An open connection.
pub(super) struct Connection {
    number: u64,
    app_id: AppId,
    about: About,
    /// Notifies that it is to be closed.
    cut: Notify,
    /// When and how it ends, if a fault rule says so.
    fault: watch::Sender<Option<Disconnect>>,
    /// The rules of its world that were looked at last, as they are stored.
    rules: Mutex<Option<Arc<str>>>,
    service: i32,
    /// Frames to be written, those of one event together.
    queue: mpsc::Sender<Vec<Bytes>>,
    queued_bytes: AtomicUsize,
    /// Senders that wait for an acknowledgment, by message_id; `None` once the connection has ended.
    waiting: Mutex<Option<HashMap<u128, oneshot::Sender<Ack>>>>,
    sequence: AtomicU64,
}

impl Connection {
    /// The app that is connected.
    pub(super) fn app_id(&self) -> AppId {
        self.app_id
    }

    /// Notes the rules that are looked at now. Returns those before.
    pub(super) fn looks_at(&self, rules: Arc<str>) -> Option<Arc<str>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).replace(rules)
    }

    /// Takes back that rules were looked at, unless others were since.
    pub(super) fn forgets(&self, rules: &Arc<str>, before: Option<Arc<str>>) {
        let mut seen = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.as_ref() == Some(rules) {
            *seen = before;
        }
    }

    /// Whether a rule ends it.
    pub(super) fn is_ended(&self) -> bool {
        self.fault.borrow().is_some()
    }

    /// Ends it as a rule says.
    pub(super) fn end(&self, how: Disconnect) {
        self.fault.send_replace(Some(how));
    }

    fn waiting(&self) -> MutexGuard<'_, Option<HashMap<u128, oneshot::Sender<Ack>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an event.
    fn send(self: Arc<Self>, event: &Event, split: usize) -> Result<Waiting, NoAnswer> {
        let (sender, answer) = oneshot::channel();
        self.waiting().as_mut().ok_or(NoAnswer::Closed)?.insert(event.message_id, sender);
        let waiting = Waiting::new(event.message_id, answer, self.clone());
        self.queue(event.frames(split)).map(|()| waiting)
    }

    /// Queues frames that belong together.
    fn queue(&self, frames: Vec<Bytes>) -> Result<(), NoAnswer> {
        let bytes: usize = frames.iter().map(Bytes::len).sum();
        let before = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before > 0 && before + bytes > QUEUE_BYTES {
            self.written(bytes);
            return Err(NoAnswer::Congested);
        }
        self.queue.try_send(frames).map_err(|refused| {
            self.written(bytes);
            match refused {
                mpsc::error::TrySendError::Full(_) => NoAnswer::Congested,
                mpsc::error::TrySendError::Closed(_) => NoAnswer::Closed,
            }
        })
    }

    /// Removes so many bytes from the count of those that wait.
    fn written(&self, bytes: usize) {
        self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Passes an acknowledgment to the sender that waits for it. A late or unknown one is dropped.
    fn acknowledge(&self, message_id: u128, read: impl FnOnce() -> Ack) {
        let waiting = self.waiting().as_mut().and_then(|waiting| waiting.remove(&message_id));
        if let Some(waiting) = waiting {
            // The sender has just timed out.
            let _ = waiting.send(read());
        }
    }
}

/// The registration of an open connection. Dropping it, for any reason, removes the connection.
struct Open {
    connections: Arc<LongConnections>,
    connection: Arc<Connection>,
    queued: Option<mpsc::Receiver<Vec<Bytes>>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connections.leave(&self.connection);
        // Ends the wait of every sender.
        *self.connection.waiting() = None;
    }
}

/// Answers a request of the long connection; `None` for every other one.
pub(crate) async fn answer(app: &App, request: &mut Request<'_>) -> Option<Response> {
    match request.path {
        endpoint::PATH if request.method == "POST" => Some(endpoint::answer(app, request).await),
        handshake::PATH if request.method == "GET" => Some(handshake::answer(app, request).await),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const APP: AppId = AppId(7);

    fn connections(most: usize) -> Arc<LongConnections> {
        LongConnections::new(ConnectionOptions { most, ..ConnectionOptions::default() })
    }

    fn enter(connections: &Arc<LongConnections>, app_id: AppId) -> Result<Open, Full> {
        let text = String::new;
        let about = About { id: format!("{:016x}", app_id.0), since: 5, device: text(), client: text() };
        connections.enter(app_id, TenantKey(1), about, 0)
    }

    fn event(message_id: u128, bytes: usize) -> Event {
        let payload = vec![b'x'; bytes].into();
        Event { message_id, trace_id: 0, sequence: 1, service: 1, now: 0, payload }
    }

    #[test]
    fn connections_are_bounded_for_an_app_and_for_the_process() {
        let connections = connections(PER_APP + 1);
        let mut open: Vec<Open> =
            (0..PER_APP).map(|_| enter(&connections, APP).expect("there is room")).collect();
        assert_eq!(enter(&connections, APP).err(), Some(Full::App));
        assert_eq!(connections.has_room(APP, 0), Err(Full::App));
        let other = enter(&connections, AppId(8)).expect("there is room");
        assert_eq!(enter(&connections, AppId(9)).err(), Some(Full::Process));
        assert_eq!(connections.count(), PER_APP + 1);
        open.pop();
        assert_eq!(connections.has_room(APP, 0), Ok(()));
        assert_eq!(connections.has_room(APP, 1), Err(Full::App), "another server has the last one");
        assert!(connections.apps().contains(&(TenantKey(1), APP, PER_APP - 1)));
        drop((open, other));
        assert_eq!((connections.count(), connections.apps()), (0, Vec::new()));
        connections.close();
        assert_eq!(enter(&connections, APP).err(), Some(Full::Process));
    }

    #[tokio::test]
    async fn connections_are_cut_by_their_app_and_id() {
        let connections = connections(10);
        let (open, other) = (enter(&connections, APP).ok(), enter(&connections, AppId(8)).ok());
        let (open, other) = (open.expect("there is room"), other.expect("there is room"));
        assert_eq!(connections.cut(APP, |about| about.since < 5), 0);
        assert_eq!(connections.cut(AppId(9), |_| true), 0);
        assert_eq!(connections.cut(APP, |about| about.id == "0000000000000007"), 1);
        let told = |open: &Open| {
            let connection = open.connection.clone();
            async move { timeout(Duration::from_millis(20), connection.cut.notified()).await.is_ok() }
        };
        assert!(told(&open).await && !told(&other).await);
        let details = connections.details();
        let expected = r#"[{"id":"0000000000000007","since":5,"device":"","client":"","pending":0}]"#;
        assert_eq!((details[&APP].count, details[&APP].text.as_str()), (1, expected));
    }

    #[test]
    fn each_connection_is_as_likely_as_the_others() {
        let connections = connections(10);
        assert!(connections.choose(APP, 0).is_none());
        let open: Vec<Open> = (0..3).map(|_| enter(&connections, APP).expect("there is room")).collect();
        let chosen: Vec<u64> =
            (0..6).map(|random| connections.choose(APP, random).expect("one").number).collect();
        let numbers: Vec<u64> = open.iter().map(|open| open.connection.number).collect();
        assert_eq!(chosen, [numbers.clone(), numbers].concat());
    }

    #[tokio::test]
    async fn an_answer_comes_in_time_late_or_not_at_all() {
        let connections = connections(10);
        let open = enter(&connections, APP).expect("there is room");
        let send = |number| open.connection.clone().send(&event(number, 1), 10).expect("queued");
        let (handled, late, closed) = (send(1), send(2), send(3));
        let text = &connections.details()[&APP].text;
        assert!(text.contains(r#""pending":3"#), "{text}");
        let ack = Ack { code: Some(200), data: None };
        open.connection.acknowledge(1, || ack.clone());
        open.connection.acknowledge(4, || unreachable!("no call waits for it"));
        let long = Duration::from_secs(10);
        assert_eq!(handled.answer(long).await, Ok(ack));
        assert_eq!(late.answer(Duration::ZERO).await, Err(NoAnswer::Late));
        let connection = open.connection.clone();
        assert_eq!(
            connection.waiting().as_ref().map(HashMap::len),
            Some(1),
            "a sender that timed out is removed"
        );
        drop(open);
        assert_eq!(closed.answer(long).await, Err(NoAnswer::Closed));
        assert_eq!(connection.send(&event(5, 1), 10).err(), Some(NoAnswer::Closed));
    }

    #[test]
    fn what_waits_to_be_written_is_bounded() {
        let connections = connections(10);
        let mut open = enter(&connections, APP).expect("there is room");
        let send = |bytes| open.connection.clone().send(&event(1, bytes), 1 << 20).map(drop).err();
        assert_eq!(send(QUEUE_BYTES + 1), None, "it is alone");
        assert_eq!(send(1), Some(NoAnswer::Congested));
        let mut queued = open.queued.take().expect("its queue");
        let frames = queued.try_recv().expect("an event");
        open.connection.written(frames.iter().map(Bytes::len).sum());
        for _ in 0..QUEUE {
            assert_eq!(send(1), None);
        }
        assert_eq!(send(1), Some(NoAnswer::Congested));
        assert!(open.connection.waiting().as_ref().is_some_and(HashMap::is_empty));
    }

    #[test]
    fn service_ids_are_positive() {
        for number in [0, 1, u64::MAX, 0x8000_0000, 0xffff_ffff_0000_0000] {
            assert!(service_id(AppId(number)) > 0, "{number}");
        }
    }
}
