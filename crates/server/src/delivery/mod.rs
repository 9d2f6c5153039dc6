//! Events on their way to the apps: a worker claims what is due, posts it, and writes down what came of it.
//!
//! Several workers may share a store, in this process or in others: a claim belongs to one of them, and ends by itself.

mod address;
mod message;
mod post;
mod seal;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;
use larkspur_store::StoreError;
use larkspur_store::events::Subject;
use larkspur_store::outbox::{self, Attempt, Delivery, Outcome};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::App;
use crate::unpanicked::unpanicked;
use post::Poster;

/// How often a worker looks for work that nobody told it of: other processes' and that of later.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The most deliveries under way at a time.
const AT_ONCE: usize = 32;
/// How long the deliveries under way may take to end at shutdown: all that an attempt may take.
const END: Duration = Duration::from_secs(6);
/// How long an address has to answer. Source: the pages on receiving events ("3 s", of a challenge "1 s").
const ANSWER: Duration = Duration::from_secs(3);
const ANSWER_CHALLENGE: Duration = Duration::from_secs(1);

/// A worker that delivers events.
pub struct Courier {
    app: Arc<App>,
    poster: Poster,
    complained: AtomicBool,
}

impl Courier {
    /// A worker for an application's store. `allow_private`: whether events may go to addresses that are not public.
    pub fn new(app: Arc<App>, allow_private: bool) -> Arc<Self> {
        Arc::new(Courier { app, poster: Poster::new(allow_private), complained: AtomicBool::new(false) })
    }

    /// Delivers until `stop` ends, then lets what is under way end.
    pub async fn run(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let told = Arc::new(Notify::new());
        let bell = told.clone();
        self.app.engine.bell.listen(move || bell.notify_one());
        let mut stop = pin!(stop);
        let mut under_way = JoinSet::new();
        loop {
            if under_way.len() < AT_ONCE && self.look(&mut under_way).await {
                continue;
            }
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(_) = under_way.join_next() => {}
                () = told.notified() => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
        if timeout(END, under_way.join_all()).await.is_err() {
            tracing::warn!("some events are cut off; they are sent again");
        }
    }

    /// Delivers what is due now and what becomes due by that; how many attempts it made.
    pub async fn round(self: &Arc<Self>) -> usize {
        let mut attempts = 0;
        loop {
            let mut under_way = JoinSet::new();
            while under_way.len() < AT_ONCE && self.look(&mut under_way).await {}
            if under_way.is_empty() {
                return attempts;
            }
            attempts += under_way.join_all().await.len();
        }
    }

    /// Claims what is due and begins to deliver it; whether there was anything.
    async fn look(self: &Arc<Self>, under_way: &mut JoinSet<()>) -> bool {
        let found = match self.due().await {
            Ok(found) => found,
            Err(error) => {
                // Once, not every second for as long as the store is away.
                if !self.complained.swap(true, Ordering::Relaxed) {
                    tracing::warn!(why = %error, "cannot look for events");
                }
                return false;
            }
        };
        self.complained.store(false, Ordering::Relaxed);
        let mut any = false;
        for tenant in found {
            if under_way.len() >= AT_ONCE {
                break;
            }
            match self.claim(tenant).await {
                Ok(claimed) => {
                    for delivery in claimed {
                        any = true;
                        let courier = self.clone();
                        under_way.spawn(async move {
                            // The claim ends, and the event is sent again.
                            if let Err(why) = unpanicked(courier.deliver(delivery)).await {
                                tracing::error!(why, "a delivery panicked");
                            }
                        });
                    }
                }
                Err(error) => tracing::warn!(%tenant, why = %error, "cannot claim events"),
            }
        }
        any
    }

    async fn due(&self) -> Result<Vec<TenantKey>, StoreError> {
        let engine = &self.app.engine;
        let now = engine.clock.now_ms();
        engine.run(Effect::Reads, move |root| Box::pin(outbox::due(root, now))).await
    }

    async fn claim(&self, tenant: TenantKey) -> Result<Vec<Delivery>, StoreError> {
        let engine = &self.app.engine;
        let now = engine.clock.now_ms();
        let claimed = engine.run(Effect::Writes, move |root| {
            let mut tx = root.tenant(tenant);
            Box::pin(async move { outbox::claim(&mut tx, now).await })
        });
        claimed.await
    }

    async fn deliver(&self, delivery: Delivery) {
        let attempt = self.attempt(&delivery).await;
        let event = delivery.subject.kind();
        if let Some(why) = &attempt.failure {
            // What was answered may repeat what was sent, tickets included: that is shown, and not logged.
            let why = if attempt.status.is_some() { "the answer will not do" } else { why };
            let (tenant, app_id, event_id) = (delivery.tenant, delivery.app_id, &delivery.event_id);
            let status = attempt.status;
            tracing::info!(%tenant, %app_id, event, %event_id, status, why, "an event was not delivered");
        }
        let (tenant, app_id, event_id) = (delivery.tenant, delivery.app_id, delivery.event_id.clone());
        match self.settle(delivery, attempt).await {
            Ok(outcome) => self.app.metrics.delivered(outcome),
            // The claim ends, and the event is sent again.
            Err(error) => {
                tracing::warn!(%tenant, %app_id, event, event_id, why = %error, "cannot write down what came of an event");
            }
        }
    }

    async fn attempt(&self, delivery: &Delivery) -> Attempt {
        let engine = &self.app.engine;
        let message = message::of(delivery, &engine.keys, engine.clock.now_ms(), || engine.ids.random());
        let time = match delivery.subject {
            Subject::UrlVerification(_) => ANSWER_CHALLENGE,
            Subject::AppTicket(_) => ANSWER,
        };
        match self.poster.post(&delivery.request_url, message, time).await {
            Ok(answer) => {
                let failure = message::failure(&delivery.subject, answer.status, &answer.body);
                Attempt { status: Some(answer.status), failure }
            }
            Err(why) => Attempt { status: None, failure: Some(message::printable(&why)) },
        }
    }

    async fn settle(&self, delivery: Delivery, attempt: Attempt) -> Result<Outcome, StoreError> {
        let engine = &self.app.engine;
        let (now, done) = (engine.clock.now_ms(), Arc::new((delivery, attempt)));
        let outcome = engine.run(Effect::Writes, move |root| {
            let (mut tx, done) = (root.tenant(done.0.tenant), done.clone());
            Box::pin(async move { outbox::settle(&mut tx, &done.0, &done.1, now).await })
        });
        outcome.await
    }
}
