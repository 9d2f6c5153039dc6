//! Messages.

use larkspur_testkit::Request;
use serde_json::json;

use super::{CALLS, Place, text};

/// A text to the world's chat.
fn say(place: &Place, words: &str, uuid: &str) -> Request {
    let content = json!({"text": words}).to_string();
    let body = json!({"receive_id": place.chat_id, "msg_type": "text", "content": content, "uuid": uuid});
    place.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body)
}

async fn said(place: &Place) -> String {
    text(&say(place, "x", "").send().await.data(), "message_id")
}

/// One uuid sends one message, and the first messages to a user make one chat.
pub(super) async fn send(place: Place) {
    let made = place.race_same(say(&place, "once", "u")).await.all_done();
    assert!(made.iter().all(|data| data["message_id"] == made[0]["message_id"]), "{made:?}");
    assert_eq!(place.count("message").await, 1);
    let content = json!({"text": "x"}).to_string();
    let body = json!({"receive_id": place.users[1].open_id, "msg_type": "text", "content": content});
    let sent = place.call("POST", "/im/v1/messages?receive_id_type=open_id").body(body);
    let made = place.race_same(sent).await.done_or(&[230020]);
    assert!(!made.is_empty() && made.iter().all(|data| data["chat_id"] == made[0]["chat_id"]), "{made:?}");
    assert_eq!(place.rows("SELECT 1 FROM chat WHERE tenant = $1 AND chat_mode = 'p2p'").await.len(), 1);
    assert_eq!(place.count("message").await, 1 + made.len());
}

/// One thread is opened, and every acknowledged reply is in it.
pub(super) async fn reply(place: Place) {
    let root = said(&place).await;
    let content = json!({"text": "re"}).to_string();
    let body = json!({"msg_type": "text", "content": content, "reply_in_thread": true});
    let reply = place.call("POST", &format!("/im/v1/messages/{root}/reply")).body(body);
    let made = place.race_same(reply).await.done_or(&[230020]);
    assert!(
        !made.is_empty() && made.iter().all(|data| data["thread_id"] == made[0]["thread_id"]),
        "{made:?}"
    );
    let thread = text(&made[0], "thread_id");
    let path = format!("/im/v1/messages?container_id_type=thread&container_id={thread}");
    let listed = place.get(&path).await;
    assert_eq!(listed["items"].as_array().expect("items").len(), 1 + made.len());
}

/// Each edit counts, and the content is that of one of them.
pub(super) async fn edit(place: Place) {
    let path = format!("/im/v1/messages/{}", said(&place).await);
    let edit = |number: usize| {
        let content = json!({"text": number.to_string()}).to_string();
        place.call("PUT", &path).body(json!({"msg_type": "text", "content": content}))
    };
    place.race((0..CALLS).map(edit).collect()).await.all_done();
    let rows = place.rows("SELECT edits FROM message WHERE tenant = $1").await;
    assert_eq!(rows[0][0], larkspur_store::Value::Int(CALLS as i64));
}

/// The card is that of one of the calls that succeeded.
pub(super) async fn replace(place: Place) {
    let card =
        |number: usize| json!({"elements": [], "header": {"template": number.to_string()}}).to_string();
    let body = json!({"receive_id": place.chat_id, "msg_type": "interactive", "content": card(99)});
    let sent = place.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
    let path = format!("/im/v1/messages/{}", text(&sent, "message_id"));
    let replace = |number: usize| place.call("PATCH", &path).body(json!({"content": card(number)}));
    let answers = place.race((0..CALLS).map(replace).collect()).await;
    assert!(!answers.done_or(&[230020]).is_empty());
    let shown = place.get(&format!("{path}?card_msg_content_type=user_card_content")).await;
    let content = text(&shown["items"][0]["body"], "content");
    let done = answers.0.iter().enumerate().filter(|(_, answer)| answer.json["code"] == 0);
    assert!(done.map(|(number, _)| card(number)).any(|card| card == content), "{content}");
}

/// A message is recalled once.
pub(super) async fn recall(place: Place) {
    let path = format!("/im/v1/messages/{}", said(&place).await);
    place.race_same(place.call("DELETE", &path)).await.won(1, &[230110]);
}
