//! Recorded calls: what came in, what was answered, and why.
//!
//! The gateway shows every call here at its single exit. A record is redacted and copied once; it is parsed when it is
//! read. Without recording, nothing here runs.

mod board;
mod explain;
mod feed;
mod ledger;
pub(crate) mod named;
mod news;
mod record;
pub(crate) mod redact;
mod replay;
mod ring;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use larkspur_api::Feed;
use larkspur_api::tokens::Token;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_contract::{Access, Fault, codes};
use larkspur_control::traffic::ledger::{Counted, Counts};
use larkspur_control::traffic::{Calls, Entry, Place, Topics, Traffic, Wait, Whose};
use larkspur_store::{BoxFuture, Keys, Notice};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;

use crate::App;
use crate::call_id::CallId;
use crate::gateway::exchange::Exchange;
use board::Board;
use named::{Named, Sent};
use news::News;
use record::Record;
use ring::{World, Worlds};

/// The most apps whose world is remembered.
const APPS_MAX: usize = 65_536;
/// How long an assertion about events waits for news before it is judged again, in milliseconds.
const LOOK_EVERY_MS: u64 = 200;
/// Paths of the control API that are about a world begin like this.
const OF_A_WORLD: &str = "/larkspur/v1/worlds/";
/// Operations of the control API that are not recorded: they read the records, or answer a secret.
const UNRECORDED: [&str; 3] = ["larkspur.v1.traffic.", "larkspur.v1.stream.", "larkspur.v1.console."];

/// How much is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrafficOptions {
    /// The most memory of all records, in bytes. They take up to three quarters of it; the rest is for what the allocator keeps back of
    /// dropped ones, since calls are recorded by several threads.
    pub memory_bytes: usize,
    /// The most records of a world.
    pub entries: usize,
    /// The most bytes of a body that are kept.
    pub body_bytes: usize,
}

impl Default for TrafficOptions {
    fn default() -> Self {
        TrafficOptions { memory_bytes: 32 << 20, entries: 2000, body_bytes: 16 << 10 }
    }
}

/// Records calls, and shows them to the control API.
pub(crate) struct Recording {
    on: bool,
    options: TrafficOptions,
    worlds: Arc<Worlds>,
    /// The worlds of apps, for calls that name only an app.
    apps: RwLock<HashMap<AppId, TenantKey>>,
    streams: Arc<AtomicUsize>,
    board: Arc<Board>,
    /// A mark of this process's start: numbers of calls count from it.
    start: u64,
    app: Weak<App>,
}

impl Recording {
    /// Records nothing without options.
    pub(crate) fn new(options: Option<TrafficOptions>, app: Weak<App>) -> Arc<Self> {
        let on = options.is_some();
        let options = options.unwrap_or_default();
        Arc::new(Recording {
            on,
            options,
            worlds: Arc::new(Worlds::new(options.memory_bytes / 4 * 3, options.entries.max(1))),
            apps: RwLock::default(),
            streams: Arc::default(),
            board: Arc::default(),
            start: u64::from_le_bytes(Keys::fresh_mark()),
            app,
        })
    }

    /// Passes what changed in a world to those who watch it.
    pub(crate) fn tell(&self, world: TenantKey, notice: Notice) {
        self.board.tell(world, notice);
    }

    /// Whether calls are recorded, unless their world says otherwise.
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Records a call. `body_kb` is the most KiB of each body, if its world says so.
    pub(crate) fn record(&self, call: &Exchange<'_>, keys: &Keys, body_kb: Option<u32>) {
        let control = call.spec.is_some_and(|spec| matches!(spec.access, Access::Control));
        if control && call.operation.is_some_and(|id| UNRECORDED.iter().any(|front| id.starts_with(front))) {
            return;
        }
        let (key, app) = if control { (self.controlled(call), None) } else { self.whose(call, keys) };
        let mut record = {
            let kib = body_kb.and_then(|kib| usize::try_from(kib).ok());
            let most = kib.map_or(self.options.body_bytes, |kib| kib << 10);
            Record::of(call, keys, most)
        };
        record.world = key;
        record.app = record.app.or(app);
        self.worlds.push(&self.worlds.of(key), record);
        if control
            && call.operation == Some("larkspur.v1.world.delete")
            && call.code == Some(0)
            && let Some(key) = key
        {
            self.worlds.forget(key);
        }
    }

    /// The world of a call of the control API: from its path, or the one that it made.
    fn controlled(&self, call: &Exchange<'_>) -> Option<TenantKey> {
        // Without the control key, a caller may name any world.
        call.caller?;
        let named =
            call.path.strip_prefix(OF_A_WORLD).and_then(|rest| TenantKey::parse(rest.split('/').next()?));
        match named {
            // A world that does not exist gets no ring.
            Some(key) if call.code == Some(0) || self.worlds.find(Some(key)).is_some() => Some(key),
            Some(_) => None,
            None if call.operation == Some("larkspur.v1.world.create") => {
                let answer: Value = serde_json::from_slice(call.response.body.bytes()).ok()?;
                TenantKey::parse(answer["data"]["tenant_key"].as_str()?)
            }
            None => None,
        }
    }

    /// The world and the app of a call of the platform.
    fn whose(&self, call: &Exchange<'_>, keys: &Keys) -> (Option<TenantKey>, Option<AppId>) {
        if let Some(tenant) = call.who.tenant.filter(|_| !call.who.claimed) {
            return (Some(tenant), call.who.app_id);
        }
        let sent = Sent { path: call.path, query: call.query, body: call.body, caller: call.caller };
        let app = match Named::by(sent, keys) {
            Named::Nothing => return (None, None),
            Named::Tenant(tenant) => return (Some(tenant), None),
            Named::Token(tenant, app) => return (Some(tenant), Some(app)),
            Named::App(app) => app,
        };
        let known = self.apps.read().unwrap_or_else(PoisonError::into_inner).get(&app).copied();
        let known = known.or_else(|| {
            let answer: Value = serde_json::from_slice(call.response.body.bytes()).ok()?;
            let token = Token::read(answer["tenant_access_token"].as_str()?, keys)?;
            self.learn(token.tenant, &[token.app]);
            Some(token.tenant)
        });
        (known, Some(app))
    }

    fn learn(&self, world: TenantKey, apps: &[AppId]) {
        let mut known = self.apps.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() + apps.len() > APPS_MAX {
            known.clear();
        }
        known.extend(apps.iter().map(|app| (*app, world)));
    }

    fn world(&self, whose: Whose) -> Vec<(Arc<World>, i64)> {
        match whose {
            Whose::World(key, ahead_ms) => {
                self.worlds.find(Some(key)).into_iter().map(|world| (world, ahead_ms)).collect()
            }
            Whose::Unknown => self.worlds.find(None).into_iter().map(|world| (world, 0)).collect(),
            Whose::All => self.worlds.all().into_iter().map(|world| (world, 0)).collect(),
        }
    }
}

impl Traffic for Recording {
    fn is_on(&self) -> bool {
        self.on
    }

    fn adopt(&self, key: TenantKey, apps: &[AppId]) {
        self.learn(key, apps);
        let wanted = |call: &Record| call.app.is_some_and(|app| apps.contains(&app));
        self.worlds.adopt(&self.worlds.of(Some(key)), wanted);
    }

    fn calls(&self, whose: Whose, after: u64, most: usize) -> Calls {
        let app = self.app.upgrade();
        let keys = app.as_ref().map(|app| &app.engine.keys);
        let mut shown = Calls { entries: Vec::new(), oldest: 1, newest: 0, dropped: 0 };
        for (world, ahead_ms) in self.world(whose) {
            let page = world.after(after, most);
            (shown.oldest, shown.newest, shown.dropped) = (page.oldest, page.newest, page.dropped);
            let calls = page.calls.iter().map(|(seq, call)| explain::entry(*seq, call, ahead_ms, keys));
            shown.entries.extend(calls);
        }
        if whose == Whose::All {
            shown.entries.sort_by_key(|entry| entry.row.at_ms);
        }
        shown
    }

    fn call(&self, whose: Whose, log_id: &str) -> Option<Entry> {
        let app = self.app.upgrade();
        let keys = app.as_ref().map(|app| &app.engine.keys);
        self.world(whose).into_iter().find_map(|(world, ahead_ms)| {
            let page = world.after(0, usize::MAX);
            let found = page.calls.iter().find(|(_, call)| call.id.log_id() == log_id)?;
            Some(explain::entry(found.0, &found.1, ahead_ms, keys))
        })
    }

    fn recorded(&self, key: TenantKey) -> u64 {
        self.worlds.find(Some(key)).map_or(0, |world| world.newest())
    }

    fn senders(&self, key: TenantKey, messages: &HashSet<String>) -> HashMap<String, String> {
        let Some(world) = self.worlds.find(Some(key)) else { return HashMap::new() };
        let page = world.after(0, usize::MAX);
        let sent = page.calls.iter().filter_map(|(_, call)| Some((call.sent_message()?, call.id.log_id())));
        sent.filter(|(message, _)| messages.contains(*message))
            .map(|(message, log_id)| (message.to_owned(), log_id.to_string()))
            .collect()
    }

    fn clear(&self, key: TenantKey) {
        if let Some(world) = self.worlds.find(Some(key)) {
            self.worlds.clear(&world);
            world.tallies(ledger::Tallies::clear);
        }
    }

    fn causes(&self, key: TenantKey, numbers: &HashSet<i64>) -> HashMap<i64, String> {
        let Some(world) = self.worlds.find(Some(key)) else { return HashMap::new() };
        let page = world.after(0, usize::MAX);
        let events = page.calls.iter().flat_map(|(_, call)| {
            call.work.events.iter().map(|event| (event.number, call.id.log_id().to_owned()))
        });
        events.filter(|(number, _)| numbers.contains(number)).collect()
    }

    fn wait_event(&self, key: TenantKey, wait: Wait) -> BoxFuture<'_, u64> {
        Box::pin(async move {
            let mut watched = self.board.watch(key);
            let change = async {
                while !matches!(
                    watched.next().await,
                    Ok(Notice::Delivery(_) | Notice::Deliveries) | Err(RecvError::Lagged(_))
                ) {}
            };
            // What happens on other servers is not told.
            let most_ms = wait.most_ms.min(LOOK_EVERY_MS).max(wait.least_ms);
            waited(change, Wait { most_ms, ..wait }).await
        })
    }

    fn wait(&self, key: TenantKey, seen: u64, wait: Wait) -> BoxFuture<'_, u64> {
        Box::pin(async move {
            let world = self.worlds.of(Some(key));
            waited(feed::beyond(&world, seen), wait).await
        })
    }

    fn stream(
        &self,
        key: TenantKey,
        ahead_ms: i64,
        topics: Topics,
        last: Option<Place>,
    ) -> Result<Box<dyn Feed>, Fault> {
        let seat = feed::Seat::take(&self.streams)
            .ok_or_else(|| Fault::new(codes::TOO_MANY_STREAMS, "16 streams of this process are open"))?;
        let world = self.worlds.of(Some(key));
        let rows = topics.traffic.then(|| feed::Rows::new(world.clone(), ahead_ms, (self.start, last)));
        let news = topics.has_news().then(|| News::new(self.app.clone(), self.board.watch(key), key, topics));
        Ok(Box::new(feed::Stream::new(world, (rows, news), seat, (self.node(), self.start))))
    }

    fn scopes(&self, key: TenantKey, app: AppId, after: Option<u64>) -> Counts {
        let Some(world) = self.worlds.find(Some(key)) else { return Counts::default() };
        let read =
            |tallies: &mut ledger::Tallies| (tallies.of(app), tallies.events_of(app), tallies.types_of(app));
        let (calls, events, types) = match after {
            None => world.tallies(read),
            Some(after) => {
                let mut counted = ledger::Tallies::default();
                world.after(after, usize::MAX).calls.iter().for_each(|(_, call)| counted.count(call));
                read(&mut counted)
            }
        };
        let calls = calls.into_iter().map(|(user, operation, tally)| {
            let text = |(scope, count, id): &(_, u64, CallId)| (*scope, *count, id.log_id().to_owned());
            let lacking =
                |first: Option<(u64, CallId)>| first.map(|(count, id)| (count, id.log_id().to_owned()));
            Counted {
                operation,
                user,
                any_of: tally.any_of,
                used: tally.used.iter().map(text).collect(),
                missing: lacking(tally.missing),
                soft: lacking(tally.soft),
            }
        });
        Counts { calls: calls.collect(), events, types }
    }

    fn replay(
        &self,
        entry: Entry,
        fresh_token: bool,
        fresh_uuid: bool,
    ) -> BoxFuture<'_, Result<Entry, String>> {
        Box::pin(replay::replay(self, entry, fresh_token, fresh_uuid))
    }

    fn base_url(&self) -> String {
        self.app.upgrade().map(|app| app.options.public_url.clone()).unwrap_or_default()
    }

    fn node(&self) -> String {
        self.app.upgrade().map_or_else(String::new, |app| format!("n{}", app.engine.ids.node_number()))
    }
}

/// Waits for a change. Returns how long it waited, in milliseconds.
async fn waited(change: impl Future<Output = ()>, wait: Wait) -> u64 {
    let began = Instant::now();
    let _ = tokio::time::timeout(Duration::from_millis(wait.most_ms), change).await;
    // What follows at once is judged together.
    let left = |end_ms: u64| Duration::from_millis(end_ms).saturating_sub(began.elapsed());
    let settle = Duration::from_millis(Wait::SETTLE_MS).max(left(wait.least_ms));
    tokio::time::sleep(settle.min(left(wait.most_ms))).await;
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
}
