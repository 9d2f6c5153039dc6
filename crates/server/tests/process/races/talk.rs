//! What people do with messages at their clients.

use larkspur_testkit::Request;
use serde_json::{Value, json};

use super::{CALLS, Place, distinct, text, texts};

/// A body with the user who does it.
#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn by(place: &Place, body: Value) -> Value {
    let mut all = json!({"as": place.users[1].user_id});
    all.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
    all
}

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn words(place: &Place, more: Value) -> Request {
    let path = format!("/chats/{}/messages", place.chat_id);
    let mut body = by(place, json!({"text": "x"}));
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    place.control("POST", &path).body(body)
}

async fn said(place: &Place) -> String {
    text(&words(place, json!({})).send().await.data(), "message_id")
}

/// Every message is one of its own, and replies are in one thread.
pub(super) async fn say(place: Place) {
    let root = said(&place).await;
    let reply = words(&place, json!({"reply_to": root, "in_thread": true}));
    let made = place.race_same(reply).await.all_done();
    let ids: Vec<String> = made.iter().map(|data| text(data, "message_id")).collect();
    assert!(distinct(&ids), "{ids:?}");
    assert!(made.iter().all(|data| data["thread_id"] == made[0]["thread_id"]), "{made:?}");
    assert_eq!(place.count("message").await, 1 + CALLS);
}

/// Each edit counts.
pub(super) async fn edit(place: Place) {
    let path = format!("/messages/{}", said(&place).await);
    let edit =
        |number: usize| place.control("PATCH", &path).body(by(&place, json!({"text": number.to_string()})));
    place.race((0..CALLS).map(edit).collect()).await.all_done();
    let rows = place.rows("SELECT edits FROM message WHERE tenant = $1").await;
    assert_eq!(rows[0][0], larkspur_store::Value::Int(CALLS as i64));
}

/// A message is recalled once.
pub(super) async fn recall(place: Place) {
    let path = format!("/messages/{}?as={}", said(&place).await, place.users[1].user_id);
    place.race_same(place.control("DELETE", &path)).await.won(1, &[230110]);
}

/// One of the calls is the first to read it.
pub(super) async fn read(place: Place) {
    let path = format!("/messages/{}/read", said(&place).await);
    let body = json!({"as": place.users[0].user_id});
    let told = place.race_same(place.control("PUT", &path).body(body)).await.all_done();
    assert_eq!(told.iter().filter(|one| one["newly_read"] == true).count(), 1, "{told:?}");
    assert_eq!(place.count("message_read").await, 1);
}

/// All of them answer one reaction.
pub(super) async fn react(place: Place) {
    let path = format!("/messages/{}/reactions", said(&place).await);
    let react = place.control("POST", &path).body(by(&place, json!({"emoji_type": "SMILE"})));
    let made = place.race_same(react).await.all_done();
    assert!(made.iter().all(|one| *one == made[0]), "{made:?}");
    assert_eq!(place.count("message_reaction").await, 1);
}

/// A reaction is removed once.
pub(super) async fn unreact(place: Place) {
    let path = format!("/messages/{}/reactions", said(&place).await);
    let made =
        place.control("POST", &path).body(by(&place, json!({"emoji_type": "SMILE"}))).send().await.data();
    let path = format!("{path}/{}?as={}", text(&made, "reaction_id"), place.users[1].user_id);
    place.race_same(place.control("DELETE", &path)).await.won(1, &[231011]);
    assert_eq!(place.count("message_reaction").await, 0);
}

/// All of them answer one pin.
pub(super) async fn pin(place: Place) {
    let path = format!("/messages/{}/pin", said(&place).await);
    let made = place.race_same(place.control("PUT", &path).body(by(&place, json!({})))).await.all_done();
    assert!(made.iter().all(|one| *one == made[0]), "{made:?}");
    assert_eq!(place.count("pin").await, 1);
}

/// Each of them succeeds, and the pin is gone.
pub(super) async fn unpin(place: Place) {
    let path = format!("/messages/{}/pin", said(&place).await);
    place.control("PUT", &path).body(by(&place, json!({}))).send().await.data();
    let unpin = place.control("DELETE", &format!("{path}?as={}", place.users[1].user_id));
    place.race_same(unpin).await.all_done();
    assert_eq!(place.count("pin").await, 0);
}

/// Each is a callback of its own. No app is connected.
pub(super) async fn click(place: Place) {
    let content = json!({"elements": []}).to_string();
    let body = json!({"receive_id": place.chat_id, "msg_type": "interactive", "content": content});
    let sent = place.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
    let path = format!("/messages/{}/clicks", text(&sent, "message_id"));
    let click = place.control("POST", &path).body(by(&place, json!({"action": {"tag": "button"}})));
    let told = place.race_same(click).await.all_done();
    assert!(told.iter().all(|one| one["code"].is_number()), "{told:?}");
    let ids: Vec<String> = told.iter().map(|data| text(data, "event_id")).collect();
    assert!(distinct(&ids), "{ids:?}");
}

fn tab(place: &Place) -> Request {
    let path = format!("/chats/{}/tabs", place.chat_id);
    place.control("POST", &path).body(by(place, json!({"target": "https://example.com"})))
}

/// The ids of the chat's tabs, in their order.
async fn tabs(place: &Place) -> Vec<String> {
    let chat = place.control("GET", &format!("/chats/{}", place.chat_id)).send().await.data();
    texts(&chat["tabs"], "tab_id")
}

/// Twenty and no more, each in a place of its own.
pub(super) async fn tab_limit(place: Place) {
    let before = tabs(&place).await.len();
    place.race(vec![tab(&place); 24]).await.won(20, &[232046]);
    assert_eq!(tabs(&place).await.len(), before + 20);
    let places = place.rows("SELECT DISTINCT position FROM chat_tab WHERE tenant = $1").await;
    assert_eq!(places.len(), place.count("chat_tab").await, "two in one place");
}

/// A tab is deleted once.
pub(super) async fn tab_delete(place: Place) {
    let made = tab(&place).send().await.data();
    let ids = texts(&made["tabs"], "tab_id");
    let last = ids.last().expect("a tab");
    let path = format!("/chats/{}/tabs/{last}?as={}", place.chat_id, place.users[1].user_id);
    place.race_same(place.control("DELETE", &path)).await.won(1, &[5275404]);
    assert_eq!(tabs(&place).await, ids[..ids.len() - 1]);
}

/// The order is one that a call set.
pub(super) async fn tab_order(place: Place) {
    for _ in 0..3 {
        tab(&place).send().await.data();
    }
    let ids = tabs(&place).await;
    let (fixed, moved) = ids.split_at(ids.len() - 3);
    let orders: Vec<Vec<String>> = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        .map(|order| [fixed, &order.map(|index| moved[index].clone())].concat())
        .to_vec();
    let path = format!("/chats/{}/tabs", place.chat_id);
    let sort = |number: usize| {
        place.control("PATCH", &path).body(by(&place, json!({"tab_ids": orders[number % 6]})))
    };
    place.race((0..CALLS).map(sort).collect()).await.all_done();
    assert!(orders.contains(&tabs(&place).await), "an order that no call set");
}
