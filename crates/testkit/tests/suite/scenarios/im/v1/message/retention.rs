//! Old messages are deleted as the server is told to, with everything that belongs to them.

use larkspur_api::Settings;
use larkspur_store::retention::{self, Retention};
use larkspur_testkit::{Lab, LabOptions, World, reading};
use serde_json::json;

use super::said;
use crate::scenarios::text;

const HOUR_MS: i64 = 3600 * 1000;

/// The texts that the chat of the world lists, the oldest first.
async fn listed(world: &World) -> Vec<String> {
    let list = world.call("GET", "/im/v1/messages?container_id_type=chat&page_size=50");
    let data = list.query("container_id", &world.chat_id).send().await.data();
    let items = data["items"].as_array().expect("items").clone();
    items.iter().map(|item| text(&item["body"], "content")).collect()
}

/// The rows of the world's messages, and of what belongs to them.
async fn rows(lab: &Lab, world: &World) -> Vec<usize> {
    let mut counts = Vec::new();
    for table in ["message", "message_reaction", "message_read", "pin", "chat_top_notice"] {
        let sql = format!("SELECT 1 FROM {table} WHERE tenant = $1");
        let found = reading::rows(&lab.app.engine().driver, sql, vec![world.tenant_key.as_str().into()]);
        counts.push(found.await.len());
    }
    counts
}

/// Five messages; the first one has a thread with a reply, a reaction, a reader, a pin and the top notice.
async fn talk(world: &World) -> (String, String) {
    let first = said(world, "0").await;
    let message = format!("/im/v1/messages/{first}");
    let body =
        json!({"msg_type": "text", "content": json!({"text": "re"}).to_string(), "reply_in_thread": true});
    let reply = world.call("POST", &format!("{message}/reply")).body(body).send().await.data();
    let body = json!({"reaction_type": {"emoji_type": "OK"}});
    world.call("POST", &format!("{message}/reactions")).body(body).send().await.data();
    world.call("POST", "/im/v1/pins").body(json!({"message_id": first})).send().await.data();
    let top = json!({"chat_top_notice": [{"action_type": "1", "message_id": first}]});
    let path = format!("/im/v1/chats/{}/top_notice/put_top_notice", world.chat_id);
    world.call("POST", &path).body(top).send().await.data();
    let read = json!({"as": world.users[0].user_id});
    world.control("PUT", &format!("/messages/{first}/read")).body(read).send().await.data();
    for number in 1..5 {
        said(world, &number.to_string()).await;
    }
    (first, text(&reply, "message_id"))
}

fn texts(of: std::ops::Range<usize>) -> Vec<String> {
    of.map(|number| json!({"text": number.to_string()}).to_string()).collect()
}

async fn is_unknown(world: &World, message_id: &str) -> bool {
    let get = world.call("GET", &format!("/im/v1/messages/{message_id}")).send().await;
    get.code() == 99992354
}

#[tokio::test]
async fn a_chat_keeps_the_newest_messages() {
    let lab = Lab::with(LabOptions::default()).await;
    let (world, other) = (lab.world().await, lab.world().await);
    let (first, reply) = talk(&world).await;
    said(&other, "other").await;
    let engine = lab.app.engine();
    let (now, kept) = (engine.clock.now_ms(), Retention { age_ms: None, per_chat: Some(2) });
    assert_eq!(rows(&lab, &world).await, [6, 1, 1, 1, 1]);
    let off = Retention { age_ms: None, per_chat: None };
    assert_eq!(retention::sweep(engine, off, now + 3 * HOUR_MS).await.expect("swept"), 0);
    assert_eq!(retention::sweep(engine, kept, now + HOUR_MS).await.expect("swept"), 0, "they are young");
    assert_eq!(listed(&world).await, texts(0..5));
    assert_eq!(retention::sweep(engine, kept, now + 3 * HOUR_MS).await.expect("swept"), 4);
    assert_eq!(listed(&world).await, texts(3..5));
    assert_eq!(rows(&lab, &world).await, [2, 0, 0, 0, 0]);
    assert!(is_unknown(&world, &first).await && is_unknown(&world, &reply).await);
    assert_eq!(listed(&other).await.len(), 1);
    assert_eq!(retention::sweep(engine, kept, now + 3 * HOUR_MS).await.expect("swept"), 0);
}

#[tokio::test]
async fn messages_are_kept_for_a_time() {
    let lab = Lab::with(LabOptions::default()).await;
    let world = lab.world().await;
    let (first, reply) = talk(&world).await;
    let engine = lab.app.engine();
    let now = engine.clock.now_ms() + 3 * HOUR_MS;
    let days = |age_ms: i64| Retention { age_ms: Some(age_ms), per_chat: None };
    assert_eq!(retention::sweep(engine, days(HOUR_MS), now).await.expect("swept"), 0, "none is that old");
    // As if they were a minute older.
    assert_eq!(retention::sweep(engine, days(-60_000), now).await.expect("swept"), 6);
    assert_eq!(rows(&lab, &world).await, [0, 0, 0, 0, 0]);
    assert!(is_unknown(&world, &first).await && is_unknown(&world, &reply).await);
    let again = said(&world, "again").await;
    assert!(!is_unknown(&world, &again).await, "the chat goes on");
}

/// Old messages go in pieces, whatever there are, and a thread goes as a whole.
#[tokio::test]
async fn many_messages_go_in_pieces() {
    let settings = Settings { chat_limit: false, ..Settings::default() };
    let lab = Lab::with(LabOptions { settings, ..LabOptions::default() }).await;
    let world = lab.world().await;
    let (first, _) = talk(&world).await;
    let body =
        json!({"msg_type": "text", "content": json!({"text": "re"}).to_string(), "reply_in_thread": true});
    for _ in 0..60 {
        world.call("POST", &format!("/im/v1/messages/{first}/reply")).body(body.clone()).send().await.data();
    }
    for number in 5..110 {
        said(&world, &number.to_string()).await;
    }
    let engine = lab.app.engine();
    let (now, kept) = (engine.clock.now_ms(), Retention { age_ms: None, per_chat: Some(2) });
    assert_eq!(rows(&lab, &world).await, [171, 1, 1, 1, 1]);
    assert_eq!(retention::sweep(engine, kept, now + 3 * HOUR_MS).await.expect("swept"), 169);
    assert_eq!(listed(&world).await, texts(108..110));
    assert_eq!(rows(&lab, &world).await, [2, 0, 0, 0, 0]);
}
