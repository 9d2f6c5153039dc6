//! Callbacks: sent once, during the call that causes them, by webhook and by long connection.

use bytes::Bytes;
use futures_util::SinkExt;
use larkspur_contract::Effect;
use larkspur_server::delivery::connection::frame::Frame;
use larkspur_store::events::connections;
use larkspur_testkit::receiver::{Manner, Receiver, signature};
use larkspur_testkit::{Reply, World};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::long_connections::Setup;
use crate::scenarios::world;

const KEY: &str = "a key of the app";
/// A port of this machine at which nothing listens.
const CLOSED: &str = "http://127.0.0.1:9/";

/// Sets how the app receives callbacks; its events stay on a long connection.
async fn put(world: &World, callbacks: Value, key: Option<&str>) {
    let mut body = json!({"mode": "websocket", "callbacks": callbacks, "verification_token": "a token"});
    if let Some(key) = key {
        body["encrypt_key"] = json!(key);
    }
    let path = format!("/apps/{}/events", world.app_id);
    world.control("PUT", &path).body(body).send().await.data();
}

/// Sends a callback.
async fn click(world: &World) -> Reply {
    let body = json!({"type": "card.action.trigger", "event": {"action": {"tag": "button"}}});
    world.control("POST", &format!("/apps/{}/callbacks", world.app_id)).body(body).send().await
}

#[tokio::test]
async fn a_webhook_gets_it_encrypted_and_signed_and_answers() {
    let (world, receiver) = (world().await, Receiver::with_key(Some(KEY)));
    put(&world, json!({"mode": "webhook", "request_url": receiver.url()}), Some(KEY)).await;
    let answer = json!({"toast": {"type": "success", "content": "Approved"},
        "card": {"type": "raw", "data": {"schema": "2.0", "body": {"elements": [{"tag": "hr", "text": "x".repeat(20_000)}]}}}});
    receiver.answer(Manner::With("200 OK", answer.to_string()));
    let shown = click(&world).await.data();
    assert_eq!(
        (&shown["way"], &shown["status"], &shown["answer"]),
        (&json!("webhook"), &json!(200), &answer)
    );
    assert_eq!((shown.get("code"), shown.get("failure")), (None, None));
    let seen = receiver.seen();
    assert_eq!(seen.len(), 1, "no challenge, and no second time");
    assert_eq!(seen[0].header("x-lark-signature"), Some(signature(&seen[0], KEY).as_str()));
    let said = seen[0].json();
    let header = &said["header"];
    assert_eq!((&said["schema"], &said["event"]), (&json!("2.0"), &json!({"action": {"tag": "button"}})));
    assert_eq!((&header["event_type"], &header["token"]), (&json!("card.action.trigger"), &json!("a token")));
    assert_eq!((&header["event_id"], &header["app_id"]), (&shown["event_id"], &json!(world.app_id)));
    let time = header["create_time"].as_str().expect("text");
    assert_eq!(time.len(), 16, "microseconds: {time}");

    receiver.answer(Manner::With("200 OK", String::new()));
    let body = json!({"type": "url.preview.get", "event": {"context": {"url": "https://example.org/t/7"}}});
    let path = format!("/apps/{}/callbacks", world.app_id);
    assert_eq!(world.control("POST", &path).body(body).send().await.data()["answer"], json!({}));
    assert_eq!(receiver.seen()[1].json()["header"]["event_type"], "url.preview.get");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_client_shows_when_a_webhook_fails() {
    let (world, receiver) = (world().await, Receiver::start());
    let to = |url: &str| json!({"mode": "webhook", "request_url": url});
    put(&world, to(&receiver.url()), None).await;
    for (number, (status, body, code)) in [
        ("500 Internal Server Error", "{}", 200671),
        ("302 Found", "{}", 200671),
        ("204 No Content", "", 200671),
        ("200 OK", "done", 200672),
        ("200 OK", r#"{"toast":{"type":"green"}}"#, 200672),
        ("200 OK", r#"{"card":{"elements":[]}}"#, 200673),
    ]
    .into_iter()
    .enumerate()
    {
        receiver.answer(Manner::With(status, body.to_owned()));
        let shown = click(&world).await.data();
        assert_eq!((&shown["code"], shown.get("answer")), (&json!(code), None), "{status} {body}: {shown}");
        assert_eq!(receiver.seen().len(), number + 1, "once");
    }
    receiver.answer(Manner::Silently);
    let shown = click(&world).await.data();
    assert_eq!((&shown["code"], shown.get("status")), (&json!(200341), None), "{shown}");
    receiver.answer(Manner::Slowly(3_300));
    let shown = click(&world).await.data();
    assert_eq!(shown["code"], 200341, "{shown}");
    let took = shown["ms"].as_u64().expect("a number");
    assert!((2_900..3_300).contains(&took), "{took}");
    for (callbacks, code) in [
        (to(CLOSED), 200342),
        (to("http://no-such-host.invalid/"), 200343),
        (to(""), 200340),
        (json!({"mode": "webhook", "request_url": receiver.url(), "types": ["url.preview.get"]}), 200340),
    ] {
        put(&world, callbacks.clone(), None).await;
        let shown = click(&world).await.data();
        assert_eq!(
            (&shown["code"], shown["meaning"].is_string()),
            (&json!(code), true),
            "{callbacks} {shown}"
        );
        assert_eq!(shown.get("way").is_none(), code == 200340, "{shown}");
    }
}

/// The acknowledgment of a callback with an answer.
async fn answer(client: &mut super::long_connections::Client, frame: &Frame, ack: &str) {
    let frame = Frame { payload: Some(Bytes::copy_from_slice(ack.as_bytes())), ..frame.clone() };
    client.0.send(Message::Binary(frame.write())).await.expect("sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_connection_carries_it_and_its_answer() {
    let setup = Setup::start().await;
    let shown = click(&setup.world).await.data();
    assert_eq!((&shown["way"], &shown["code"]), (&json!("websocket"), &json!(200342)), "{shown}");
    assert_eq!(shown["failure"], "app not online");
    let mut client = setup.connect(&setup.lab).await;
    for (ack, code, expected) in [
        (
            r#"{"code":200,"data":"eyJ0b2FzdCI6eyJjb250ZW50IjoiaGkifX0="}"#,
            None,
            json!({"toast": {"content": "hi"}}),
        ),
        (r#"{"code": 200}"#, None, json!({})),
        (r#"{"code":500}"#, Some(200671), Value::Null),
        (r#"{"code":200,"data":"W10="}"#, Some(200672), Value::Null),
        (r#"{"code":200,"data":"eyJjYXJkIjp7fX0="}"#, Some(200673), Value::Null),
    ] {
        let world = setup.world.clone();
        let asking = tokio::spawn(async move { click(&world).await.data() });
        let (frame, event) = client.event().await;
        assert_eq!(frame.header("type"), Some("event"), "clients ignore other types");
        assert_eq!(
            (&event["header"]["token"], &event["event"]["action"]["tag"]),
            (&json!(""), &json!("button"))
        );
        answer(&mut client, &frame, ack).await;
        let shown = asking.await.expect("no panic");
        assert_eq!(shown.get("code"), code.map(|code| json!(code)).as_ref(), "{ack}: {shown}");
        assert_eq!(shown.get("answer").cloned().unwrap_or_default(), expected, "{ack}");
    }
    let world = setup.world.clone();
    let asking = tokio::spawn(async move { click(&world).await.data() });
    client.event().await;
    drop(client);
    assert_eq!(asking.await.expect("no panic")["code"], 200341);
    assert_eq!(setup.worker.round().await, 0, "it is never repeated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_sends_it() {
    let setup = Setup::start().await;
    let Some(other) = setup.lab.beside().await else { return };
    let mut client = setup.connect(&other).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = other.delivery_worker();
    worker.round().await;
    let running = tokio::spawn(worker.run(async { drop(stopped.await) }));
    for (ack, answer, code) in [
        (
            r#"{"code":200,"data":"eyJ0b2FzdCI6eyJjb250ZW50IjoiaGkifX0="}"#,
            json!({"toast": {"content": "hi"}}),
            None,
        ),
        (r#"{"code":500}"#, Value::Null, Some(200671)),
    ] {
        let world = setup.world.clone();
        let asking = tokio::spawn(async move { click(&world).await.data() });
        let (frame, event) = client.event().await;
        assert_eq!(event["event"]["action"]["tag"], "button");
        self::answer(&mut client, &frame, ack).await;
        let shown = asking.await.expect("no panic");
        assert_eq!(shown["way"], "websocket");
        assert_eq!(shown.get("answer").cloned().unwrap_or_default(), answer, "{ack}: {shown}");
        assert_eq!(shown.get("code"), code.map(|code| json!(code)).as_ref(), "{ack}: {shown}");
    }
    // The row of a server that was killed counts for a while; others are asked.
    let (tenant, app_id) = setup.world.keys();
    let now = setup.lab.app.engine().clock.now_ms();
    let writing = setup.lab.app.engine().run(Effect::Writes, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move { connections::set(&mut tx, app_id, "killed", (1, "[]"), now).await })
    });
    writing.await.expect("written");
    for _ in 0..4 {
        let world = setup.world.clone();
        let asking = tokio::spawn(async move { click(&world).await.data() });
        let (frame, _) = client.event().await;
        self::answer(&mut client, &frame, r#"{"code":200}"#).await;
        let shown = asking.await.expect("no panic");
        assert_eq!(shown["answer"], json!({}), "{shown}");
    }
    let world = setup.world.clone();
    let asking = tokio::spawn(async move { click(&world).await.data() });
    client.event().await;
    assert_eq!(asking.await.expect("no panic")["code"], 200341, "the app does not answer");
    let sql = "SELECT id FROM callback_relay";
    let left = setup.lab.app.engine().driver.query(Effect::Reads, sql, Vec::new()).await.expect("read");
    assert_eq!(left.len(), 0, "nothing is left of them");
    drop(stop);
    running.await.expect("no panic");
}

#[tokio::test]
async fn only_known_callbacks_are_sent() {
    let world = world().await;
    let path = format!("/apps/{}/callbacks", world.app_id);
    let body = json!({"type": "im.message.receive_v1", "event": {}});
    world.control("POST", &path).body(body).send().await.refused(5275400);
    let body = json!({"type": "card.action.trigger", "event": {}});
    world.control("POST", "/apps/cli_0000000000000000/callbacks").body(body).send().await.refused(5275404);
    let event = json!({"app_id": world.app_id, "type": "card.action.trigger", "event": {}});
    world.control("POST", "/events").body(event).send().await.refused(5275400);
}
