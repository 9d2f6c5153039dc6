//! `im/v1/batch_messages`

use larkspur_testkit::{Request, World};
use serde_json::json;

use super::message::{invalid, read_state::reads, recall, tell};
use crate::scenarios::events::listening::Stage;
use crate::scenarios::{issued_token, refused_as, text, world};

/// A message to three people, with its id, and the chat of the first one.
async fn sent(world: &World, token: &str) -> (String, String) {
    let first = tell(world, "user_id", &world.users[0].user_id, "x").token(token).send().await.data();
    let ids: Vec<&str> = world.users[..3].iter().map(|user| user.user_id.as_str()).collect();
    let body = json!({"msg_type": "text", "content": {"text": "hello"}, "user_ids": ids});
    let made = world.call("POST", "/message/v4/batch_send/").token(token).body(body).send().await.data();
    (text(&made, "message_id"), text(&first, "chat_id"))
}

/// The three operations.
fn calls(world: &World, id: &str) -> [Request; 3] {
    let path = format!("/im/v1/batch_messages/{id}");
    [
        world.call("GET", &format!("{path}/get_progress")),
        world.call("GET", &format!("{path}/read_user")),
        world.call("DELETE", &path),
    ]
}

/// The message of the batch in a chat.
async fn message(world: &World, chat: &str) -> serde_json::Value {
    let path = format!("/im/v1/messages?container_id_type=chat&container_id={chat}");
    let listed = world.call("GET", &path).send().await.data();
    listed["items"].as_array().expect("items").last().expect("a message").clone()
}

#[tokio::test]
async fn how_far_a_message_is() {
    let world = world().await;
    let (id, chat) = sent(&world, &world.token).await;
    let [progress, readers, delete] = calls(&world, &id);
    let told = |read: i64| json!({"read_user_ids_count": read, "success_user_ids_count": 3, "valid_user_ids_count": 3});
    let none = json!({"recall": false, "recall_count": 0});
    let expected = json!({"batch_message_recall_progress": none, "batch_message_send_progress": told(0)});
    let reply = progress.clone().send().await;
    assert_eq!(reply.json(), json!({"code": 0, "data": expected, "msg": "success"}));
    let own = text(&message(&world, &chat).await, "message_id");
    assert_eq!(reads(&world, 0, &[&own]).await, 1);
    let data = progress.clone().send().await.data();
    assert_eq!(data["batch_message_send_progress"], told(1));
    let expected = json!({"read_user": {"read_count": "1", "total_count": "3"}});
    assert_eq!(readers.send().await.json(), json!({"code": 0, "data": expected, "msg": "ok"}));
    recall(&world, &own).send().await.data();
    for _ in 0..2 {
        assert_eq!(delete.clone().send().await.json(), json!({"code": 0, "data": {}, "msg": "ok"}));
        let data = progress.clone().send().await.data();
        let expected = json!({"recall": true, "recall_count": 2});
        assert_eq!(data["batch_message_recall_progress"], expected, "one was recalled alone");
    }
    let other = tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    let path = format!("/im/v1/messages?container_id_type=chat&container_id={}", text(&other, "chat_id"));
    let listed = world.call("GET", &path).send().await.data();
    assert_eq!((&listed["items"][0]["deleted"], &listed["items"][1]["deleted"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn batches_that_are_refused() {
    let world = world().await;
    let (_, other) = world.app(json!({"name": "other"})).await;
    let (theirs, _) = sent(&world, &other).await;
    let (id, _) = sent(&world, &world.token).await;
    for call in calls(&world, "bm-x") {
        invalid(&call.send().await, "invalid batch_message_id");
    }
    let abroad = world.lab.world().await;
    for unknown in ["bm-dc13264520392913993dd051dba21dcf", &sent(&abroad, &abroad.token).await.0] {
        for call in calls(&world, unknown) {
            refused_as(&call.send().await, 230030, "The message id is invalid, record not found.");
        }
    }
    let [progress, readers, delete] = calls(&world, &theirs);
    for call in [progress, readers] {
        refused_as(&call.send().await, 230012, "Bot is NOT the sender of the message.");
    }
    refused_as(&delete.send().await, 230026, "No permission to recall this message.");
    world.advance(24 * 3600 + 1).await;
    let token = issued_token(&world, &world.app_id).await;
    let [_, _, delete] = calls(&world, &id);
    let why = "Message can only be recalled within one days.";
    refused_as(&delete.token(&token).send().await, 230009, why);
    world.set_app(&world.app_id, json!({"bot": false})).await;
    let [progress, readers, delete] = calls(&world, &id);
    for call in [progress, delete] {
        refused_as(&call.token(&token).send().await, 230006, "Bot ability is not activated.");
    }
    readers.token(&token).send().await.data();
}

#[tokio::test]
async fn what_apps_are_told() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let body = json!({"msg_type": "text", "content": {"text": "hello"}, "user_ids": [world.users[1].user_id]});
    let made = world.call("POST", "/message/v4/batch_send/").body(body).send().await.data();
    let [actor, inside, outside] = stage.told().await;
    let kinds: Vec<&str> = actor.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["p2p_chat_create"]);
    assert!(inside.is_empty() && outside.is_empty());
    let [.., delete] = calls(world, &text(&made, "message_id"));
    delete.send().await.data();
    let [actor, inside, outside] = stage.told().await;
    assert_eq!((actor.len(), actor[0].0.as_str()), (1, "im.message.recalled_v1"));
    assert_eq!(actor[0].1["recall_type"], "message_owner");
    assert!(inside.is_empty() && outside.is_empty());
}
