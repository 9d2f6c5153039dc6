//! Events on their way to the apps: a worker claims what is due, sends it, and writes down the results.
//!
//! Several workers may share a store, in this process or in others: a claim belongs to one of them, and ends by itself.
//! Each turn of a worker settles everything that has ended and claims as much as it may have under way, so that however
//! many events there are, few transactions are needed.
//!
//! How an app is reached is a module: `webhook` posts to an address; long connections belong into `connection`, which gets
//! the same [`Delivery`] and gives the same [`Attempt`].

mod message;
pub(crate) mod webhook;

use std::collections::HashMap;
use std::future::{Future, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::StoreError;
use larkspur_store::Try;
use larkspur_store::events::claims::{self, Attempt, Delivery, Outcome};
use larkspur_store::events::outbox;
use larkspur_store::events::subscriptions::Mode;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::App;
use crate::unpanicked::unpanicked;

/// How often a worker looks for work that nobody told it of: other processes' and that of later.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The most deliveries under way at a time.
const AT_ONCE: usize = 256;
/// How long the deliveries under way may take to end at shutdown: all that an attempt may take.
const END: Duration = Duration::from_secs(6);
/// After how many of an app's events in a tenant the oldest ones are deleted.
const TRIM_EVERY: usize = 500;
/// Apps whose events are counted for that; beyond it the counts begin anew.
const COUNTED: usize = 10_000;

/// A worker that delivers events.
pub struct DeliveryWorker {
    app: Arc<App>,
    complained: AtomicBool,
    /// How many events were settled since an app's oldest ones were deleted.
    settled: Mutex<HashMap<(TenantKey, AppId), usize>>,
}

/// Deliveries under way, and those that have ended and are still to be written down. A delivery that panicked gives none:
/// its claim ends, and the event is sent again.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<Option<(Delivery, Attempt)>>,
    done: Vec<(Delivery, Attempt)>,
}

impl UnderWay {
    /// Waits for the end of a delivery; false if none is under way.
    async fn next(&mut self) -> bool {
        let Some(joined) = self.tasks.join_next().await else { return false };
        self.done.extend(joined.ok().flatten());
        true
    }

    /// What has ended by now.
    fn ended(&mut self) -> Vec<(Delivery, Attempt)> {
        while let Some(joined) = self.tasks.try_join_next() {
            self.done.extend(joined.ok().flatten());
        }
        std::mem::take(&mut self.done)
    }

    fn room(&self) -> usize {
        AT_ONCE.saturating_sub(self.tasks.len())
    }
}

impl DeliveryWorker {
    /// A worker for an application's store.
    pub fn new(app: Arc<App>) -> Arc<Self> {
        Arc::new(DeliveryWorker { app, complained: AtomicBool::new(false), settled: Mutex::default() })
    }

    /// Delivers until `stop` ends, then lets what is under way end.
    pub async fn run(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let told = Arc::new(Notify::new());
        let waker = told.clone();
        self.app.engine.wakeup.listen(move || waker.notify_one());
        let mut stop = pin!(stop);
        let mut under_way = UnderWay::default();
        loop {
            let ended = under_way.ended();
            self.settle(ended).await;
            let more = under_way.room() > 0 && self.look(&mut under_way).await;
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = ready(()), if more => {}
                true = under_way.next() => {}
                () = told.notified(), if under_way.room() > 0 => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
        let ended = timeout(END, async { while under_way.next().await {} }).await;
        let done = under_way.ended();
        self.settle(done).await;
        if ended.is_err() {
            tracing::warn!("some events are cut off; they are sent again");
        }
    }

    /// Delivers what is due now and what becomes due by that; how many attempts it made.
    pub async fn round(self: &Arc<Self>) -> usize {
        let mut attempts = 0;
        loop {
            let mut under_way = UnderWay::default();
            while under_way.room() > 0 && self.look(&mut under_way).await {}
            if under_way.tasks.is_empty() {
                return attempts;
            }
            attempts += under_way.tasks.len();
            while under_way.next().await {}
            let done = under_way.ended();
            self.settle(done).await;
        }
    }

    /// Claims what is due and begins to deliver it; whether there may be more.
    async fn look(self: &Arc<Self>, under_way: &mut UnderWay) -> bool {
        let claimed = match self.claim(under_way.room()).await {
            Ok(claimed) => claimed,
            Err(error) => {
                // Once, not every second for as long as the store is away.
                if !self.complained.swap(true, Ordering::Relaxed) {
                    tracing::warn!(why = %error, "cannot look for events");
                }
                return false;
            }
        };
        self.complained.store(false, Ordering::Relaxed);
        let Some(claimed) = claimed else { return false };
        for delivery in claimed {
            let worker = self.clone();
            under_way.tasks.spawn(async move {
                let began = worker.app.engine.clock.now_ms();
                match unpanicked(worker.attempt(&delivery)).await {
                    Ok(attempt) => {
                        worker.keep(&delivery, &attempt, began);
                        Some((delivery, attempt))
                    }
                    Err(why) => {
                        tracing::error!(why, "a delivery panicked");
                        None
                    }
                }
            });
        }
        true
    }

    /// Keeps an attempt to be shown. `began` is when it began, in the real time.
    fn keep(&self, delivery: &Delivery, attempt: &Attempt, began: i64) {
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
            status: attempt.status,
            failure: attempt.failure.clone(),
        });
    }

    /// Claims at most so much of what is due; `None` if nothing is.
    async fn claim(&self, most: usize) -> Result<Option<Vec<Delivery>>, StoreError> {
        let engine = &self.app.engine;
        let now = engine.clock.now_ms();
        let due = engine.run(Effect::Reads, move |root| Box::pin(claims::due(root, now, most))).await?;
        if due.is_empty() {
            return Ok(None);
        }
        let due = Arc::new(due);
        let claimed = engine.run(Effect::Writes, move |root| {
            let due = due.clone();
            Box::pin(async move { claims::claim(root, &due, now).await })
        });
        claimed.await.map(Some)
    }

    async fn attempt(&self, delivery: &Delivery) -> Attempt {
        let attempt = match delivery.channel().mode {
            Mode::Webhook => self.app.webhook.attempt(&self.app.engine, delivery).await,
            Mode::Connection => {
                Attempt { status: None, failure: Some("the app is not connected".to_owned()) }
            }
        };
        if let Some(why) = &attempt.failure {
            // What was answered may repeat what was sent, tickets included: that is shown, and not logged.
            let why = if attempt.status.is_some() { "the answer will not do" } else { why };
            let (tenant, app_id, event_id) = (delivery.tenant, delivery.app_id, &delivery.event_id);
            let (event, status) = (delivery.event_type.as_str(), attempt.status);
            tracing::info!(%tenant, %app_id, event, %event_id, status, why, "an event was not delivered");
        }
        attempt
    }

    /// Writes down the results of deliveries, all in one transaction.
    async fn settle(&self, done: Vec<(Delivery, Attempt)>) {
        if done.is_empty() {
            return;
        }
        let engine = &self.app.engine;
        let (now, done) = (engine.clock.now_ms(), Arc::new(done));
        let deliveries = done.clone();
        let outcomes = engine.run(Effect::Writes, move |root| {
            let done = deliveries.clone();
            Box::pin(async move { claims::settle(root, &done, now).await })
        });
        match outcomes.await {
            Ok(outcomes) => {
                outcomes.into_iter().for_each(|outcome: Outcome| self.app.metrics.delivered(outcome));
                self.trim(&done).await;
            }
            // The claims end, and the events are sent again.
            Err(error) => {
                tracing::warn!(deliveries = done.len(), why = %error, "cannot write down the results of deliveries");
            }
        }
    }

    /// Deletes the oldest events of apps that were sent many.
    async fn trim(&self, done: &[(Delivery, Attempt)]) {
        let mut full = Vec::new();
        {
            let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
            if settled.len() > COUNTED {
                settled.clear();
            }
            for (delivery, _) in done {
                let key = (delivery.tenant, delivery.app_id);
                let count = settled.entry(key).or_default();
                *count += 1;
                if *count >= TRIM_EVERY {
                    *count = 0;
                    full.push(key);
                }
            }
        }
        for (tenant, app_id) in full {
            let trimmed = self.app.engine.run(Effect::Writes, move |root| {
                let mut tx = root.tenant(tenant);
                Box::pin(async move { outbox::trim(&mut tx, app_id, outbox::KEPT).await })
            });
            if let Err(error) = trimmed.await {
                tracing::warn!(%tenant, %app_id, why = %error, "cannot delete old events");
            }
        }
    }
}
