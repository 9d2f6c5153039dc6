//! Assertions about events.

use std::time::{Duration, Instant};

use larkspur_testkit::World;
use serde_json::{Value, json};

use super::declined;
use crate::scenarios::{text, world};

/// Sends the app a made-up event.
async fn send(world: &World, name: &str) -> String {
    let body = json!({"app_id": world.app_id, "type": "test.made_up_v1", "event": {"name": name, "list": [{"n": 1}]}, "raw": true});
    text(&world.control("POST", "/events").body(body).send().await.data(), "event_id")
}

async fn check(world: &World, body: Value) -> Value {
    world.control("POST", "/events/check").body(body).send().await.data()
}

#[tokio::test]
async fn events_are_counted_and_ordered() {
    let world = world().await;
    let first = send(&world, "one").await;
    let second = send(&world, "two").await;
    let made = json!({"type": "test.*", "app_id": world.app_id, "state": "waiting"});
    let all = check(&world, json!({"match": made, "count": {"exactly": 2}})).await;
    assert_eq!(
        all,
        json!({"passed": true, "count": 2, "event_ids": [first, second], "near": [], "truncated": false})
    );
    let since = check(&world, json!({"match": made, "since": first})).await;
    assert_eq!((&since["count"], &since["event_ids"]), (&json!(1), &json!([second])));
    let named = |name: &str| json!({"body": {"name": name, "list[*].n": 1}});
    let order = check(&world, json!({"in_order": [named("one"), named("two")]})).await;
    assert_eq!(order["passed"], true);
    let order = check(&world, json!({"in_order": [named("two"), named("one")]})).await;
    assert_eq!((&order["passed"], &order["count"]), (&json!(false), &json!(1)));
    let never = check(&world, json!({"never": {"type": "im.message.*"}})).await;
    assert_eq!(never["passed"], true);
    // Another world has none of them.
    let other = world.lab.world().await;
    assert_eq!(check(&other, json!({"never": {"type": "test.*"}})).await["passed"], true);
}

#[tokio::test]
async fn a_near_miss_names_what_differs() {
    let world = world().await;
    let id = send(&world, "one").await;
    let wanted = json!({"match": {"type": "test.made_up_v1", "state": "waiting", "body": {"name": "two"}}});
    let missed = check(&world, wanted.clone()).await;
    assert_eq!((&missed["passed"], &missed["near"][0]["event_id"]), (&json!(false), &json!(id)));
    assert_eq!(missed["near"][0]["differs"], json!([{"path": "body.name", "wanted": "two", "got": "one"}]));
    let failed = world.control("POST", "/events/check?fail=status").body(wanted).send().await;
    declined(&failed, 5275412, "match");
    assert!(failed.text().contains("body.name is"), "{}", failed.text());
    for (wrong, field) in [
        (json!({}), "match"),
        (json!({"match": {}, "never": {}}), "match"),
        (json!({"match": {"operation": "im.*"}}), "match.operation"),
        (json!({"match": {}, "wait_ms": 60_001}), "wait_ms"),
    ] {
        declined(&world.control("POST", "/events/check").body(wrong).send().await, 5275400, field);
    }
    let reply = world.control("POST", "/events/check").body(json!({"match": {}, "since": "x"})).send().await;
    declined(&reply, 5275404, "since");
}

#[tokio::test]
async fn an_assertion_waits_for_a_later_event() {
    let world = world().await;
    let wanted = json!({"match": {"body": {"name": "late"}}, "wait_ms": 10_000});
    let (checked, id) = tokio::join!(check(&world, wanted), async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        send(&world, "late").await
    });
    assert_eq!((&checked["passed"], &checked["event_ids"]), (&json!(true), &json!([id])));
}

#[tokio::test]
async fn what_has_an_upper_limit_holds_when_the_time_has_passed() {
    let world = world().await;
    let wanted = |wait_ms: u64| json!({"never": {"body": {"name": "late"}}, "wait_ms": wait_ms});
    let began = Instant::now();
    assert_eq!(check(&world, wanted(200)).await["passed"], true);
    assert!(began.elapsed() >= Duration::from_millis(200), "it did not wait");
    let (checked, id) = tokio::join!(check(&world, wanted(60_000)), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        send(&world, "late").await
    });
    assert_eq!((&checked["passed"], &checked["event_ids"]), (&json!(false), &json!([id])));
}

#[tokio::test]
async fn a_check_says_that_it_did_not_look_at_all_events() {
    let world = world().await;
    let first = send(&world, "first").await;
    let resend = async |times: u64| {
        let path = format!("/events/{first}/resend");
        world.control("POST", &path).body(json!({"times": times, "fresh_id": true})).send().await.data()
    };
    for _ in 0..19 {
        resend(100).await;
    }
    let last = resend(99).await["event_ids"][98].clone();
    let made = json!({"match": {"type": "test.made_up_v1"}, "count": {"at_least": 0}});
    let all = check(&world, made.clone()).await;
    assert_eq!((&all["count"], &all["truncated"]), (&json!(2000), &json!(false)));
    let one = resend(1).await["event_ids"][0].clone();
    let all = check(&world, made).await;
    assert_eq!((&all["count"], &all["truncated"]), (&json!(2000), &json!(true)));
    let since = json!({"match": {"type": "test.made_up_v1"}, "since": last});
    let since = check(&world, since).await;
    assert_eq!((&since["event_ids"], &since["truncated"]), (&json!([one]), &json!(false)));
}
