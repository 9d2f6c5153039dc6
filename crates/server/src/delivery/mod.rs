//! Delivery of events: a worker claims due events, sends them, and records the results.
//!
//! Several workers may share a store, in this process or in others: a claim belongs to one of them and expires.
//! Each turn of a worker records all finished deliveries and claims as many events as it may have in progress, so any
//! number of events takes few transactions.
//!
//! Each way to an app is a module: `webhook` posts to a URL, `connection` sends over a connection that the app opened.
//! Both get a [`Delivery`] and return an [`Attempt`].
//!
//! Events are queued to connections in the order of the claims, before there is a task for each: that is the order in which
//! they arrive. Posts are made by the tasks, in parallel and in any order.

mod callback;
pub mod connection;
mod faults;
mod message;
mod relay;
pub(crate) mod webhook;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::future::{Future, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use larkspur_api::{Question, Told};
use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::events::claims::{self, Claimed, InProgress, Unreadable};
use larkspur_store::events::delivery::{Attempt, Delivery, Outcome};
use larkspur_store::events::subscriptions::{Mode, Subscription};
use larkspur_store::events::{outbox, settlements};
use larkspur_store::lanes::Closed;
use larkspur_store::{Exchange, Try};
use larkspur_store::{StoreError, blobs};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::App;
use crate::unpanicked::unpanicked;
use connection::{Ack, Directory, Sending};

/// The most apps, connected to other servers, that a search for due events skips.
const ELSEWHERE: usize = 1024;
/// How often a worker polls for work without a notification: that of other processes, and retries.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The most deliveries in progress at a time.
const AT_ONCE: usize = 1024;
/// How many of them are never events that were handed over, so that other apps' events and webhooks are sent beside many of them.
const KEPT_FREE: usize = AT_ONCE / 4;
/// How long the deliveries in progress may take at shutdown: as long as an attempt may take.
const END: Duration = Duration::from_secs(6);
/// After how many of an app's events in a tenant the oldest ones are deleted.
const TRIM_EVERY: usize = 1000;
/// The most statements that delete them at a time.
const TRIM_BATCHES: usize = 40;
/// Apps whose events are counted for that; with more, the counts restart.
const COUNTED: usize = 10_000;

/// A worker that delivers events.
pub struct DeliveryWorker {
    app: Arc<App>,
    /// The connections to this process, as the store knows them.
    directory: tokio::sync::Mutex<Directory>,
    /// Apps that were connected to another server a moment ago; that server sends their events.
    elsewhere: Mutex<HashMap<AppId, Instant>>,
    /// Where the next search for due events begins.
    next: Mutex<String>,
    /// Whether events are handed over to this worker.
    has_lanes: AtomicBool,
    /// How apps with lanes receive events.
    routes: Mutex<HashMap<AppId, Arc<Subscription>>>,
    complained: AtomicBool,
    /// Apps whose unreadable events were reported.
    unreadable: Mutex<HashSet<String>>,
    /// How many events were recorded since an app's oldest ones were deleted.
    settled: Mutex<HashMap<(TenantKey, AppId), usize>>,
}

/// The app of a delivery and how it was sent, and its result.
type Ended = ((AppId, Mode), Option<(Delivery, Attempt)>);

/// An event in the queue of a connection, if there is one.
struct Pushed {
    exchange: Exchange,
    sending: Sending,
}

/// An attempt, and what is shown of it.
struct Made {
    attempt: Attempt,
    exchange: Exchange,
    /// The connection that the event went over.
    connection: Option<String>,
}

/// Deliveries in progress, and finished ones that are not recorded yet. A delivery that panicked has no result: its claim
/// expires, and the event is sent again.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<Ended>,
    /// How many tasks each app has.
    counts: InProgress,
    done: Vec<(Delivery, Attempt)>,
    /// Whether one has ended since this was last looked at.
    has_ended: bool,
}

impl UnderWay {
    /// Waits for the end of a delivery; false if none is in progress.
    async fn next(&mut self) -> bool {
        let Some(joined) = self.tasks.join_next().await else { return false };
        self.end(joined);
        true
    }

    /// Keeps the result of a delivery.
    fn end(&mut self, joined: Result<Ended, JoinError>) {
        self.has_ended = true;
        let Ok((sent, done)) = joined else { return };
        if let Entry::Occupied(mut count) = self.counts.entry(sent) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        self.done.extend(done);
    }

    /// Keeps the results of the finished deliveries.
    fn collect(&mut self) {
        while let Some(joined) = self.tasks.try_join_next() {
            self.end(joined);
        }
    }

    fn room(&self) -> usize {
        AT_ONCE.saturating_sub(self.tasks.len() + self.done.len())
    }
}

/// What a search for due events found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// There may be more.
    More,
    /// Some has to wait for what is in progress.
    Limited,
    /// That was all.
    All,
}

impl DeliveryWorker {
    /// A worker for an application's store.
    pub fn new(app: Arc<App>) -> Arc<Self> {
        let directory = tokio::sync::Mutex::new(Directory::new(&app.engine, &app.long_connections));
        Arc::new(DeliveryWorker {
            app,
            directory,
            elsewhere: Mutex::default(),
            next: Mutex::default(),
            has_lanes: AtomicBool::new(false),
            routes: Mutex::default(),
            complained: AtomicBool::new(false),
            unreadable: Mutex::default(),
            settled: Mutex::default(),
        })
    }

    /// Delivers until `stop` ends, then waits for the deliveries in progress.
    pub async fn run(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let (engine, open) = (&self.app.engine, &self.app.long_connections);
        let mut directory = self.directory.lock().await;
        let name = directory.name().to_owned();
        tokio::select! {
            () = directory.run(engine, open) => {}
            () = relay::serve(self.app.clone(), name) => {}
            () = faults::watch(&self.app) => {}
            () = self.deliver(stop) => {}
        }
        // The connections are closed by now.
        if let Err(error) = directory.tell(engine, open).await {
            tracing::warn!(why = %error, "cannot store which apps are connected");
        }
    }

    async fn deliver(self: &Arc<Self>, stop: impl Future<Output = ()>) {
        let (told, handed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let waker = told.clone();
        let is_first = self.app.engine.wakeup.listen(move || waker.notify_one());
        if is_first && !self.app.engine.driver.is_shared() {
            self.take_over(handed.clone()).await;
        }
        let mut stop = pin!(stop);
        let mut under_way = UnderWay::default();
        let (mut found, mut look_again) = (Found::All, interval(LOOK_EVERY));
        look_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut settling: Option<JoinHandle<()>> = None;
        loop {
            under_way.collect();
            // What had to wait for it may be sent now.
            if std::mem::take(&mut under_way.has_ended) && found == Found::Limited {
                found = Found::More;
            }
            if settling.is_none() && !under_way.done.is_empty() {
                let (worker, done) = (self.clone(), std::mem::take(&mut under_way.done));
                settling = Some(tokio::spawn(async move { worker.settle(done).await }));
            }
            if self.has_lanes.load(Ordering::Relaxed) {
                let room = under_way.room().saturating_sub(KEPT_FREE);
                for event in self.app.engine.lanes.take(room) {
                    // Without a route its claim would expire, but every open lane has one.
                    let route = self.routes().get(&event.app_id).cloned();
                    if let Some(route) = route {
                        self.begin(Delivery::handed(event, route), &mut under_way).await;
                    }
                }
            }
            let has_room = under_way.room() > 0;
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = ended(&mut settling) => {}
                () = ready(()), if has_room && found == Found::More => found = self.look(&mut under_way).await,
                () = told.notified(), if has_room => found = self.look(&mut under_way).await,
                () = handed.notified(), if has_room => {}
                true = under_way.next() => {}
                _ = look_again.tick() => found = self.look(&mut under_way).await,
            }
        }
        let ended_all = timeout(END, async { while under_way.next().await {} }).await;
        if settling.is_some() {
            ended(&mut settling).await;
        }
        under_way.collect();
        self.settle(under_way.done).await;
        if ended_all.is_err() {
            tracing::warn!("shutdown interrupted deliveries; they are retried");
        }
    }

    fn routes(&self) -> MutexGuard<'_, HashMap<AppId, Arc<Subscription>>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the claims of processes that have ended, and has new events handed over: no other process writes to the store.
    async fn take_over(&self, handed: Arc<Notify>) {
        let engine = &self.app.engine;
        let owner = claims::owner(engine);
        if let Err(error) = engine.run(Effect::Writes, |root| Box::pin(claims::take_back(root))).await {
            tracing::warn!(why = %error, "cannot take back claims; those events are sent when the claims expire");
        }
        let listens = engine.lanes.listen(owner.into(), move || handed.notify_one());
        self.has_lanes.store(listens, Ordering::Relaxed);
    }

    /// Stores which apps are connected, and closes the connections that are to be closed.
    pub async fn tell(&self) {
        let (engine, open) = (&self.app.engine, &self.app.long_connections);
        if let Err(error) = self.directory.lock().await.tell(engine, open).await {
            tracing::warn!(why = %error, "cannot store which apps are connected");
        }
    }

    /// Delivers what is due now and what becomes due meanwhile; returns the number of attempts.
    pub async fn round(self: &Arc<Self>) -> usize {
        self.tell().await;
        let mut attempts = 0;
        loop {
            let mut under_way = UnderWay::default();
            while under_way.room() > 0 && self.look(&mut under_way).await == Found::More {}
            if under_way.tasks.is_empty() {
                return attempts;
            }
            attempts += under_way.tasks.len();
            while under_way.next().await {}
            self.settle(under_way.done).await;
        }
    }

    /// Claims due events and starts their delivery.
    async fn look(self: &Arc<Self>, under_way: &mut UnderWay) -> Found {
        if under_way.room() == 0 {
            return Found::Limited;
        }
        let (claimed, found) = match self.claim(under_way.room(), under_way.counts.clone()).await {
            Ok(done) => done,
            Err(error) => {
                // Once, not every second while the store is unavailable.
                if !self.complained.swap(true, Ordering::Relaxed) {
                    tracing::warn!(why = %error, "cannot read due events");
                }
                return Found::All;
            }
        };
        self.complained.store(false, Ordering::Relaxed);
        for delivery in claimed {
            self.begin(delivery, under_way).await;
        }
        found
    }

    /// Starts a delivery. What goes over a connection is in its queue when this returns.
    async fn begin(self: &Arc<Self>, mut delivery: Delivery, under_way: &mut UnderWay) {
        let (worker, began) = (self.clone(), self.app.engine.clock.now_ms());
        let sent = (delivery.app_id, delivery.channel().mode);
        *under_way.counts.entry(sent).or_default() += 1;
        let pushed = unpanicked(async { self.push(&delivery) }).await;
        under_way.tasks.spawn(async move {
            let made = match pushed {
                Ok(pushed) => unpanicked(worker.attempt(&delivery, pushed)).await,
                Err(why) => Err(why),
            };
            delivery.arrived();
            let done = match made {
                Ok(made) => {
                    let attempt = made.attempt.clone();
                    worker.keep(&delivery, made, began);
                    Some((delivery, attempt))
                }
                Err(why) => {
                    tracing::error!(why, "a delivery panicked");
                    None
                }
            };
            (sent, done)
        });
    }

    /// Keeps an attempt for the control API. `began` is when it began, in real time.
    fn keep(&self, delivery: &Delivery, made: Made, began: i64) {
        let (engine, channel) = (&self.app.engine, delivery.channel());
        let request_url = match channel.mode {
            Mode::Webhook => channel.request_url.clone(),
            Mode::Connection => String::new(),
        };
        engine.attempts.add(Try {
            tenant: delivery.tenant,
            app_id: delivery.app_id,
            event_id: delivery.event_id.clone(),
            n: delivery.attempts + 1,
            at: began,
            took_ms: engine.clock.now_ms() - began,
            request_url,
            connection: made.connection,
            status: made.attempt.status,
            failure: made.attempt.failure,
            exchange: Some(made.exchange),
        });
    }

    /// Claims at most this many due events.
    async fn claim(
        &self,
        most: usize,
        in_progress: InProgress,
    ) -> Result<(Vec<Delivery>, Found), StoreError> {
        let engine = &self.app.engine;
        let has_lanes = self.has_lanes.load(Ordering::Relaxed);
        let lanes: Arc<[Closed]> = if has_lanes { engine.lanes.closed().into() } else { Arc::default() };
        let now = engine.clock.now_ms();
        let here: HashSet<AppId> =
            self.app.long_connections.apps().into_iter().map(|(_, app_id, _)| app_id).collect();
        let from = self.next.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let except = Arc::new((self.elsewhere(&here), in_progress, from));
        let due = engine.run(Effect::Reads, move |root| {
            let (except, lanes) = (except.clone(), lanes.clone());
            Box::pin(
                async move { claims::due(root, now, most, &except.0, &except.1, (&except.2, &lanes)).await },
            )
        });
        let mut due = due.await?;
        for (lane, route) in std::mem::take(&mut due.quiet) {
            let mut routes = self.routes();
            if routes.len() > COUNTED {
                routes.retain(|app_id, _| here.contains(app_id));
            }
            routes.insert(lane.app_id(), route);
            engine.lanes.open(lane);
        }
        let rest = if due.limited { Found::Limited } else { Found::All };
        let passed = self.pass(&due.unreadable, &here) || !due.next.is_empty();
        self.next.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&due.next);
        if due.is_empty() {
            return Ok((Vec::new(), if passed { Found::More } else { rest }));
        }
        let (due, here, rules) = (Arc::new(due), Arc::new(here), faults::rules(&self.app));
        let claimed = engine.run(Effect::Writes, move |root| {
            let (due, here, rules) = (due.clone(), here.clone(), rules.clone());
            Box::pin(async move { claims::claim(root, &due, now, &here, &rules).await })
        });
        let Claimed { deliveries, elsewhere, failed, acted } = claimed.await?;
        self.trim(failed).await;
        let more = self.leave(elsewhere) || passed || acted;
        Ok((deliveries, if more { Found::More } else { rest }))
    }

    /// Skips apps with unreadable events for a moment, so that they do not hide the events of others; false if they are
    /// skipped already. Apps connected `here` are never skipped.
    fn pass(&self, unreadable: &[Unreadable], here: &HashSet<AppId>) -> bool {
        let mut reported = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        for Unreadable { app_id, why } in unreadable {
            // Once per app, not every second while they wait.
            if reported.len() < ELSEWHERE && reported.insert(app_id.clone()) {
                tracing::error!(app_id, why, "events cannot be read and are not sent");
            }
        }
        let apps = unreadable.iter().filter_map(|one| AppId::parse(&one.app_id));
        self.leave(apps.filter(|app_id| !here.contains(app_id)).collect())
    }

    /// Remembers for a moment that these apps are connected to another server; false if that is known of all of them.
    fn leave(&self, apps: HashSet<AppId>) -> bool {
        let now = Instant::now();
        let mut known = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.len();
        for app_id in apps {
            if known.len() < ELSEWHERE {
                known.entry(app_id).or_insert(now);
            }
        }
        known.len() > before
    }

    /// Apps that another server sends to: they were connected there a moment ago, and are not `here`.
    fn elsewhere(&self, here: &HashSet<AppId>) -> Vec<AppId> {
        let mut known = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|app_id, seen| seen.elapsed() < LOOK_EVERY && !here.contains(app_id));
        known.keys().copied().collect()
    }

    /// Posts an event, or waits for the acknowledgment if it was pushed.
    async fn attempt(&self, delivery: &Delivery, pushed: Option<Pushed>) -> Made {
        let made = match pushed {
            Some(pushed) => acknowledged(delivery, pushed).await,
            None => {
                let (attempt, exchange) = self.app.webhook.attempt(&self.app.engine, delivery).await;
                Made { attempt, exchange, connection: None }
            }
        };
        let attempt = &made.attempt;
        if let Some(why) = &attempt.failure {
            // An answer may repeat what was sent, tickets included: the control API shows it, the log does not.
            let why = if attempt.status.is_some() { "the answer is a failure" } else { why };
            let (tenant, app_id, event_id) = (delivery.tenant, delivery.app_id, &delivery.event_id);
            let (event, status) = (delivery.event_type.as_str(), attempt.status);
            tracing::info!(%tenant, %app_id, event, %event_id, status, why, "an event was not delivered");
        }
        made
    }

    /// Queues an event to one of the app's connections; `None` if the app uses a webhook. The verification token stays empty on
    /// connections. Source: observed.
    fn push(&self, delivery: &Delivery) -> Option<Pushed> {
        if delivery.channel().mode == Mode::Webhook {
            return None;
        }
        let body = message::body(&delivery.into(), "");
        let exchange = Exchange { body: Exchange::beginning(&body), ..Exchange::default() };
        let (engine, open) = (&self.app.engine, &self.app.long_connections);
        Some(Pushed { exchange, sending: open.enqueue(engine, delivery.app_id, body.into()) })
    }

    /// Records the results of deliveries, all in one transaction.
    async fn settle(&self, done: Vec<(Delivery, Attempt)>) {
        if done.is_empty() {
            return;
        }
        let engine = &self.app.engine;
        let (now, done) = (engine.clock.now_ms(), Arc::new(done));
        let deliveries = done.clone();
        let outcomes = engine.run(Effect::Writes, move |root| {
            let done = deliveries.clone();
            Box::pin(async move { settlements::settle(root, &done, now).await })
        });
        match outcomes.await {
            Ok(outcomes) => {
                outcomes.into_iter().for_each(|outcome: Outcome| self.app.metrics.delivered(outcome));
                let each = done.iter().map(|(delivery, _)| ((delivery.tenant, delivery.app_id), 1));
                self.trim(each).await;
            }
            // The claims expire, and the events are sent again.
            Err(error) => {
                tracing::warn!(deliveries = done.len(), why = %error, "cannot record the results of deliveries");
            }
        }
    }

    /// Deletes the oldest events of apps of which many events ended, sent or not. `ended` has the number of them.
    async fn trim(&self, ended: impl IntoIterator<Item = ((TenantKey, AppId), usize)>) {
        let mut full = Vec::new();
        {
            let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
            if settled.len() > COUNTED {
                settled.clear();
            }
            for (key, number) in ended {
                let count = settled.entry(key).or_default();
                *count += number;
                if *count >= TRIM_EVERY {
                    *count = 0;
                    full.push(key);
                }
            }
        }
        for (tenant, app_id) in full {
            if let Err(error) = self.trim_app(tenant, app_id).await {
                tracing::warn!(%tenant, %app_id, why = %error, "cannot delete old events");
            }
        }
    }

    /// Deletes the oldest events of an app in a tenant, in several transactions. Which those are is read beside the writers.
    async fn trim_app(&self, tenant: TenantKey, app_id: AppId) -> Result<(), StoreError> {
        let excess = self.app.engine.run(Effect::Reads, move |root| {
            let mut tx = root.tenant(tenant);
            Box::pin(async move { outbox::excess(&mut tx, app_id, outbox::KEPT).await })
        });
        let Some(through) = excess.await? else { return Ok(()) };
        for _ in 0..TRIM_BATCHES {
            let trimmed = self.app.engine.run(Effect::Writes, move |root| {
                let mut tx = root.tenant(tenant);
                Box::pin(async move { outbox::trim(&mut tx, app_id, through).await })
            });
            if trimmed.await? < outbox::BATCH {
                break;
            }
        }
        Ok(())
    }
}

/// Waits for the end of a task, if there is one; otherwise forever.
async fn ended(task: &mut Option<JoinHandle<()>>) {
    match task {
        Some(running) => drop(running.await),
        None => std::future::pending().await,
    }
    *task = None;
}

/// Asks an app what an operation wants to know, or copies the files that it wants to name.
pub(crate) async fn ask(app: &App, question: Question) -> Told {
    match question {
        Question::Challenge(challenge) => {
            let heard = app.webhook.ask(&app.engine, &challenge).await;
            Told::Challenge(challenge, heard)
        }
        Question::Callback(callback) => Told::Callback(callback::send(app, callback).await),
        Question::Copies(copies) => {
            let copied = match &app.engine.blobs {
                Some(blobs) => {
                    blobs::copy_to_tenant(&**blobs, (copies.from, copies.to), &copies.hashes).await
                }
                None => Err(StoreError::Unavailable("blobs.url is not set".to_owned())),
            };
            Told::Copies(copies, copied.err())
        }
        Question::Pause(pause) => {
            sleep(pause).await;
            Told::Paused
        }
    }
}

/// Waits for the acknowledgment of an event.
async fn acknowledged(delivery: &Delivery, Pushed { mut exchange, sending }: Pushed) -> Made {
    let connection = sending.connection_id().map(str::to_owned);
    let time = Duration::from_millis(delivery.form.answer_ms());
    let attempt = match sending.answer(time).await {
        Ok(ack) => {
            exchange.answer = ack.data.as_deref().map(Exchange::beginning);
            let status = ack.code.and_then(|code| u16::try_from(code).ok());
            Attempt { status, failure: refusal(&ack) }
        }
        Err(why) => Attempt { status: None, failure: Some(why.to_string()) },
    };
    Made { attempt, exchange, connection }
}

/// Why an acknowledgment is a failure; `None` if it is not.
fn refusal(ack: &Ack) -> Option<String> {
    match ack.code {
        _ if ack.is_success() => None,
        Some(code) => Some(format!("the app acknowledged with code {code}")),
        None => Some("the app acknowledged with something that is not JSON with a code".to_owned()),
    }
}
