//! `POST /im/v1/messages/:message_id/push_follow_up`

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use super::{invalid, recall, said, tell};
use crate::scenarios::{issued_token, refused_as, set_chat, text, world};

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn push(world: &World, message_id: &str, follow_ups: Value) -> Request {
    let path = format!("/im/v1/messages/{message_id}/push_follow_up");
    world.call("POST", &path).body(json!({"follow_ups": follow_ups}))
}

/// A message to a user: its id, and that of the chat.
async fn told(world: &World, user: usize) -> (String, String) {
    let made = tell(world, "open_id", &world.users[user].open_id, "x").send().await.data();
    (text(&made, "message_id"), text(&made, "chat_id"))
}

#[tokio::test]
async fn answers_are_proposed_once() {
    let world = world().await;
    let (id, _) = told(&world, 0).await;
    let ups = json!([
        {"content": "Yes", "i18n_contents": [{"content": "是", "language": "zh_cn"}, {"content": "Ja", "language": "de_de"}]},
        {"content": "No"},
    ]);
    let reply = push(&world, &id, ups.clone()).send().await;
    assert_eq!(reply.json(), json!({"code": 0, "data": {}, "msg": "success"}));
    refused_as(&push(&world, &id, ups).send().await, 230008, "follow up already exist.");
}

#[tokio::test]
async fn answers_that_are_refused() {
    let world = world().await;
    let (id, _) = told(&world, 0).await;
    let long = "x".repeat(201);
    for wrong in [
        json!([]),
        json!([{"content": ""}]),
        json!([{"content": long}]),
        json!([{"content": "x", "i18n_contents": [{"content": "x", "language": "xx"}]}]),
        json!([{"content": "1"}, {"content": "2"}, {"content": "3"}, {"content": "4"}]),
    ] {
        push(&world, &id, wrong).send().await.refused(99992402);
    }
    let twice = json!([{"content": "x", "language": "en_us"}, {"content": "y", "language": "en_us"}]);
    for wrong in [json!([{"content": " "}]), json!([{"content": "x", "i18n_contents": twice}])] {
        refused_as(&push(&world, &id, wrong).send().await, 230007, "invalid follow up.");
    }
    push(&world, &id, json!([{"content": "x"}])).send().await.data();
}

#[tokio::test]
async fn messages_without_proposed_answers() {
    let world = world().await;
    let ups = json!([{"content": "x"}]);
    let token = world.user_token(0, json!({})).await;
    push(&world, "om_x", ups.clone()).send().await.refused(99992354);
    let group = said(&world, "x").await;
    refused_as(&push(&world, &group, ups.clone()).send().await, 230003, "only support p2p chat.");
    let (gone, chat) = told(&world, 0).await;
    recall(&world, &gone).send().await.data();
    refused_as(&push(&world, &gone, ups.clone()).send().await, 230004, "invisible message.");
    let (first, _) = told(&world, 0).await;
    let theirs = tell(&world, "chat_id", &chat, "x").token(&token).send().await.data();
    let why = "bot or user is not the message`s sender";
    invalid(&push(&world, &text(&theirs, "message_id"), ups.clone()).send().await, why);
    let why = "only support latest message.";
    refused_as(&push(&world, &first, ups.clone()).send().await, 230006, why);
    let (old, _) = told(&world, 0).await;
    world.advance(601).await;
    let late = issued_token(&world, &world.app_id).await;
    let reply = push(&world, &old, ups.clone()).token(&late).send().await;
    refused_as(&reply, 230002, "expired message.");
    set_chat(&world, &world.chat_id, json!({"external": true})).await;
    push(&world, &group, ups.clone()).token(&late).send().await.refused(230004);
    world.set_app(&world.app_id, json!({"visible_to": []})).await;
    let why = "user is not visible to bot.";
    refused_as(&push(&world, &old, ups.clone()).token(&late).send().await, 230005, why);
    world.set_app(&world.app_id, json!({"bot": false})).await;
    push(&world, &old, ups).token(&late).send().await.refused(230001);
}
