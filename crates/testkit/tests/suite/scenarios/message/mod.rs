//! `POST /message/v4/batch_send/`

use larkspur_testkit::{Reply, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{text, upload, world};

fn send(world: &World, body: Value) -> Request {
    world.call("POST", "/message/v4/batch_send/").body(body)
}

/// The same, of a text.
fn tell(world: &World, field: &str, ids: &[&str]) -> Request {
    send(world, json!({"msg_type": "text", "content": {"text": "hello"}, field: ids}))
}

/// The page's refusals have HTTP status 200.
#[track_caller]
fn refused(reply: &Reply, code: i64, why: &str) {
    assert_eq!((reply.status(), reply.code()), (200, code), "{}", reply.text());
    assert_eq!(reply.json()["msg"], why);
}

#[tokio::test]
async fn many_people_get_one_message() {
    let world = world().await;
    let users = &world.users;
    let body = json!({
        "msg_type": "text", "content": {"text": "hello"}, "open_ids": [users[0].open_id, "ou_x"],
        "user_ids": [users[1].user_id, users[0].user_id, "not-here"], "union_ids": [users[2].union_id, "on_x"],
        "department_ids": ["od-1"],
    });
    let reply = send(&world, body).send().await;
    assert_eq!(reply.json()["msg"], "ok");
    let made = reply.data();
    assert_eq!(made["invalid_open_ids"], json!(["ou_x"]));
    assert_eq!(made["invalid_user_ids"], json!(["not-here"]));
    assert_eq!(made["invalid_union_ids"], json!(["on_x"]));
    assert_eq!(made["invalid_department_ids"], json!(["od-1"]));
    let id = text(&made, "message_id");
    assert!(id.starts_with("bm-") && id.len() == 35, "{id}");
    for user in &users[..3] {
        let body = json!({"receive_id": user.open_id, "msg_type": "text", "content": r#"{"text":"x"}"#});
        let sent =
            world.call("POST", "/im/v1/messages?receive_id_type=open_id").body(body).send().await.data();
        let path = format!("/im/v1/messages?container_id_type=chat&container_id={}", text(&sent, "chat_id"));
        let listed = world.call("GET", &path).send().await.data();
        assert_eq!(listed["items"].as_array().expect("items").len(), 2, "once, and the one of this test");
        assert_eq!(listed["items"][0]["body"]["content"], r#"{"text":"hello"}"#);
    }
    // Without the slash; to everyone.
    let body = json!({"msg_type": "text", "content": {"text": "all"}, "department_ids": ["0"]});
    let made = world.call("POST", "/message/v4/batch_send").body(body).send().await.data();
    let path = format!("/im/v1/batch_messages/{}/get_progress", text(&made, "message_id"));
    let progress = world.call("GET", &path).send().await.data();
    let count = progress["batch_message_send_progress"]["valid_user_ids_count"].as_u64().expect("a count");
    assert!(usize::try_from(count).expect("a count") >= users.len(), "{count}");
}

#[tokio::test]
async fn content_of_every_type() {
    let world = world().await;
    let key = upload(&world, &world.token, "message").await;
    let to = [&world.users[0].open_id];
    for content in [
        json!({"msg_type": "post", "content": {"post": {"zh_cn": {"title": "T", "content": [[{"tag": "text", "text": "x"}]]}}}}),
        json!({"msg_type": "image", "content": {"image_key": key}}),
        json!({"msg_type": "share_chat", "content": {"share_chat_id": world.chat_id}}),
        json!({"msg_type": "interactive", "card": {"elements": [{"tag": "hr"}]}}),
    ] {
        let mut body = content;
        body["open_ids"] = json!(to);
        send(&world, body).send().await.data();
    }
}

#[tokio::test]
async fn content_that_is_refused() {
    let world = world().await;
    let to = json!([world.users[0].open_id]);
    let (_, token) = world.app(json!({"name": "other"})).await;
    let theirs = upload(&world, &token, "message").await;
    let avatar = upload(&world, &world.token, "avatar").await;
    let closed = world.chat(json!({"owner": world.users[0].user_id})).await;
    let p2p =
        world.chat(json!({"chat_mode": "p2p", "members": [world.app_id, world.users[1].user_id]})).await;
    let with = async |mut body: Value| {
        body["open_ids"] = to.clone();
        send(&world, body).send().await
    };
    for wrong in [
        json!({"msg_type": "text", "content": r#"{"text":"x"}"#}),
        json!({"msg_type": "text", "content": {}}),
        json!({"msg_type": "text"}),
        json!({"msg_type": "file", "content": {"file_key": "x"}}),
        json!({"msg_type": "x", "content": {}}),
        json!({}),
    ] {
        refused(&with(wrong).await, 10003, "Invalid parameter.");
    }
    for key in ["img_x", theirs.as_str(), &avatar] {
        let reply = with(json!({"msg_type": "image", "content": {"image_key": key}})).await;
        refused(&reply, 11227, "Image key not exist.");
    }
    let post = json!({"zh_cn": {"title": "", "content": [[{"tag": "img", "image_key": "img_x"}]]}});
    let reply = with(json!({"msg_type": "post", "content": {"post": post}})).await;
    refused(&reply, 11227, "Image key not exist.");
    for chat in ["oc_00000000000000000000000000000000", closed.as_str(), &p2p] {
        let reply = with(json!({"msg_type": "share_chat", "content": {"share_chat_id": chat}})).await;
        refused(&reply, 11231, "Chat not found.");
    }
    let entity = json!({"type": "card", "data": {"card_id": "7355372766134157313"}});
    for card in [json!("x"), json!(null), entity] {
        let reply = with(json!({"msg_type": "interactive", "card": card})).await;
        refused(&reply, 11246, "Create message content fail.");
    }
    let template = json!({"type": "template", "data": {}});
    let reply = with(json!({"msg_type": "interactive", "card": template})).await;
    assert_eq!((reply.status(), reply.code()), (200, 11246), "{}", reply.text());
    let reply = with(json!({"msg_type": "text", "content": {"text": "x".repeat(31 * 1024)}})).await;
    refused(&reply, 11246, "Create message content fail.");
}

#[tokio::test]
async fn calls_that_are_refused() {
    let world = world().await;
    let one = world.users[0].open_id.as_str();
    refused(
        &send(&world, json!({"msg_type": "text", "content": {"text": "x"}})).send().await,
        10003,
        "Invalid parameter.",
    );
    let many = vec![one; 201];
    refused(&tell(&world, "open_ids", &many).send().await, 10003, "Invalid parameter.");
    for (field, id) in [("open_ids", "ou_x"), ("user_ids", "x"), ("department_ids", "od-1")] {
        refused(&tell(&world, field, &[id]).send().await, 11101, "Open_id not exist.");
    }
    world.set_app(&world.app_id, json!({"scopes": ["im:message"]})).await;
    let users = "Send employee ids permission denied.";
    for (field, id) in [("open_ids", one), ("user_ids", &world.users[0].user_id), ("union_ids", "on_x")] {
        refused(&tell(&world, field, &[id]).send().await, 11203, users);
    }
    let why = "Send department list permission denied.";
    refused(&tell(&world, "department_ids", &["0"]).send().await, 11204, why);
    let all = larkspur_contract::scopes::ALL;
    world.set_app(&world.app_id, json!({"scopes": all, "visible_to": []})).await;
    refused(&tell(&world, "open_ids", &[one]).send().await, 11101, "Open_id not exist.");
    for (settings, code, why) in [
        (json!({"bot": false}), 11205, "App do not have bot."),
        (json!({"bot": true, "status": "disabled"}), 11207, "App is not usage."),
        (json!({"status": "uninstalled"}), 11210, "App usage info not exist."),
    ] {
        world.set_app(&world.app_id, settings).await;
        refused(&tell(&world, "open_ids", &[one]).send().await, code, why);
    }
}

#[tokio::test]
async fn all_who_see_the_app() {
    let world = world().await;
    let (last, path) = (world.users.len() - 1, format!("/apps/{}/tokens", world.app_id));
    let user = &world.users[last];
    world.set_app(&world.app_id, json!({"visible_to": [user.user_id]})).await;
    let token = text(&world.control("POST", &path).body(json!({})).send().await.data(), "access_token");
    let made = tell(&world, "department_ids", &["0"]).token(&token).send().await.data();
    let path = format!("/im/v1/batch_messages/{}/get_progress", text(&made, "message_id"));
    let progress = world.call("GET", &path).token(&token).send().await.data();
    assert_eq!(progress["batch_message_send_progress"]["valid_user_ids_count"], 1);
}

#[tokio::test]
async fn markdown_beside_other_nodes() {
    let world = world().await;
    let node = |tag: &str| json!({"tag": tag, "text": tag});
    let post = |row: Value| {
        let content = json!({"post": {"zh_cn": {"title": "", "content": [row]}}});
        send(&world, json!({"msg_type": "post", "content": content, "open_ids": [world.users[0].open_id]}))
    };
    post(json!([node("md")])).send().await.data();
    let beside = post(json!([node("text"), node("md"), node("text")])).send().await;
    refused(&beside, 10003, "Invalid parameter.");
}

#[tokio::test]
async fn a_forbidden_word_is_not_sent() {
    let world = world().await;
    world.control("PUT", "/settings").body(json!({"forbidden_words": ["hello"]})).send().await.data();
    let reply = tell(&world, "open_ids", &[&world.users[0].open_id]).send().await;
    refused(&reply, 11312, "Bot messages do not pass the audit.");
}

#[tokio::test]
async fn a_day_has_so_many_messages() {
    let world = world().await;
    let set = async |most: i64| {
        let settings = json!({"daily_batch_messages": most});
        world.control("PUT", "/settings").body(settings).send().await.data();
    };
    let ids: Vec<&str> = world.users[..2].iter().map(|user| user.open_id.as_str()).collect();
    let why = "Internal send message trigger rate limit.";
    set(3).await;
    tell(&world, "open_ids", &ids).send().await.data();
    refused(&tell(&world, "open_ids", &ids).send().await, 11247, why);
    // What is refused later does not count.
    let image = json!({"msg_type": "image", "content": {"image_key": "img_x"}, "open_ids": [ids[0]]});
    refused(&send(&world, image).send().await, 11227, "Image key not exist.");
    tell(&world, "open_ids", &ids[..1]).send().await.data();
    refused(&tell(&world, "open_ids", &ids[..1]).send().await, 11247, why);
    set(4).await;
    tell(&world, "open_ids", &ids[..1]).send().await.data();
    refused(&tell(&world, "open_ids", &ids[..1]).send().await, 11247, why);
    set(1).await;
    world.advance(86_400).await;
    // The token has expired meanwhile.
    let own = world.control("POST", &format!("/apps/{}/tokens", world.app_id)).body(json!({}));
    let token = text(&own.send().await.data(), "access_token");
    refused(&tell(&world, "open_ids", &ids).token(&token).send().await, 11247, why);
    tell(&world, "open_ids", &ids[..1]).token(&token).send().await.data();
    refused(&tell(&world, "open_ids", &ids[..1]).token(&token).send().await, 11247, why);
}
