//! Messages.

use larkspur_testkit::Request;
use serde_json::json;

use super::{CALLS, Place, mixed, text};

/// A text to the world's chat.
fn say(place: &Place, words: &str, uuid: &str) -> Request {
    let content = json!({"text": words}).to_string();
    let body = json!({"receive_id": place.chat_id, "msg_type": "text", "content": content, "uuid": uuid});
    place.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body)
}

pub(super) async fn said(place: &Place) -> String {
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

/// One operator has one reaction with an emoji, and every call answers it.
pub(super) async fn react(place: Place) {
    let id = said(&place).await;
    let path = format!("/im/v1/messages/{id}/reactions");
    let body = json!({"reaction_type": {"emoji_type": "SMILE"}});
    let made = place.race_same(place.call("POST", &path).body(body)).await.all_done();
    assert!(made.iter().all(|data| *data == made[0]), "{made:?}");
    assert_eq!(place.count("message_reaction").await, 1);
}

/// A reaction is removed once.
pub(super) async fn unreact(place: Place) {
    let path = format!("/im/v1/messages/{}/reactions", said(&place).await);
    let body = json!({"reaction_type": {"emoji_type": "SMILE"}});
    let made = place.call("POST", &path).body(body).send().await.data();
    let path = format!("{path}/{}", text(&made, "reaction_id"));
    place.race_same(place.call("DELETE", &path)).await.won(1, &[231011]);
    assert_eq!(place.count("message_reaction").await, 0);
}

/// A message has one pin, and none if it is recalled meanwhile.
pub(super) async fn pin(place: Place) {
    let id = said(&place).await;
    let pin = place.call("POST", "/im/v1/pins").body(json!({"message_id": id}));
    let made = place.race_same(pin).await.done_or(&[230047]);
    assert!(!made.is_empty() && made.iter().all(|data| *data == made[0]), "{made:?}");
    assert_eq!(place.count("pin").await, 1);
    let other = said(&place).await;
    let pin = place.call("POST", "/im/v1/pins").body(json!({"message_id": other}));
    let recall = place.call("DELETE", &format!("/im/v1/messages/{other}"));
    let answers = place.race(mixed(vec![vec![pin; 4], vec![recall; 2]])).await;
    answers.done_or(&[230011, 230047, 230110]);
    assert_eq!(place.count("pin").await, 1, "the pin of a recalled message");
}

/// A message is pinned and unpinned, and is one of both in the end.
pub(super) async fn unpin(place: Place) {
    let id = said(&place).await;
    let pin = place.call("POST", "/im/v1/pins").body(json!({"message_id": id}));
    let unpin = place.call("DELETE", &format!("/im/v1/pins/{id}"));
    place.race(mixed(vec![vec![pin; 4], vec![unpin.clone(); 4]])).await.done_or(&[230047]);
    assert!(place.count("pin").await <= 1);
    place.control("PUT", "/clock").body(json!({"advance_seconds": 2})).send().await.data();
    place.race_same(unpin).await.done_or(&[230047]);
    assert_eq!(place.count("pin").await, 0);
}

/// One uuid forwards one message to a receiver.
async fn once(place: &Place, path: String, ids: &[&str], rows: usize) {
    let body = json!({"receive_id": place.users[1].open_id, "message_id_list": ids});
    let call = place.call("POST", &format!("{path}?receive_id_type=open_id&uuid=u")).body(body);
    let before = place.count("message").await;
    let made = place.race_same(call).await.all_done();
    let id = |data: &serde_json::Value| text(data.get("message").unwrap_or(data), "message_id");
    assert!(made.iter().all(|data| id(data) == id(&made[0])), "{made:?}");
    assert_eq!(place.count("message").await, before + rows);
}

pub(super) async fn forward(place: Place) {
    let id = said(&place).await;
    once(&place, format!("/im/v1/messages/{id}/forward"), &[], 1).await;
}

pub(super) async fn merge(place: Place) {
    let (one, two) = (said(&place).await, said(&place).await);
    once(&place, "/im/v1/messages/merge_forward".to_owned(), &[&one, &two], 3).await;
}

pub(super) async fn forward_thread(place: Place) {
    let root = said(&place).await;
    let content = json!({"text": "re"}).to_string();
    let body = json!({"msg_type": "text", "content": content, "reply_in_thread": true});
    let reply = place.call("POST", &format!("/im/v1/messages/{root}/reply")).body(body).send().await.data();
    once(&place, format!("/im/v1/threads/{}/forward", text(&reply, "thread_id")), &[], 3).await;
}

/// Answers are proposed once.
pub(super) async fn follow_up(place: Place) {
    let content = json!({"text": "x"}).to_string();
    let body = json!({"receive_id": place.users[1].open_id, "msg_type": "text", "content": content});
    let sent = place.call("POST", "/im/v1/messages?receive_id_type=open_id").body(body).send().await.data();
    let path = format!("/im/v1/messages/{}/push_follow_up", text(&sent, "message_id"));
    let push = place.call("POST", &path).body(json!({"follow_ups": [{"content": "x"}]}));
    place.race_same(push).await.won(1, &[230008]);
    assert_eq!(place.count("follow_up").await, 1);
}

/// A user is told once in each way, and every call succeeds.
async fn urge(place: Place, kind: &str) {
    let path = format!("/im/v1/messages/{}/urgent_{kind}?user_id_type=open_id", said(&place).await);
    let body = json!({"user_id_list": [place.users[0].open_id]});
    place.race_same(place.call("PATCH", &path).body(body)).await.all_done();
    assert_eq!(place.count("urgent").await, 1);
}

pub(super) async fn urge_app(place: Place) {
    urge(place, "app").await;
}

pub(super) async fn urge_sms(place: Place) {
    urge(place, "sms").await;
}

pub(super) async fn urge_phone(place: Place) {
    urge(place, "phone").await;
}

/// A message to all users of the world, as a call.
fn to_all(place: &Place) -> Request {
    let body = json!({"msg_type": "text", "content": {"text": "x"}, "department_ids": ["0"]});
    place.call("POST", "/message/v4/batch_send").body(body)
}

/// Every batch is delivered whole, and each user has one chat with the bot.
pub(super) async fn batch(place: Place) {
    let made = place.race_same(to_all(&place)).await.all_done();
    assert_eq!(place.count("batch_message").await, made.len());
    let chats = place.rows("SELECT 1 FROM chat WHERE tenant = $1 AND chat_mode = 'p2p'").await.len();
    assert_eq!(place.count("batch_part").await, made.len() * chats);
    assert_eq!(place.count("message").await, made.len() * chats);
}

/// A batch is recalled once; every call succeeds.
pub(super) async fn recall_batch(place: Place) {
    let made = to_all(&place).send().await.data();
    let path = format!("/im/v1/batch_messages/{}", text(&made, "message_id"));
    place.race_same(place.call("DELETE", &path)).await.all_done();
    let rows = place.rows("SELECT recalled, total FROM batch_message WHERE tenant = $1").await;
    assert_eq!(rows[0][0], rows[0][1]);
}
