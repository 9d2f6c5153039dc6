//! `PUT` and `PATCH /im/v1/messages/:message_id`

use larkspur_testkit::{Lab, LabOptions};
use serde_json::{Value, json};

use super::{card, edit, get, invalid, message_path, read, recall, replace, said, say, send, with_user};
use crate::scenarios::{put_member, refused_as, text, upload, world};

#[tokio::test]
async fn an_edit_replaces_the_content() {
    let world = world().await;
    let before = say(&world, "one").send().await.data();
    let id = text(&before, "message_id");
    world.advance(10).await;
    let reply = edit(&world, &id, "two").send().await;
    assert_eq!(reply.json()["msg"], "success");
    let after = reply.data();
    assert_eq!(after["body"]["content"], r#"{"text":"two"}"#);
    assert_eq!((&after["updated"], &after["create_time"]), (&json!(true), &before["create_time"]));
    let time = |message: &Value| text(message, "update_time").parse::<i64>().expect("a number");
    assert!(time(&after) >= time(&before) + 10_000, "{after}");
    assert_eq!(read(&world, &id).await, after);
    let post = json!({"zh_cn": {"title": "t", "content": [[{"tag": "text", "text": "x"}]]}});
    let body = json!({"msg_type": "post", "content": post.to_string()});
    let after = world.call("PUT", &message_path(&id)).body(body).send().await.data();
    assert_eq!(after["msg_type"], "post");
}

#[tokio::test]
async fn twenty_edits_in_a_day() {
    let world = world().await;
    let id = said(&world, "x").await;
    for number in 0..20 {
        edit(&world, &id, &number.to_string()).send().await.data();
    }
    let text = "The message has reached the number of times it can be edited.";
    refused_as(&edit(&world, &id, "x").send().await, 230072, text);
    let id = said(&world, "x").await;
    let path = format!("/apps/{}/tokens", world.app_id);
    world.advance(24 * 3600 + 1).await;
    let token = world.control("POST", &path).body(json!({})).send().await.data();
    let token = crate::scenarios::text(&token, "access_token");
    let text = "The message has exceeded the time that can be edited.";
    refused_as(&edit(&world, &id, "x").token(&token).send().await, 230075, text);
}

#[tokio::test]
async fn what_is_not_edited() {
    let lab = Lab::start().await;
    let (world, user) = with_user(&lab).await;
    let id = said(&world, "x").await;
    let put = |msg_type: &str, content: Value| {
        let body = json!({"msg_type": msg_type, "content": content.to_string()});
        world.call("PUT", &message_path(&id)).body(body)
    };
    for kind in ["interactive", "image", "x"] {
        invalid(&put(kind, json!({})).send().await, "invalid msg_type");
    }
    invalid(&put("text", json!({})).send().await, "content format of the text type is incorrect");
    put("text", json!({"text": "x".repeat(160 * 1024)})).send().await.refused(230025);
    let (_, token) = world.app(json!({"name": "other"})).await;
    let foreign = upload(&world, &token, "message").await;
    let avatar = upload(&world, &world.token, "avatar").await;
    let post = |key: &str| json!({"zh_cn": {"title": "t", "content": [[{"tag": "img", "image_key": key}]]}});
    invalid(&put("post", post(&foreign)).send().await, "invalid image_key");
    put("post", post(&avatar)).send().await.refused(230055);
    world.control("PUT", "/settings").body(json!({"forbidden_words": ["Secret"]})).send().await.data();
    edit(&world, &id, "secret").send().await.refused(230022);
    let by_user = text(&say(&world, "x").token(&user).send().await.data(), "message_id");
    let why = "The operator is not the sender of the message.";
    refused_as(&edit(&world, &by_user, "x").send().await, 230071, why);
    let shown = send(&world, &world.chat_id, "interactive", card("x")).send().await.data();
    let why = "This operation is not supported for this message type.";
    refused_as(&edit(&world, &text(&shown, "message_id"), "x").send().await, 230054, why);
    recall(&world, &id).send().await.data();
    refused_as(&edit(&world, &id, "x").send().await, 230011, "The message was withdrawn.");
}

#[tokio::test]
async fn a_card_is_replaced() {
    let world = world().await;
    let made = send(&world, &world.chat_id, "interactive", card("one")).send().await.data();
    let id = text(&made, "message_id");
    world.advance(10).await;
    let reply = replace(&world, &id, card("two")).send().await;
    assert_eq!(reply.json(), json!({"code": 0, "msg": "ok", "data": {}}));
    let seen = get(&world, &id).query("card_msg_content_type", "user_card_content").send().await.data();
    assert_eq!(seen["items"][0]["body"]["content"], card("two").to_string());
    let seen = read(&world, &id).await;
    assert_eq!(seen["updated"], false);
    assert_ne!(seen["update_time"], made["update_time"]);
}

#[tokio::test]
async fn cards_that_are_not_replaced() {
    let lab = Lab::start().await;
    let (world, user) = with_user(&lab).await;
    let id = said(&world, "x").await;
    invalid(&replace(&world, &id, card("x")).send().await, "This message is NOT a card.");
    let theirs = send(&world, &world.chat_id, "interactive", card("x")).token(&user).send().await.data();
    let theirs = text(&theirs, "message_id");
    invalid(&replace(&world, &theirs, card("x")).send().await, "bot or user is not the message`s sender");
    replace(&world, &theirs, card("y")).token(&user).send().await.data();
    let (app, token) = world.app(json!({"name": "other"})).await;
    put_member(&world, &world.chat_id, &app, false).await;
    let own = send(&world, &world.chat_id, "interactive", card("x")).send().await.data();
    let own = text(&own, "message_id");
    let other = replace(&world, &own, card("x")).token(&token).send().await;
    invalid(&other, "bot or user is not the message`s sender");
    let long = replace(&world, &own, card(&"x".repeat(31 * 1024))).send().await;
    refused_as(&long, 230025, "The length of the message content reaches its limit.");
    replace(&world, &own, json!({"schema": "9", "body": {}})).send().await.refused(230099);
    world.control("PUT", "/settings").body(json!({"forbidden_words": ["Secret"]})).send().await.data();
    let secret = replace(&world, &own, card("secret")).send().await;
    refused_as(&secret, 230028, "The messages do NOT pass the audit.");
    world.advance(14 * 24 * 3600 + 1).await;
    let path = format!("/apps/{}/tokens", world.app_id);
    let token = text(&world.control("POST", &path).body(json!({})).send().await.data(), "access_token");
    let old = replace(&world, &own, card("x")).token(&token).send().await;
    refused_as(&old, 230031, "Message can only be modified within 14 days after sending.");
    let fresh = send(&world, &world.chat_id, "interactive", card("x")).token(&token).send().await.data();
    let fresh = text(&fresh, "message_id");
    recall(&world, &fresh).token(&token).send().await.data();
    replace(&world, &fresh, card("x")).token(&token).send().await.refused(230011);
}

#[tokio::test]
async fn a_card_is_replaced_five_times_a_second() {
    let options = LabOptions {
        settings: larkspur_api::Settings::default(),
        clock: larkspur_testkit::ManualClock::at(1_750_000_000_000),
        ..LabOptions::default()
    };
    let world = Lab::with(options).await.world().await;
    let made = send(&world, &world.chat_id, "interactive", card("one")).send().await.data();
    let id = text(&made, "message_id");
    for _ in 0..5 {
        replace(&world, &id, card("x")).send().await.data();
    }
    let text = "This operation triggers the frequency limit.";
    refused_as(&replace(&world, &id, card("x")).send().await, 230020, text);
    world.advance(1).await;
    replace(&world, &id, card("x")).send().await.data();
}

#[tokio::test]
async fn a_world_has_windows_of_its_own() {
    let world = world().await;
    let body = json!({"recall_seconds": 10, "message_edit_seconds": 5});
    assert_eq!(world.control("PUT", "/settings").body(body).send().await.data()["recall_seconds"], 10);
    let chat = world.chat(json!({"owner": world.users[0].user_id, "members": [world.app_id]})).await;
    let id = text(&super::tell(&world, "chat_id", &chat, "x").send().await.data(), "message_id");
    edit(&world, &id, "y").send().await.data();
    world.advance(7).await;
    edit(&world, &id, "z").send().await.refused(230075);
    world.advance(5).await;
    recall(&world, &id).send().await.refused(230009);
    world.control("PUT", "/settings").body(json!({})).send().await.data();
    edit(&world, &id, "z").send().await.data();
    recall(&world, &id).send().await.data();
}
