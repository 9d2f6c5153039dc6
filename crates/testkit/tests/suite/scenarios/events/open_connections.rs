//! Long connections as the control API lists and closes them.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use larkspur_testkit::receiver::Receiver;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::long_connections::{Client, Setup};
use crate::scenarios::text;

async fn listed(setup: &Setup) -> Vec<Value> {
    let path = format!("/apps/{}/connections", setup.world.app_id);
    let shown = setup.world.control("GET", &path).send().await.data();
    shown["connections"].as_array().expect("a list").clone()
}

/// Whether the server closes a connection, with code 1000.
async fn is_closed(client: &mut Client) -> bool {
    match tokio::time::timeout(Duration::from_millis(300), client.0.next()).await {
        Err(_) => false,
        Ok(Some(Ok(Message::Close(Some(close))))) => {
            assert_eq!(u16::from(close.code), 1000, "clients connect again");
            true
        }
        Ok(other) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_listed_and_closed() {
    let setup = Setup::start().await;
    assert!(listed(&setup).await.is_empty());
    let (mut one, mut two) = (setup.connect(&setup.lab).await, setup.connect(&setup.lab).await);
    setup.worker.round().await;
    let all = listed(&setup).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["since_ms"], 1_700_000_000_123_i64);
    let device = text(&all[0], "device_id");
    assert!(device.len() == 19 && device.bytes().all(|byte| byte.is_ascii_digit()), "{device}");
    let path = format!("/apps/{}/connections", setup.world.app_id);
    let first = text(&all[0], "connection_id");
    setup.world.control("DELETE", &path).query("connection_id", &first).send().await.data();
    assert!(!is_closed(&mut one).await && !is_closed(&mut two).await, "their server has not looked yet");
    setup.worker.round().await;
    let closed = [is_closed(&mut one).await, is_closed(&mut two).await];
    assert!(closed[0] != closed[1], "one of them: {closed:?}");
    setup.worker.round().await;
    let left = listed(&setup).await;
    assert_eq!(left.len(), 1);
    assert_ne!(left[0]["connection_id"], json!(first));
    setup.world.control("DELETE", &path).send().await.data();
    setup.worker.round().await;
    let last = if closed[0] { &mut two } else { &mut one };
    assert!(is_closed(last).await);
    // The app connects again.
    setup.advance(1);
    let mut again = setup.connect(&setup.lab).await;
    setup.worker.round().await;
    assert_eq!(listed(&setup).await.len(), 1);
    assert!(!is_closed(&mut again).await);
    for method in ["GET", "DELETE"] {
        let path = "/apps/cli_0000000000000000/connections";
        setup.world.control(method, path).send().await.refused(5275404);
    }
    let reply = setup.world.control("DELETE", &path).query("connection_id", &"x".repeat(17)).send().await;
    reply.refused(5275400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_may_not_connect_any_more_is_disconnected() {
    let setup = Setup::start().await;
    let app = format!("/apps/{}", setup.world.app_id);
    let mut client = setup.connect(&setup.lab).await;
    setup.worker.round().await;
    setup.world.control("PUT", &app).body(json!({"status": "disabled"})).send().await.data();
    setup.worker.round().await;
    assert!(is_closed(&mut client).await, "it was disabled");
    setup.worker.round().await;
    setup.world.control("PUT", &app).body(json!({"status": "enabled"})).send().await.data();
    setup.advance(1);

    // The server stores a connection after the app was disabled.
    let mut client = setup.connect(&setup.lab).await;
    setup.world.control("PUT", &app).body(json!({"status": "disabled"})).send().await.data();
    setup.worker.round().await;
    assert!(is_closed(&mut client).await, "it was disabled before");
    setup.worker.round().await;
    assert!(listed(&setup).await.is_empty());
    setup.world.control("PUT", &app).body(json!({"status": "enabled"})).send().await.data();
    setup.advance(1);

    let mut client = setup.connect(&setup.lab).await;
    setup.worker.round().await;
    assert!(!is_closed(&mut client).await);
    let world = format!("/worlds/{}", setup.world.tenant_key);
    setup.lab.control("DELETE", &world).send().await.data();
    setup.worker.round().await;
    assert!(is_closed(&mut client).await, "its world was deleted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_secret_ends_the_connections_of_the_old_one() {
    let setup = Setup::start().await;
    let mut client = setup.connect(&setup.lab).await;
    setup.worker.round().await;
    let path = format!("/apps/{}/secret", setup.world.app_id);
    setup.world.control("POST", &path).send().await.data();
    setup.worker.round().await;
    assert!(is_closed(&mut client).await);
}

/// An app that connects for a moment, again and again, does not lose what waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_connections_do_not_use_up_the_attempts() {
    let setup = Setup::start().await;
    setup.emit("waits").await;
    setup.worker.round().await;
    for _ in 0..8 {
        let client = setup.connect(&setup.lab).await;
        setup.worker.tell().await;
        drop(client);
        while setup.lab.app.long_connections().count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        setup.worker.round().await;
    }
    let mut client = setup.connect(&setup.lab).await;
    let round = setup.round();
    let (frame, event) = client.event().await;
    assert_eq!(event["event"]["name"], "waits");
    client.ack(&frame, 200).await;
    assert_eq!(round.await.expect("no panic"), 1);
}

/// One way at a time: what is connected while events go by webhook gets none of them, and again does when they do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_go_one_way_at_a_time() {
    let (setup, receiver) = (Setup::start().await, Receiver::start());
    let mut client = setup.connect(&setup.lab).await;
    let set = async |body: Value| {
        let path = format!("/apps/{}/events", setup.world.app_id);
        setup.world.control("PUT", &path).body(body).send().await.data();
    };
    let names =
        || -> Vec<String> { receiver.events().iter().map(|event| text(&event["event"], "name")).collect() };
    let send = async |name: &str| {
        let body = json!({"app_id": setup.world.app_id, "type": "test.made_up_v1", "event": {"name": name}, "raw": true});
        setup.world.control("POST", "/events").body(body).send().await.data();
    };
    for round in 0..2 {
        let name = format!("by connection {round}");
        send(&name).await;
        let sending = setup.round();
        let (frame, event) = client.event().await;
        assert_eq!(event["event"]["name"], name.as_str());
        client.ack(&frame, 200).await;
        assert_eq!(sending.await.expect("no panic"), 1);

        set(json!({"mode": "webhook", "request_url": receiver.url()})).await;
        let name = format!("by webhook {round}");
        send(&name).await;
        setup.worker.round().await;
        assert_eq!(names().last(), Some(&name));
        assert_eq!(listed(&setup).await.len(), 1, "it stays connected");
        assert!(!is_closed(&mut client).await, "it is neither closed nor told");
        set(json!({"mode": "websocket"})).await;
    }
    assert_eq!(names(), ["by webhook 0", "by webhook 1"], "none of those by connection");
}

/// The connections that are open now, but for those that were open before.
async fn opened(setup: &Setup, before: &[String]) -> String {
    setup.worker.tell().await;
    let ids = listed(setup).await.into_iter().map(|one| text(&one, "connection_id"));
    ids.into_iter().find(|id| !before.contains(id)).expect("a new one")
}

/// Of two connections, one refuses what it gets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_name_the_connection() {
    let setup = Setup::start().await;
    setup.emit("before").await;
    assert_eq!(setup.worker.round().await, 0, "nothing is connected");
    let mut good = setup.connect(&setup.lab).await;
    let first = opened(&setup, &[]).await;
    let mut bad = setup.connect(&setup.lab).await;
    let second = opened(&setup, std::slice::from_ref(&first)).await;
    for number in 1..30 {
        setup.emit(&number.to_string()).await;
    }
    let round = setup.round();
    let mut went = HashMap::new();
    for _ in 0..30 {
        let (client, over, code, (frame, event)) = tokio::select! {
            event = good.event() => (&mut good, &first, 200, event),
            event = bad.event() => (&mut bad, &second, 500, event),
        };
        client.ack(&frame, code).await;
        went.insert(text(&event["header"], "event_id"), (over, code));
    }
    assert_eq!(round.await.expect("no panic"), 30);
    assert!([200, 500].iter().all(|code| went.values().any(|one| one.1 == *code)), "by chance: {went:?}");
    for (event_id, (over, code)) in &went {
        let shown = setup.world.control("GET", &format!("/events/{event_id}")).send().await.data();
        let attempt = shown["deliveries"][0]["attempts"].as_array().and_then(|all| all.last()).cloned();
        let attempt = attempt.expect("an attempt");
        let expected = (&json!(over), &json!(code), &json!("connection"));
        assert_eq!((&attempt["connection"], &attempt["status"], &attempt["way"]), expected, "{shown}");
        assert_eq!(attempt.get("failure").is_some(), *code == 500, "{shown}");
    }

    // What is retried may go over the other one. The first event has failed twice, so it waits longest.
    drop(bad);
    while setup.lab.app.long_connections().count() > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    setup.advance(300_000);
    let round = setup.round();
    let refused: Vec<&String> = went.iter().filter(|(_, went)| went.1 == 500).map(|(id, _)| id).collect();
    for _ in &refused {
        let (frame, _) = good.event().await;
        good.ack(&frame, 200).await;
    }
    assert_eq!(round.await.expect("no panic"), refused.len());
    let shown = setup.world.control("GET", &format!("/events/{}", refused[0])).send().await.data();
    let attempts = shown["deliveries"][0]["attempts"].as_array().expect("attempts").iter();
    let over: Vec<&Value> = attempts.map(|attempt| &attempt["connection"]).collect();
    assert_eq!(over[over.len() - 2..], [&json!(second), &json!(first)], "{shown}");
}

/// Wherever it could be connected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_without_a_connection_is_named() {
    let setup = Setup::start().await;
    let reason = async || {
        let list = setup.world.control("GET", "/events?type=im.message.receive_v1").send().await.data();
        let all = list["not_sent"].as_array().expect("a list").clone();
        let own = all.iter().find(|one| one["app_id"] == setup.world.app_id.as_str());
        own.map(|one| (text(one, "reason"), one["fixes"].clone()))
    };
    let lacks = Some(("no_connection".to_owned(), json!([])));
    assert_eq!(reason().await, lacks);
    let client = setup.connect(&setup.lab).await;
    setup.worker.tell().await;
    assert_eq!(reason().await, None);
    drop(client);
    while setup.lab.app.long_connections().count() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    setup.worker.tell().await;
    assert_eq!(reason().await, lacks);

    // It may be connected to any server.
    if let Some(other) = setup.lab.beside().await {
        let client = setup.connect(&other).await;
        other.delivery_worker().tell().await;
        assert_eq!(reason().await, None);
        drop(client);
    }
    // One that gets its events at a URL needs none.
    let receiver = Receiver::start();
    let path = format!("/apps/{}/events", setup.world.app_id);
    let body = json!({"mode": "webhook", "request_url": receiver.url()});
    setup.world.control("PUT", &path).body(body).send().await.data();
    setup.worker.round().await;
    assert_eq!(reason().await, None);
}
