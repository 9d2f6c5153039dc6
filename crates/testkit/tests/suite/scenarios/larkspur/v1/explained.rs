//! Refusals of messages, pins and announcements: each has a rule and facts, and its fix lets the call through.

use larkspur_testkit::{Reply, World};
use serde_json::{Value, json};

use super::get;
use crate::scenarios::{text, world};

async fn say(world: &World, words: &str) -> Reply {
    let content = json!({"text": words}).to_string();
    let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": content});
    world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send().await
}

/// Why a call was refused.
async fn why(world: &World, reply: &Reply) -> Value {
    let log_id = reply.response.header("x-tt-logid").expect("a log id");
    get(world, &format!("/traffic/{log_id}")).await["why"].clone()
}

/// Makes the first call that a refusal proposes.
async fn apply(world: &World, why: &Value) {
    let fix = &why["fixes"][0];
    let path = |name: &str| text(&fix["path"], name);
    let (method, path) = match text(fix, "id").as_str() {
        "chat.update" => ("PATCH", format!("/chats/{}", path("chat_id"))),
        "chat.member_put" => ("PUT", format!("/chats/{}/members/{}", path("chat_id"), path("member"))),
        "app.update" => ("PUT", format!("/apps/{}", path("app_id"))),
        "world.settings.put" => ("PUT", "/settings".to_owned()),
        "world.clock" => ("PUT", "/clock".to_owned()),
        other => panic!("{other}: {why}"),
    };
    world.control(method, &path).body(fix["body"].clone()).send().await.data();
}

#[tokio::test]
async fn what_lets_a_message_through() {
    let world = world().await;
    let chat = format!("/chats/{}", world.chat_id);
    let member = format!("{chat}/members/{}", world.app_id);
    let set = |setting: &str, value: &str| json!({"settings": {setting: value}});
    for (method, path, body, code, rule) in [
        ("PATCH", chat.clone(), set("moderation_permission", "only_owner"), 230018, "moderation_permission"),
        ("PATCH", chat.clone(), json!({"conditions": ["muted"]}), 230035, "chat_conditions"),
        ("PATCH", chat.clone(), json!({"chat_status": "dissolved"}), 232009, "chat_status"),
        ("DELETE", member, Value::Null, 230002, "chat_member"),
        ("PUT", format!("/apps/{}", world.app_id), json!({"bot": false}), 230006, "bot_ability"),
        ("PUT", "/settings".to_owned(), json!({"forbidden_words": ["gamble"]}), 230022, "forbidden_words"),
    ] {
        let call = world.control(method, &path);
        let call = if body.is_null() { call } else { call.body(body) };
        call.send().await.data();
        let refused = say(&world, "they gamble").await;
        refused.refused(code);
        let why = why(&world, &refused).await;
        assert_eq!(why["rule"], rule, "{why}");
        assert!(why["facts"].as_object().is_some_and(|facts| !facts.is_empty()), "{why}");
        apply(&world, &why).await;
        assert_eq!(say(&world, "they gamble").await.code(), 0, "{rule}");
    }
}

#[tokio::test]
async fn what_lets_a_change_through() {
    let world = world().await;
    let message = text(&say(&world, "first").await.data(), "message_id");
    let chat = format!("/chats/{}", world.chat_id);
    let body = json!({"settings": {"pin_manage_setting": "only_owner"}});
    world.control("PATCH", &chat).body(body).send().await.data();
    let pin = async || world.call("POST", "/im/v1/pins").body(json!({"message_id": message})).send().await;
    let refused = pin().await;
    refused.refused(230046);
    let reason = why(&world, &refused).await;
    assert_eq!(
        (&reason["rule"], &reason["facts"]["standing"]),
        (&json!("pin_manage_setting"), &json!("member"))
    );
    apply(&world, &reason).await;
    assert_eq!(pin().await.code(), 0);

    // A window of time: the clock goes back.
    world.control("PUT", "/settings").body(json!({"message_edit_seconds": 60})).send().await.data();
    world.advance(300).await;
    let edit = async || {
        let body = json!({"msg_type": "text", "content": r#"{"text":"second"}"#});
        world.call("PUT", &format!("/im/v1/messages/{message}")).body(body).send().await
    };
    let refused = edit().await;
    let reason = why(&world, &refused).await;
    assert_eq!(
        (&reason["rule"], &reason["facts"]["window_seconds"]),
        (&json!("message_age"), &json!(60)),
        "{reason}"
    );
    assert!(reason["facts"]["age_seconds"].as_i64() >= Some(300), "{reason}");
    apply(&world, &reason).await;
    assert_eq!(edit().await.code(), 0);
}

/// A quota of calls: without it the call passes, and the other settings stay.
#[tokio::test]
async fn what_lets_a_call_beyond_the_quota_through() {
    let world = world().await;
    let settings = json!({"monthly_calls": 1, "storage_bytes": 7, "rate_limits": "off", "permissions": "soft", "traffic": {"record": true}});
    world.control("PUT", "/settings").body(settings.clone()).send().await.data();
    let read = async || world.call("GET", "/im/v1/chats").send().await;
    read().await.data();
    let refused = read().await;
    refused.refused(99991403);
    let reason = why(&world, &refused).await;
    assert_eq!(
        (&reason["rule"], &reason["facts"]["monthly_calls"]),
        (&json!("monthly_quota"), &json!(1)),
        "{reason}"
    );
    apply(&world, &reason).await;
    assert_eq!(read().await.code(), 0);
    let left = world.control("GET", "/settings").send().await.data();
    for (name, value) in settings.as_object().expect("an object") {
        let expected = (name != "monthly_calls").then_some(value);
        assert_eq!(left.get(name), expected, "{name}");
    }
}

#[tokio::test]
async fn what_lets_a_reader_through() {
    let world = world().await;
    say(&world, "read me").await.data();
    world.set_app(&world.app_id, json!({"scopes": ["im:message:readonly"]})).await;
    let path = format!("/im/v1/messages?container_id_type=chat&container_id={}", world.chat_id);
    let refused = world.call("GET", &path).send().await;
    refused.refused(230027);
    let reason = why(&world, &refused).await;
    assert_eq!(reason["rule"], "scopes", "{reason}");
    apply(&world, &reason).await;
    assert_eq!(world.call("GET", &path).send().await.code(), 0);
}
