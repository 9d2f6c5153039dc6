//! Snapshots: how much of a world is in memory, and numbers that a restore does not take back.

use larkspur_contract::Effect;
use larkspur_store::snapshots::{self, Budget, Clock, Label, START, Snapshot, Unsaved};
use larkspur_store::{BoxFuture, Root, StoreError, Value};
use larkspur_testkit::World;
use serde_json::json;

use super::declined;
use super::snapshots::{diff, restore, save};
use crate::scenarios::{text, world};

/// Two rows at a time.
const SMALL: Budget = Budget { bytes: usize::MAX, piece: 8 << 10 };

/// Runs a transaction on the store of a world.
async fn run<T: Send + 'static>(
    world: &World,
    effect: Effect,
    body: impl for<'a> Fn(&'a mut Root) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync + 'static,
) -> T {
    world.lab.app.engine().run(effect, body).await.expect("a transaction")
}

async fn find(world: &World, name: &'static str) -> Snapshot {
    let (tenant, _) = world.keys();
    let found = run(world, Effect::Reads, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move { snapshots::find(&mut tx, name).await })
    });
    found.await.expect("the snapshot")
}

async fn saved_with(world: &World, name: &'static str, budget: Budget) -> Result<Snapshot, Unsaved> {
    let (tenant, _) = world.keys();
    run(world, Effect::Writes, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move {
            let label = Label { name, note: "", real_now: 1, world_now: 1 };
            snapshots::save(&mut tx, &label, budget).await
        })
    })
    .await
}

async fn parts(world: &World) -> usize {
    let (tenant, _) = world.keys();
    let sql = "SELECT part FROM snapshot_part WHERE tenant = $1".to_owned();
    let driver = &world.lab.app.engine().driver;
    larkspur_testkit::reading::rows(driver, sql, vec![Value::from(tenant)]).await.len()
}

/// Tags, members and messages: more than one piece of each.
async fn fill(world: &World, round: usize) {
    for number in 0..7 {
        world.tag(&format!("tag {round} {number}")).await;
        let content = json!({"text": format!("{round} {number}")}).to_string();
        let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": content});
        let send = world.call("POST", "/im/v1/messages").query("receive_id_type", "chat_id");
        send.body(body).send().await.data();
        world
            .control("POST", "/users")
            .body(json!({"name": format!("{round} {number}")}))
            .send()
            .await
            .data();
    }
}

#[tokio::test]
async fn a_state_that_is_too_large_is_not_saved_and_not_cloned() {
    let world = world().await;
    fill(&world, 0).await;
    let before = parts(&world).await;
    let bytes =
        usize::try_from(saved_with(&world, "one", SMALL).await.expect("saved").bytes).expect("a size");
    let (tenant, all) = (world.keys().0, parts(&world).await);
    assert!(all - before > 2, "in parts: {all}");
    for most in [0, 3000, bytes - 1] {
        let budget = Budget { bytes: most, ..SMALL };
        // The transaction commits, as that of a new world does.
        assert_eq!(saved_with(&world, "two", budget).await, Err(Unsaved::TooLarge(most)));
        assert_eq!(parts(&world).await, all, "nothing is left of it");
        let cloned = run(&world, Effect::Writes, move |root| {
            let (mut from, mut to) = (root.tenant(tenant), root.tenant(larkspur_contract::ids::TenantKey(7)));
            Box::pin(async move { snapshots::make_clone(&mut from, &mut to, None, "a clone", budget).await })
        });
        assert!(matches!(cloned.await, Err(Unsaved::TooLarge(of)) if of == most));
    }
    assert!(saved_with(&world, "two", Budget { bytes, ..SMALL }).await.is_ok(), "it fits exactly");
    assert_eq!(diff(&world, "one", "two").await["tables"][0]["table"], json!(null));
}

#[tokio::test]
async fn pieces_are_put_together() {
    let world = world().await;
    fill(&world, 1).await;
    saved_with(&world, "one", SMALL).await.expect("saved");
    save(&world, "same").await;
    assert_eq!(diff(&world, "one", "same").await["tables"], json!([]));
    fill(&world, 2).await;
    let gone = world.tag("a last one").await;
    save(&world, "two").await;
    let (tenant, _) = world.keys();
    for (from, to) in [("two", "one"), ("one", "two"), ("two", "one")] {
        let (before, after) = (find(&world, from).await, find(&world, to).await);
        let shown = diff(&world, "now", to).await;
        let (restored, found) = run(&world, Effect::Writes, move |root| {
            let (before, after) = (before.clone(), after.clone());
            Box::pin(async move {
                let mut tx = root.tenant(tenant);
                let found = snapshots::differences(&mut tx, Some(&before), Some(&after), 1000, SMALL).await?;
                let present = snapshots::differences(&mut tx, None, Some(&after), 1000, SMALL).await?;
                assert_eq!(found, present, "the snapshot is the present state");
                let clock = (Clock::Snapshot, 1);
                let restored = snapshots::restore(root, &mut tx, &after, clock, SMALL).await?;
                let left = snapshots::differences(&mut tx, None, Some(&after), 1000, SMALL).await?;
                assert_eq!(left, snapshots::Differences::default());
                Ok((restored, found))
            })
        })
        .await;
        let [added, dropped, changed] = ["added", "gone", "changed"].map(|of| {
            let tables = shown["tables"].as_array().expect("tables").iter();
            tables.map(|table| table[of].as_u64().expect("a count")).sum::<u64>()
        });
        assert_eq!(found.changes.len() as u64 + found.more as u64, added + dropped + changed);
        assert_eq!((restored.written as u64, restored.deleted as u64), (added + changed, dropped + changed));
        assert_eq!(diff(&world, to, "now").await["tables"], json!([]));
    }
    let found = world.call("GET", "/im/v2/tags").query("ids", &gone).send().await.data();
    assert!(found["tag_infos"][0].is_null(), "{found}");
}

#[tokio::test]
async fn a_world_without_a_start_says_why() {
    let world = world().await;
    let (tenant, _) = world.keys();
    run(&world, Effect::Writes, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move {
            snapshots::delete(&mut tx, START).await?;
            let small = Budget { bytes: 100, ..Budget::default() };
            assert_eq!(snapshots::save_start(&mut tx, 1, small).await?, Err(Unsaved::TooLarge(100)));
            Ok(())
        })
    })
    .await;
    let refused = world.control("POST", "/reset").body(json!({})).send().await;
    declined(&refused, 5275404, "to");
    assert!(refused.text().contains("its first rows had more than 67108864 bytes"), "{}", refused.text());
}

/// An app with tickets, in a world that is put back again and again.
#[tokio::test]
async fn no_ticket_is_given_out_twice() {
    let world = world().await;
    save(&world, "without-the-app").await;
    let made = world.control("POST", "/apps").body(json!({"kind": "isv"})).send().await.data();
    let (app, secret) = (text(&made, "app_id"), text(&made, "app_secret"));
    save(&world, "without-tickets").await;
    let mut given = Vec::new();
    let mut tickets = async |rounds: usize| {
        for _ in 0..rounds {
            let body = json!({"app_id": app, "app_secret": secret});
            let asked =
                world.lab.request("POST", "/open-apis/auth/v3/app_ticket/resend").body(body).send().await;
            assert_eq!(asked.code(), 0, "{}", asked.text());
            let path = format!("/apps/{app}/sign_in");
            let ticket = text(&world.control("GET", &path).send().await.data(), "app_ticket");
            assert!(!given.contains(&ticket), "given out twice, after {given:?}");
            given.push(ticket);
        }
    };
    tickets(1).await;
    save(&world, "with-a-ticket").await;
    tickets(2).await;
    // The snapshot has the app, and no row of its tickets.
    for name in ["without-tickets", "with-a-ticket", "without-tickets"] {
        restore(&world, name, json!({})).await;
        assert_eq!(diff(&world, name, "now").await["tables"], json!([]));
        assert_eq!(restore(&world, name, json!({})).await["written"], 0, "there is nothing to do");
        tickets(1).await;
    }
    // The app itself is gone meanwhile.
    for name in ["without-the-app", "without-tickets", "@start", "with-a-ticket"] {
        restore(&world, name, json!({})).await;
        assert_eq!(diff(&world, name, "now").await["tables"], json!([]));
        if name.starts_with("with-") || name == "without-tickets" {
            tickets(2).await;
        }
    }
    world.control("POST", "/reset").body(json!({"to": "empty"})).send().await.data();
    restore(&world, "without-tickets", json!({})).await;
    tickets(2).await;
    // A clone has no app that is gone.
    restore(&world, "without-the-app", json!({})).await;
    let body = json!({"from": {"world": world.tenant_key}});
    let cloned = world.lab.control("POST", "/worlds").body(body).send().await.data();
    assert!(cloned["ids"].get(&app).is_none(), "{cloned}");
}
