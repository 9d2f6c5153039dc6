//! `im/v1/messages`

use larkspur_testkit::{Lab, Reply, Request, World};
use serde_json::{Value, json};

use crate::scenarios::text;

mod changes;
mod conditions;
mod content;
mod create;
mod follow_up;
mod forward;
mod heard;
mod limits;
mod list;
mod read;
pub(super) mod read_state;
mod recall;
mod replies;
mod retention;
mod search;
mod standing;
mod urgent;

/// The text of 230001.
const INVALID: &str = "Your request contains an invalid request parameter";

/// Asserts that a reply is 230001 with this cause.
#[track_caller]
pub(super) fn invalid(reply: &Reply, cause: &str) {
    let json = reply.refused(230001);
    assert_eq!(json["msg"], format!("{INVALID}, ext={cause}"), "{json}");
}

/// Sends a message of a type to a chat.
#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
pub(super) fn send(world: &World, chat_id: &str, msg_type: &str, content: Value) -> Request {
    let body = json!({"receive_id": chat_id, "msg_type": msg_type, "content": content.to_string()});
    world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body)
}

/// Sends a text to the world's chat.
pub(super) fn say(world: &World, words: &str) -> Request {
    send(world, &world.chat_id, "text", json!({"text": words}))
}

/// Sends a text to a receiver of another kind.
pub(super) fn tell(world: &World, kind: &str, receive_id: &str, words: &str) -> Request {
    let content = json!({"text": words}).to_string();
    let body = json!({"receive_id": receive_id, "msg_type": "text", "content": content});
    world.call("POST", "/im/v1/messages").query("receive_id_type", kind).body(body)
}

/// Sends a text to the world's chat; its id.
pub(super) async fn said(world: &World, words: &str) -> String {
    text(&say(world, words).send().await.data(), "message_id")
}

fn message_path(message_id: &str) -> String {
    format!("/im/v1/messages/{message_id}")
}

/// A reply with a text.
fn answer(world: &World, message_id: &str, words: &str, in_thread: bool) -> Request {
    let content = json!({"text": words}).to_string();
    let body = json!({"msg_type": "text", "content": content, "reply_in_thread": in_thread});
    world.call("POST", &format!("{}/reply", message_path(message_id))).body(body)
}

fn get(world: &World, message_id: &str) -> Request {
    world.call("GET", &message_path(message_id))
}

/// What a message reads like now.
async fn read(world: &World, message_id: &str) -> Value {
    let data = get(world, message_id).send().await.data();
    let items = data["items"].as_array().expect("items");
    assert_eq!(items.len(), 1, "{data}");
    items[0].clone()
}

pub(super) fn recall(world: &World, message_id: &str) -> Request {
    world.call("DELETE", &message_path(message_id))
}

fn edit(world: &World, message_id: &str, words: &str) -> Request {
    let content = json!({"text": words}).to_string();
    world.call("PUT", &message_path(message_id)).body(json!({"msg_type": "text", "content": content}))
}

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn replace(world: &World, message_id: &str, card: Value) -> Request {
    world.call("PATCH", &message_path(message_id)).body(json!({"content": card.to_string()}))
}

/// A card.
fn card(words: &str) -> Value {
    json!({"config": {"update_multi": true}, "elements": [{"tag": "div", "text": {"tag": "plain_text", "content": words}}]})
}

/// The messages of a chat or thread, a page of at most 50.
fn list(world: &World, kind: &str, id: &str) -> Request {
    let request = world.call("GET", "/im/v1/messages").query("container_id_type", kind);
    request.query("container_id", id).query("page_size", "50")
}

/// The texts of a page.
fn texts(data: &Value) -> Vec<String> {
    let text = |item: &Value| {
        let content = text(&item["body"], "content");
        let parsed = serde_json::from_str::<Value>(&content);
        parsed.ok().and_then(|parsed| Some(parsed["text"].as_str()?.to_owned())).unwrap_or(content)
    };
    data["items"].as_array().expect("items").iter().map(text).collect()
}

/// A world with an app that has the scopes of a user's own messages, and a token of a user who granted them.
async fn with_user(lab: &Lab) -> (World, String) {
    let world = lab.world().await;
    let token = world.user_token(0, json!({})).await;
    (world, token)
}

/// The open_id of an app's bot, as an app sees it.
fn bot_id(world: &World, bot: &str, to: &str) -> String {
    let app = |id: &str| larkspur_contract::ids::AppId::parse(id).expect("an app");
    world.lab.app.engine().keys.open_id(app(bot).0, app(to)).to_string()
}
