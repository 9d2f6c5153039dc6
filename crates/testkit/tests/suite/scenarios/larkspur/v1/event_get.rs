//! One event, as all apps of the world received it or did not: `events/:event_id`.

use larkspur_testkit::receiver::Receiver;
use serde_json::{Value, json};

use super::{declined, get};
use crate::scenarios::events::listening::Stage;
use crate::scenarios::{text, world};

fn by_app<'a>(list: &'a Value, app: &str) -> Option<&'a Value> {
    list.as_array().expect("a list").iter().find(|one| one["app_id"] == app)
}

/// The event that an app was told of last.
async fn latest(stage: &Stage, app: &str) -> Value {
    let list = get(&stage.world, &format!("/events?app_id={app}&limit=1")).await;
    let event_id = text(&list["events"][0], "event_id");
    get(&stage.world, &format!("/events/{event_id}")).await
}

#[tokio::test]
async fn every_app_received_it_or_has_a_reason() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let [actor, inside, outside] =
        [&stage.actor, &stage.inside, &stage.outside].map(|ear| ear.app_id.as_str());
    let body = json!({"as": world.users[1].user_id, "text": "hello"});
    let path = format!("/chats/{}/messages", world.chat_id);
    world.control("POST", &path).body(body.clone()).send().await.data();
    stage.told().await;
    let shown = latest(&stage, actor).await;
    assert_eq!(shown["event_type"], "im.message.receive_v1");
    assert_eq!(shown["chat_id"], world.chat_id.as_str());
    assert_eq!(shown["deliveries"].as_array().expect("a list").len(), 1, "{shown}");
    assert_eq!(by_app(&shown["deliveries"], actor).expect("sent")["state"], "delivered");
    let reason = |shown: &Value, app: &str| by_app(&shown["not_sent"], app).map(|one| text(one, "reason"));
    assert_eq!(reason(&shown, inside).as_deref(), Some("no_scope"));
    assert_eq!(reason(&shown, outside).as_deref(), Some("no_scope"));
    assert_eq!(reason(&shown, actor), None);

    // The fix is a call; after it, the app receives the next one.
    let missing = by_app(&shown["not_sent"], inside).expect("not sent");
    assert_eq!((&missing["app"], &missing["fixes"][0]["id"]), (&json!("inside"), &json!("app.update")));
    let scopes = &missing["fixes"][0]["body"]["scopes"];
    assert!(scopes.as_array().expect("scopes").contains(&json!("im:chat")), "it keeps what it has: {scopes}");
    assert!(!missing["needs"].as_array().expect("scopes").is_empty());
    world.set_app(inside, missing["fixes"][0]["body"].clone()).await;
    world.set_app(outside, json!({"scopes": ["im:message.group_msg"]})).await;
    world.control("POST", &path).body(body).send().await.data();
    stage.told().await;
    let shown = latest(&stage, actor).await;
    assert_eq!(reason(&shown, outside).as_deref(), Some("bot_absent"));
    let fix = &by_app(&shown["not_sent"], outside).expect("not sent")["fixes"][0];
    assert_eq!((&fix["id"], &fix["path"]["member"]), (&json!("chat.member_put"), &json!(outside)));
    assert!(by_app(&shown["deliveries"], inside).is_some(), "the same message again: {shown}");
}

/// The scopes that are missing are those of this message: by its chat, its sender and whether it mentions the bot.
#[tokio::test]
async fn the_fix_is_the_scope_of_the_message() {
    let stage = Stage::new().await;
    let (world, inside) = (&stage.world, stage.inside.app_id.as_str());
    let say = async |words: &str| {
        let body = json!({"as": world.users[1].user_id, "text": words});
        let path = format!("/chats/{}/messages", world.chat_id);
        world.control("POST", &path).body(body).send().await.data();
        stage.told().await;
        latest(&stage, &stage.actor.app_id).await
    };
    let mention = format!("<at user_id=\"{inside}\"></at> hello");
    // It hears mentions alone, p2p chats alone, nothing.
    for held in [json!(["im:message.group_at_msg"]), json!(["im:message.p2p_msg"]), json!([])] {
        for words in ["hello", mention.as_str()] {
            world.set_app(inside, json!({"scopes": held})).await;
            let shown = say(words).await;
            let Some(missing) = by_app(&shown["not_sent"], inside) else {
                assert!(held == json!(["im:message.group_at_msg"]) && words == mention, "{held}: {shown}");
                continue;
            };
            assert_eq!(missing["reason"], "no_scope", "{held}: {missing}");
            let needs = missing["needs"].as_array().expect("scopes");
            assert!(needs.contains(&json!("im:message.group_msg")), "{needs:?}");
            assert_eq!(needs.contains(&json!("im:message.group_at_msg")), words == mention, "{needs:?}");
            assert!(!needs.contains(&json!("im:message.p2p_msg")), "{needs:?}");
            world.set_app(inside, missing["fixes"][0]["body"].clone()).await;
            let again = say(words).await;
            assert!(by_app(&again["deliveries"], inside).is_some(), "{held}, {words}: {again}");
        }
    }
    // Of messages that may be sent to a chat.
    let body = json!({"as": world.users[1].user_id, "app_id": inside});
    let p2p = text(&world.control("POST", "/p2p").body(body).send().await.data(), "chat_id");
    let may = async |chat: &str| {
        let list = get(world, &format!("/events?type=im.message.receive_v1&chat_id={chat}")).await;
        by_app(&list["not_sent"], inside).cloned()
    };
    world.set_app(inside, json!({"scopes": ["im:message.group_at_msg"]})).await;
    assert_eq!(may(&world.chat_id).await, None, "it hears some messages of groups");
    let missing = may(&p2p).await.expect("not sent");
    assert_eq!(missing["needs"], json!(["im:message.p2p_msg", "im:message.p2p_msg:readonly"]));
    world.set_app(inside, missing["fixes"][0]["body"].clone()).await;
    let body = json!({"as": world.users[1].user_id, "text": "hello"});
    world.control("POST", &format!("/chats/{p2p}/messages")).body(body).send().await.data();
    assert!(stage.told().await[1].iter().any(|event| event.0 == "im.message.receive_v1"));
    assert_eq!(may(&p2p).await, None);
}

#[tokio::test]
async fn deliveries_of_one_event_are_found_together() {
    let stage = Stage::new().await;
    let world = &stage.world;
    for app in [&stage.actor, &stage.inside] {
        world.set_app(&app.app_id, json!({"scopes": ["im:message.group_msg"]})).await;
    }
    let path = format!("/chats/{}/messages", world.chat_id);
    for words in ["one", "two"] {
        let body = json!({"as": world.users[1].user_id, "text": words});
        world.control("POST", &path).body(body).send().await.data();
    }
    stage.told().await;
    let shown = latest(&stage, &stage.inside.app_id).await;
    let both = shown["deliveries"].as_array().expect("a list");
    assert_eq!(both.len(), 2, "{shown}");
    assert_eq!(both[0]["app_id"], stage.inside.app_id.as_str(), "the one that was asked for is first");
    assert_ne!(both[0]["event_id"], both[1]["event_id"]);
    let message = |one: &Value| one["payload"]["message"]["message_id"].clone();
    assert_eq!(message(&both[0]), message(&both[1]));
    declined(&world.control("GET", "/events/unknown").send().await, 5_275_404, "event_id");
}

/// The checks of a webhook are computed again with the app's key, which is not shown.
#[tokio::test]
async fn checks_are_computed_again() {
    let key = "an encrypt key of the app";
    let (world, receiver) = (world().await, Receiver::with_key(Some(key)));
    let path = format!("/apps/{}/events", world.app_id);
    let body = json!({"request_url": receiver.url(), "encrypt_key": key});
    world.control("PUT", &path).body(body).send().await.data();
    let worker = world.lab.delivery_worker();
    assert_eq!(worker.round().await, 1, "the challenge");
    let body = json!({"app_id": world.app_id, "type": "test.made_up_v1", "event": {"a": 1}, "raw": true});
    let made = world.control("POST", "/events").body(body).send().await.data();
    assert_eq!(worker.round().await, 1);
    let attempt = async || {
        let shown = get(&world, &format!("/events/{}", text(&made, "event_id"))).await;
        shown["deliveries"][0]["attempts"][0].clone()
    };
    let one = attempt().await;
    assert_eq!(one["way"], "webhook");
    assert_eq!(one["world_at_ms"], one["at_ms"], "the clock was not moved");
    let checks = &one["checks"];
    for part in ["signature", "encrypt", "token"] {
        assert_eq!(checks[part]["ok"], true, "{one}");
    }
    assert_eq!(checks["signature"]["computed"], checks["signature"]["sent"]);
    assert!(text(&checks["encrypt"], "plain").contains("\"a\":1"));
    assert!(!one.to_string().contains(key));
    let plain = json!({"request_url": receiver.url()});
    world.control("PUT", &path).body(plain).send().await.data();
    let checks = attempt().await["checks"].clone();
    assert!(checks["signature"].get("ok").is_none(), "the app has no key now: {checks}");
    assert!(text(&checks["signature"], "why").contains("another encrypt key"));
}
