//! The stream of what happens in a world.

use std::time::Duration;

use larkspur_server::Reading;
use larkspur_testkit::receiver::Receiver;
use larkspur_testkit::{Reply, World};
use serde_json::{Value, json};

use super::declined;
use crate::scenarios::{text, world};

/// A stream of server-sent events.
struct Stream(Reading);

impl Stream {
    async fn open(world: &World, topics: &str) -> Stream {
        let reply = world.control("GET", &format!("/stream?topics={topics}")).send().await;
        assert_eq!((reply.status(), reply.response.content_type.as_ref()), (200, "text/event-stream"));
        let mut stream = Stream(Reading::of(reply.response.body).expect("a stream"));
        assert_eq!(stream.next().await[0].0, "hello");
        stream
    }

    /// The events of the next piece, with their data.
    async fn next(&mut self) -> Vec<(String, Value)> {
        let piece = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await;
        let piece = piece.expect("a piece in time").expect("it goes on");
        let piece = String::from_utf8(piece.to_vec()).expect("UTF-8");
        let events = piece.split("\n\n").filter_map(|event| {
            let name = event.lines().find_map(|line| line.strip_prefix("event: "))?;
            let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or("null");
            Some((name.to_owned(), serde_json::from_str(data).expect("JSON")))
        });
        events.collect()
    }

    /// Reads until there is an event with this name whose data, or an item of it, passes; returns that.
    async fn find(&mut self, wanted: &str, passes: impl Fn(&Value) -> bool) -> Value {
        loop {
            for (name, data) in self.next().await {
                let items = data.as_array().cloned().unwrap_or_else(|| vec![data.clone()]);
                if let Some(found) = items.into_iter().find(|item| name == wanted && passes(item)) {
                    return found;
                }
            }
        }
    }
}

async fn send(world: &World, to: &str) -> Reply {
    let body = json!({"receive_id": to, "msg_type": "text", "content": r#"{"text":"news"}"#});
    world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await
}

#[tokio::test]
async fn deliveries_are_streamed_with_their_states() {
    let world = world().await;
    let (worker, receiver) = (world.lab.delivery_worker(), Receiver::start());
    let body = json!({"request_url": receiver.url()});
    world.control("PUT", &format!("/apps/{}/events", world.app_id)).body(body).send().await.data();
    worker.round().await;
    let mut stream = Stream::open(&world, "events").await;
    let body = json!({"app_id": world.app_id, "type": "test.made_up_v1", "event": {}, "raw": true});
    let event_id = text(&world.control("POST", "/events").body(body).send().await.data(), "event_id");
    let row = stream.find("events", |row| row["event_id"] == event_id.as_str()).await;
    assert_eq!((&row["state"], &row["attempt_count"]), (&json!("waiting"), &json!(0)));
    assert!(row.get("payload").is_none() && row["next_try_ms"].is_i64(), "{row}");
    assert_eq!(worker.round().await, 1);
    let row = stream.find("events", |row| row["event_id"] == event_id.as_str()).await;
    assert_eq!(
        (&row["state"], &row["attempt_count"], &row["status"]),
        (&json!("delivered"), &json!(1), &json!(200))
    );
    // Many at once are not listed.
    world.control("PUT", "/clock").body(json!({"advance_seconds": 5})).send().await.data();
    assert_eq!(stream.find("gap", |gap| gap["topic"] == "events").await["missed"], 0);
}

#[tokio::test]
async fn changes_of_messages_are_streamed_to_their_chat() {
    let world = world().await;
    let made = world.call("POST", "/im/v1/chats").body(json!({"name": "other"})).send().await.data();
    let other = text(&made, "chat_id");
    let mut stream = Stream::open(&world, &format!("chat:{}", world.chat_id)).await;
    send(&world, &other).await.data();
    let message = text(&send(&world, &world.chat_id).await.data(), "message_id");
    // The first notice is that of the watched chat.
    let notice = stream.find("chat", |_| true).await;
    assert_eq!(notice, json!({"chat_id": world.chat_id, "message_id": message, "kind": "sent"}));
    let path = format!("/im/v1/messages/{message}");
    let changes = [
        ("POST", format!("{path}/reactions"), json!({"reaction_type": {"emoji_type": "SMILE"}}), "reacted"),
        ("PUT", path.clone(), json!({"msg_type": "text", "content": r#"{"text":"edited"}"#}), "changed"),
        ("POST", "/im/v1/pins".to_owned(), json!({"message_id": message}), "pinned"),
        ("DELETE", path, json!({}), "recalled"),
    ];
    for (method, path, body, kind) in changes {
        let call = world.call(method, &path);
        let call = if method == "DELETE" { call } else { call.body(body) };
        call.send().await.data();
        let notice = stream.find("chat", |notice| notice["kind"] == kind).await;
        assert_eq!((&notice["chat_id"], &notice["message_id"]), (&json!(world.chat_id), &json!(message)));
    }
}

#[tokio::test]
async fn faults_the_clock_and_calls_share_a_stream() {
    let world = world().await;
    let mut stream = Stream::open(&world, "traffic,faults,clock").await;
    let rule = json!({"id": "f", "effect": {"refuse": {"code": 232004}}});
    world.control("POST", "/faults").body(rule).send().await.data();
    stream.find("faults", |one| one["id"] == "f" && one["hits"] == 0).await;
    world.call("GET", "/im/v1/chats").send().await.refused(232004);
    let (mut row, mut used) = (false, false);
    while !(row && used) {
        for (name, data) in stream.next().await {
            row |= name == "rows" && data[0]["outcome"] == "injected";
            used |= name == "faults" && data[0]["hits"] == 1;
        }
    }
    world.advance(60).await;
    assert_eq!(stream.find("clock", |_| true).await, json!({"ahead_ms": 60_000}));
}

#[tokio::test]
async fn topics_are_checked_and_other_worlds_are_silent() {
    let world = world().await;
    for topics in ["", "all", "traffic,", "chat:oc_1", "events;faults"] {
        let reply = world.control("GET", &format!("/stream?topics={topics}")).send().await;
        declined(&reply, 5275400, "topics");
    }
    let other = world.lab.world().await;
    let mut stream = Stream::open(&other, "clock,faults").await;
    world.advance(60).await;
    other.advance(5).await;
    assert_eq!(stream.find("clock", |_| true).await, json!({"ahead_ms": 5000}));
}
