//! Custom bots.

use serde_json::json;

use super::{declined, get};
use crate::scenarios::{names, text, world};

#[tokio::test]
async fn custom_bots_of_a_chat() {
    let world = world().await;
    let path = format!("/chats/{}/hooks", world.chat_id);
    assert_eq!(get(&world, &path).await, json!({"hooks": []}));
    let plain = world.control("POST", &path).body(json!({})).send().await.data();
    assert_eq!(names(&plain), ["addresses", "app_id", "created_at_ms", "hook_id", "keywords", "name", "url"]);
    assert_eq!(
        (&plain["name"], &plain["keywords"], &plain["addresses"]),
        (&json!("Custom bot"), &json!([]), &json!([]))
    );
    let all = json!({"name": "Alerts", "secret": "s", "keywords": ["a"], "addresses": ["10.0.0.0/8"]});
    let request = world.control("POST", &path).body(all.clone());
    let full = request.header("x-forwarded-host", "lark.example").header("x-forwarded-proto", "https");
    let full = full.send().await.data();
    for (name, value) in all.as_object().expect("an object") {
        assert_eq!(full[name], *value);
    }
    let token = text(&full, "url").strip_prefix("https://lark.example/open-apis/bot/v2/hook/").map(str::len);
    assert_eq!(token, Some(36), "{full}");
    let listed = get(&world, &path).await["hooks"].clone();
    let mut listed = listed.as_array().expect("a list").clone();
    // Two created in one millisecond stand in the order of their drawn ids.
    listed.sort_by_key(|hook| hook["hook_id"] == full["hook_id"]);
    assert_eq!((listed.len(), &listed[0]), (2, &plain));
    assert_eq!((&listed[1]["hook_id"], &listed[1]["secret"]), (&full["hook_id"], &json!("s")));

    let one = format!("{path}/{}", text(&plain, "hook_id"));
    let other = world.chat(json!({})).await;
    let elsewhere = format!("/chats/{other}/hooks/{}", text(&plain, "hook_id"));
    declined(&world.control("DELETE", &elsewhere).send().await, 5275404, "hook_id");
    assert_eq!(world.control("DELETE", &one).send().await.data(), json!({}));
    declined(&world.control("DELETE", &one).send().await, 5275404, "hook_id");
    declined(&world.control("DELETE", &format!("{path}/x")).send().await, 5275404, "hook_id");
    assert_eq!(get(&world, &path).await["hooks"].as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn what_a_custom_bot_cannot_be() {
    let world = world().await;
    let path = format!("/chats/{}/hooks", world.chat_id);
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({"secret": ""}), "secret"),
        (json!({"keywords": vec!["x"; 11]}), "keywords"),
        (json!({"keywords": [""]}), "keywords[*]"),
        (json!({"keywords": ["x".repeat(101)]}), "keywords[*]"),
        (json!({"addresses": vec!["10.0.0.1"; 11]}), "addresses"),
        (json!({"addresses": ["::1"]}), "addresses[*]"),
        (json!({"addresses": ["10.0.0.0/33"]}), "addresses[*]"),
    ] {
        declined(&world.control("POST", &path).body(body).send().await, 5275400, field);
    }
    let two = json!([world.users[0].user_id, world.users[1].user_id]);
    let p2p = world.chat(json!({"chat_mode": "p2p", "members": two})).await;
    declined(
        &world.control("POST", &format!("/chats/{p2p}/hooks")).body(json!({})).send().await,
        5275400,
        "chat_id",
    );
    for _ in 0..100 {
        world.control("POST", &path).body(json!({})).send().await.data();
    }
    declined(&world.control("POST", &path).body(json!({})).send().await, 5275400, "chat_id");
}
