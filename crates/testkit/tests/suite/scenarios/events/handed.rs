//! Events that are claimed when they are written, and handed to the worker (decision 21).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use larkspur_contract::Effect;
use larkspur_contract::events::CHAT_UPDATED;
use larkspur_store::events::claims::{self, InProgress};
use larkspur_store::events::outbox::{self, Event};
use larkspur_store::{Engine, StoreError};
use serde_json::json;

use super::long_connections::Setup;

/// A worker's part: it listens to the lanes, and opens them when nothing is due.
struct Lanes {
    setup: Setup,
    woken: Arc<AtomicUsize>,
}

impl Lanes {
    /// With a connected app, one event that was handed over, and the lane open; `None` on a store that other processes write to, where nothing is handed over.
    async fn open() -> Option<Lanes> {
        let setup = Setup::start().await;
        let engine = setup.lab.app.engine().clone();
        if engine.driver.is_shared() {
            return None;
        }
        let (woken, (tenant, app_id)) = (Arc::new(AtomicUsize::new(0)), setup.world.keys());
        let count = woken.clone();
        let wake = move || {
            count.fetch_add(1, Ordering::SeqCst);
        };
        assert!(engine.lanes.listen("worker".into(), wake));
        engine.lanes.enter(app_id, tenant);
        let lanes = Lanes { setup, woken };
        // A call of an app, after which its world is in memory.
        assert_eq!(lanes.setup.online(&lanes.setup.lab).await, json!(0));
        assert_eq!(lanes.look().await, 0);
        lanes.setup.emit("first").await;
        assert_eq!(lanes.handed(), 1, "the lane is open");
        Some(lanes)
    }

    fn engine(&self) -> &Arc<Engine> {
        self.setup.lab.app.engine()
    }

    /// Searches as the worker does; returns how many events are due.
    async fn look(&self) -> usize {
        let closed: Arc<[_]> = self.engine().lanes.closed().into();
        let now = self.engine().clock.now_ms();
        let due = self.engine().run(Effect::Reads, move |root| {
            let closed = closed.clone();
            Box::pin(async move { claims::due(root, now, 100, &[], &InProgress::new(), ("", &closed)).await })
        });
        let due = due.await.expect("a search");
        for (lane, _) in &due.quiet {
            self.engine().lanes.open(*lane);
        }
        due.len()
    }

    /// How many events were handed over since this was last asked.
    fn handed(&self) -> usize {
        let handed = self.engine().lanes.take(usize::MAX);
        let apps: BTreeSet<_> = handed.iter().map(|event| event.app_id).collect();
        assert!(apps.into_iter().all(|app_id| app_id == self.setup.world.keys().1));
        assert_eq!(self.woken.swap(0, Ordering::SeqCst), handed.len(), "the worker is woken for each");
        handed.len()
    }
}

#[tokio::test]
async fn an_event_is_handed_over_and_no_search_finds_it() {
    let Some(lanes) = Lanes::open().await else { return };
    lanes.setup.emit("one").await;
    lanes.setup.emit("two").await;
    assert_eq!((lanes.handed(), lanes.look().await), (2, 0));
    // Its process is gone: the next one takes the claims back.
    let taken = lanes.engine().run(Effect::Writes, |root| Box::pin(claims::take_back(root)));
    assert_eq!(taken.await.expect("a transaction"), 3, "with the first");
    assert_eq!(lanes.look().await, 3);
}

#[tokio::test]
async fn what_is_undone_is_not_handed_over() {
    let Some(lanes) = Lanes::open().await else { return };
    let (tenant, app_id) = lanes.setup.world.keys();
    let undone = lanes.engine().run::<(), _>(Effect::Writes, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move {
            let event =
                Event { kind: &CHAT_UPDATED, app_id, developer: tenant, payload: "{}", created_at: 0 };
            outbox::add(&mut tx, &event).await?;
            Err(StoreError::Broken("on purpose".to_owned()))
        })
    });
    assert!(undone.await.is_err());
    assert_eq!((lanes.handed(), lanes.look().await), (0, 0));
    lanes.setup.emit("next").await;
    assert_eq!(lanes.handed(), 1, "the lane is open");
}

#[tokio::test]
async fn what_waits_keeps_the_lane_closed() {
    let Some(lanes) = Lanes::open().await else { return };
    let (_, app_id) = lanes.setup.world.keys();
    lanes.engine().lanes.leave(app_id);
    lanes.setup.emit("while it was away").await;
    lanes.engine().lanes.enter(app_id, lanes.setup.world.keys().0);
    assert_eq!(lanes.look().await, 1);
    lanes.setup.emit("later").await;
    assert_eq!((lanes.handed(), lanes.look().await), (0, 2));
}

#[tokio::test]
async fn fault_rules_and_changes_of_the_subscription_close_the_lane() {
    let Some(lanes) = Lanes::open().await else { return };
    let rules = json!({"faults": [{"match": {"event_type": "*"}, "effect": {"hold": {}}}]});
    lanes.setup.world.control("PUT", "/faults").body(rules).send().await.data();
    lanes.setup.emit("ruled").await;
    assert_eq!((lanes.handed(), lanes.look().await), (0, 1));

    let Some(lanes) = Lanes::open().await else { return };
    lanes.setup.world.receive_by_connection().await;
    lanes.setup.emit("changed").await;
    assert_eq!((lanes.handed(), lanes.look().await), (0, 1));
}

#[tokio::test]
async fn a_restore_closes_the_lane() {
    let Some(lanes) = Lanes::open().await else { return };
    lanes.setup.world.control("POST", "/snapshots").body(json!({"name": "before"})).send().await.data();
    lanes.setup.world.control("POST", "/snapshots/before/restore").body(json!({})).send().await.data();
    lanes.setup.emit("restored").await;
    assert_eq!((lanes.handed(), lanes.look().await), (0, 1));
}
