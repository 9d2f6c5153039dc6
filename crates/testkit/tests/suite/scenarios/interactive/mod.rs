//! `interactive/v1/card/update`: replacing a card by the token of a click.

use larkspur_testkit::{Lab, Reply, Request, World};
use serde_json::{Value, json};

/// A world with a message that shows a card.
async fn clicked(card: &Value) -> (World, String) {
    let world = Lab::start().await.world().await;
    let body = json!({"receive_id": world.chat_id, "msg_type": "interactive", "content": card.to_string()});
    let sent = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await.data();
    let message_id = sent["message_id"].as_str().expect("a message_id").to_owned();
    (world, message_id)
}

fn update(world: &World, token: &str, card: &Value) -> Request {
    world.call("POST", "/interactive/v1/card/update").body(json!({"token": token, "card": card}))
}

fn shared(text: &str) -> Value {
    json!({"config": {"update_multi": true}, "elements": [{"tag": "markdown", "content": text}]})
}

#[track_caller]
fn done(reply: &Reply) {
    assert_eq!(reply.json(), json!({"code": 0, "msg": "ok"}));
}

async fn shown(world: &World, message_id: &str) -> Value {
    let path = format!("/im/v1/messages/{message_id}?card_msg_content_type=user_card_content");
    let data = world.call("GET", &path).send().await.data();
    serde_json::from_str(data["items"][0]["body"]["content"].as_str().expect("content")).expect("JSON")
}

#[tokio::test]
async fn a_token_replaces_a_card_twice() {
    let (world, message) = clicked(&shared("one")).await;
    let token = world.card_token(&message).await;
    assert!(token.len() == 42 && token.starts_with("c-"), "{token}");
    for text in ["two", "three"] {
        done(&update(&world, &token, &shared(text)).send().await);
        assert_eq!(shown(&world, &message).await, shared(text));
    }
    let refused = update(&world, &token, &shared("four")).send().await.refused(300040);
    assert_eq!(refused["msg"], "更新卡片的 token 超过使用限制次数。");
    assert_eq!(shown(&world, &message).await, shared("three"));
}

#[tokio::test]
async fn a_token_ends_after_half_an_hour() {
    let (world, message) = clicked(&shared("one")).await;
    let token = world.card_token(&message).await;
    world.advance(1799).await;
    done(&update(&world, &token, &shared("two")).send().await);
    world.advance(1).await;
    update(&world, &token, &shared("three")).send().await.refused(300030);
}

#[tokio::test]
async fn what_an_update_refuses() {
    let (world, message) = clicked(&shared("one")).await;
    let token = world.card_token(&message).await;
    for bad in ["", "c-", "c-xyz", "7"] {
        update(&world, bad, &shared("x")).send().await.refused(300020);
    }
    update(&world, "c-00", &shared("x")).send().await.refused(300030);
    for (card, code) in [
        (json!("{}"), 100030),
        (json!(null), 10002),
        (json!({"elements": [{}]}), 11311),
        (json!({"type": "card", "data": {"card_id": "1"}}), 11311),
        (shared(&"a".repeat(100 * 1024)), 100000),
        (json!({"elements": [], "open_ids": "x"}), 200320),
        (json!({"elements": [], "open_ids": [world.users[0].open_id]}), 200320),
    ] {
        update(&world, &token, &card).send().await.refused(code);
    }
    let (_, other) = world.app(json!({})).await;
    update(&world, &token, &shared("x")).token(&other).send().await.refused(200310);
    world.call("DELETE", &format!("/im/v1/messages/{message}")).send().await.data();
    update(&world, &token, &shared("x")).send().await.refused(200000);
}

fn lone(text: &str) -> Value {
    json!({"elements": [{"tag": "markdown", "content": text}]})
}

/// The messages of the chat as the control API shows them, with the one that was sent last at the end.
async fn viewed(world: &World, user: Option<usize>) -> Value {
    let path = format!("/chats/{}/messages", world.chat_id);
    let read = world.control("GET", &path).query("render", "1");
    let read = match user {
        Some(user) => read.query("as", &world.users[user].user_id),
        None => read,
    };
    read.send().await.data()["messages"].as_array().and_then(|all| all.last().cloned()).expect("a message")
}

/// The card that a user sees at the client.
async fn seen_by(world: &World, user: usize) -> Value {
    let message = viewed(world, Some(user)).await;
    serde_json::from_str(message["body"]["content"].as_str().expect("content")).expect("JSON")
}

#[tokio::test]
async fn a_card_of_ones_own_needs_to_know_whose() {
    let (world, message) = clicked(&json!({"elements": []})).await;
    let token = world.card_token(&message).await;
    let with = |open_ids: Value| json!({"elements": [{"tag": "hr"}], "open_ids": open_ids});
    update(&world, &token, &json!({"elements": []})).send().await.refused(300090);
    update(&world, &token, &with(json!(["ou_x"]))).send().await.refused(200320);
    update(&world, &token, &with(json!(vec![&world.users[0].open_id; 201]))).send().await.refused(200320);
    done(&update(&world, &token, &with(json!([world.users[0].open_id]))).send().await);
}

#[tokio::test]
async fn a_card_of_ones_own_changes_for_the_named_users_only() {
    let (world, message) = clicked(&lone("all")).await;
    let token = world.card_token(&message).await;
    world.advance(60).await;
    let (own, mut named) = (lone("own"), lone("own"));
    named["open_ids"] = json!([world.users[0].open_id, world.users[0].open_id]);
    done(&update(&world, &token, &named).send().await);
    assert_eq!((seen_by(&world, 0).await, seen_by(&world, 1).await), (own.clone(), lone("all")));
    assert_eq!(shown(&world, &message).await, lone("all"), "the app sees the card that it sent");
    let mine = viewed(&world, Some(0)).await;
    assert_eq!((&mine["own_card"], mine.get("own_cards")), (&json!(true), None));
    assert_eq!(
        mine["tree"]["body"][0]["text"],
        viewed(&world, None).await["own_cards"][0]["tree"]["body"][0]["text"]
    );
    assert_eq!(viewed(&world, Some(1)).await.get("own_card"), None);
    let stored = viewed(&world, None).await;
    let owned = stored["own_cards"].as_array().expect("cards");
    assert_eq!(owned.len(), 1);
    assert_eq!(
        (&owned[0]["user_id"], &owned[0]["content"], &owned[0]["update_time"]),
        (&json!(world.users[0].user_id), &json!(own.to_string()), &mine["update_time"])
    );
    assert_ne!(mine["update_time"], stored["update_time"], "the message did not change");
    assert_eq!(stored["stored"], lone("all").to_string());
    // A user token reads what the user sees, in every form.
    let scopes = json!({"scopes": ["im:message", "im:message.group_msg:get_as_user"]});
    let token_of = world.user_token(0, scopes).await;
    let path = format!("/im/v1/messages/{message}?card_msg_content_type=user_card_content");
    let read = world.call("GET", &path).token(&token_of).send().await.data();
    assert_eq!(read["items"][0]["body"]["content"], own.to_string());
    named = lone("again");
    named["open_ids"] = json!([world.users[0].open_id, world.users[1].open_id]);
    done(&update(&world, &token, &named).send().await);
    assert_eq!((seen_by(&world, 0).await, seen_by(&world, 1).await), (lone("again"), lone("again")));
    // A patch is for all.
    let patch = world.call("PATCH", &format!("/im/v1/messages/{message}"));
    patch.body(json!({"content": lone("patched").to_string()})).send().await.data();
    assert_eq!((seen_by(&world, 0).await, seen_by(&world, 1).await), (lone("patched"), lone("patched")));
    assert_eq!(viewed(&world, None).await.get("own_cards"), None);
}
