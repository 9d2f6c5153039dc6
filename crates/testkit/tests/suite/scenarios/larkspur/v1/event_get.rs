//! One event, as all apps of the world received it or did not: `events/:event_id`.

use larkspur_testkit::receiver::Receiver;
use larkspur_testkit::{Lab, LabOptions, ManualClock};
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

/// Its own message, whatever its settings are; another one that does not concern it.
#[tokio::test]
async fn an_app_is_not_told_of_its_own_message() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let [actor, inside] = [&stage.actor, &stage.inside].map(|ear| ear.app_id.as_str());
    let scopes = json!({"scopes": ["im:chat", "im:message", "im:message.group_msg"]});
    world.set_app(inside, scopes.clone()).await;
    world.control("PUT", &stage.in_chat(&stage.outside.app_id)).body(json!({})).send().await.data();
    world.set_app(&stage.outside.app_id, scopes).await;
    stage.told().await;
    let named = text(&stage.bot(&stage.inside, &stage.actor), "open_id");
    let content = json!({"text": format!("<at user_id=\"{named}\"></at> hello")}).to_string();
    let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": content});
    let path = "/im/v1/messages?receive_id_type=chat_id";
    world.call("POST", path).body(body).token(&stage.inside.token).send().await.data();
    let [heard, own, other] = stage.told().await;
    assert_eq!((heard.len(), own.len(), other.len()), (1, 0, 0));
    let shown = latest(&stage, actor).await;
    let reason = |shown: &Value, app: &str| by_app(&shown["not_sent"], app).map(|one| text(one, "reason"));
    assert_eq!(reason(&shown, inside).as_deref(), Some("own_message"));
    let other = reason(&shown, &stage.outside.app_id);
    assert_eq!(other.as_deref(), Some("not_concerned"), "no scope lets through what mentions another bot");
    assert_eq!(by_app(&shown["not_sent"], inside).expect("not sent")["fixes"], json!([]));
    world.set_app(inside, json!({"bot": false})).await;
    let shown = latest(&stage, actor).await;
    assert_eq!(reason(&shown, inside).as_deref(), Some("own_message"), "no setting would change it");
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

/// Two events of one type at one time, about one message or about none, are two.
#[tokio::test]
async fn what_says_something_else_is_another_event() {
    let clock = ManualClock::at(1_800_000_000_000);
    let lab = Lab::with(LabOptions { clock, ..LabOptions::default() }).await;
    let stage = Stage::within(lab).await;
    let world = &stage.world;
    let scopes = ["im:message.reactions:read", "im:message", "im:chat", "contact:user.employee_id:readonly"];
    world.set_app(&stage.inside.app_id, json!({"scopes": scopes[..3]})).await;
    world.set_app(&stage.actor.app_id, json!({ "scopes": scopes })).await;
    let (chat, ada, ben) = (&world.chat_id, &world.users[0].user_id, &world.users[1].user_id);
    let said =
        world.control("POST", &format!("/chats/{chat}/messages")).body(json!({"as": ben, "text": "x"}));
    let message = text(&said.send().await.data(), "message_id");
    for user in [ada, ben] {
        let body = json!({"as": user, "emoji_type": "OK"});
        world.control("POST", &format!("/messages/{message}/reactions")).body(body).send().await.data();
    }
    stage.told().await;
    let shown = latest(&stage, &stage.inside.app_id).await;
    assert_eq!(shown["event_type"], "im.message.reaction.created_v1");
    let both = shown["deliveries"].as_array().expect("a list");
    assert_eq!(both.len(), 2, "one for each app: {shown}");
    let user = |one: &Value| one["payload"]["user_id"]["user_id"].clone();
    assert_eq!((user(&both[0]), user(&both[1])), (Value::Null, json!(ben)), "{shown}");

    // Reading says nothing of a chat.
    for app in [&stage.actor, &stage.inside] {
        let p2p = json!({"as": ada, "app_id": app.app_id});
        let p2p = text(&world.control("POST", "/p2p").body(p2p).send().await.data(), "chat_id");
        let body = json!({"receive_id": p2p, "msg_type": "text", "content": r#"{"text":"x"}"#});
        let sent = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).token(&app.token);
        let sent = text(&sent.send().await.data(), "message_id");
        let read = json!({"as": ada});
        world.control("PUT", &format!("/messages/{sent}/read")).body(read).send().await.data();
    }
    stage.told().await;
    let shown = latest(&stage, &stage.inside.app_id).await;
    assert_eq!(shown["event_type"], "im.message.message_read_v1");
    assert_eq!(shown["deliveries"].as_array().expect("a list").len(), 1, "{shown}");
}

/// What an app missed is sent to it after the reason is gone, as it would have got it.
#[tokio::test]
async fn an_app_that_was_not_told_gets_it_later() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let [actor, inside] = [&stage.actor, &stage.inside].map(|ear| ear.app_id.as_str());
    let body = json!({
        "as": world.users[1].user_id,
        "text": format!("<at user_id=\"{}\"></at> hello", world.users[0].user_id),
    });
    world.control("POST", &format!("/chats/{}/messages", world.chat_id)).body(body).send().await.data();
    let [heard, missed, _] = stage.told().await;
    assert_eq!((heard.len(), missed.len()), (1, 0));
    let shown = latest(&stage, actor).await;
    let event_id = text(&shown, "event_id");
    assert_eq!(by_app(&shown["not_sent"], inside).expect("not sent")["reason"], "no_scope");

    let path = format!("/events/{event_id}/resend");
    let resent = world.control("POST", &path).body(json!({"app_id": inside})).send().await.data();
    let [heard, late, _] = stage.told().await;
    assert_eq!((heard.len(), late.len()), (0, 1));
    let (kind, event) = &late[0];
    assert_eq!(kind, "im.message.receive_v1");
    assert_eq!(event["sender"]["sender_id"], stage.user(&stage.inside, 1).await);
    assert_eq!(event["message"]["mentions"][0]["id"], stage.user(&stage.inside, 0).await);
    assert_eq!(event["message"]["message_id"], shown["deliveries"][0]["payload"]["message"]["message_id"]);
    let shown = get(world, &format!("/events/{event_id}")).await;
    let delivery = by_app(&shown["deliveries"], inside).expect("sent");
    assert_eq!((&delivery["state"], &delivery["event_id"]), (&json!("delivered"), &resent["event_ids"][0]));
    assert_eq!(by_app(&shown["not_sent"], inside), None);

    // The other way round, with the user_ids that the app gets.
    let path = format!("/events/{}/resend", resent["event_ids"][0].as_str().expect("an id"));
    let body = json!({"app_id": actor, "fresh_id": true});
    world.control("POST", &path).body(body).send().await.data();
    let [heard, ..] = stage.told().await;
    assert_eq!(heard[0].1["sender"]["sender_id"], stage.user(&stage.actor, 1).await);

    // A callback is about one app.
    let p2p = json!({"as": world.users[0].user_id, "app_id": actor});
    world.control("POST", "/p2p").body(p2p).send().await.data();
    let list = get(world, &format!("/events?app_id={actor}&type=p2p_chat_create")).await;
    let path = format!("/events/{}/resend", text(&list["events"][0], "event_id"));
    let reply = world.control("POST", &path).body(json!({"app_id": inside})).send().await;
    declined(&reply, 5_275_400, "app_id");
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
    assert_eq!((&one["way"], one.get("connection")), (&json!("webhook"), None));
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
