//! Apps, their scopes and tokens.

use serde_json::{Value, json};

use super::{declined, get};
use crate::scenarios::{issued_token, isv_app, names, refused, text, world};

#[tokio::test]
async fn scopes_of_the_whole_platform_may_be_granted() {
    let world = world().await;
    let scopes = json!(["calendar:calendar:readonly", "im:chat", "im:message:send_as_bot", "offline_access"]);
    let (app, _) = world.app(json!({"scopes": scopes})).await;
    assert_eq!(get(&world, &format!("/apps/{app}")).await["scopes"], scopes);
    let granted = world.user_token(0, json!({"app_id": app, "scopes": ["hire:exam"]})).await;
    world
        .call("GET", &format!("/im/v1/chats/{}", world.chat_id))
        .token(&granted)
        .send()
        .await
        .refused(99991679);
    for unknown in ["im:message:send_as_bott", "unheard:of", "Offline_access", "im:chat "] {
        let body = json!({"app_id": app, "scopes": ["im:chat", unknown]});
        let path = format!("/users/{}/tokens", world.users[0].user_id);
        declined(&world.control("POST", &path).body(body).send().await, 5275400, "scopes[*]");
        let body = json!({"scopes": [unknown]});
        declined(&world.control("POST", "/apps").body(body).send().await, 5275400, "scopes[*]");
    }
}

#[tokio::test]
async fn apps() {
    let world = world().await;
    let body = json!({
        "app_id": "cli_00000000000000aa", "name": "second", "kind": "custom", "bot": false, "external_sharing": true,
        "scopes": ["im:chat", "im:tag:read"], "visible_to": [world.users[1].user_id]
    });
    let made = world.control("POST", "/apps").body(body.clone()).send().await.data();
    assert_eq!(names(&made), ["app_id", "app_secret", "bot_open_id"]);
    let shown = get(&world, "/apps/cli_00000000000000aa").await;
    let mut expected = body;
    expected["status"] = json!("enabled");
    expected["developer"] = json!(world.tenant_key);
    expected["bot_open_id"] = made["bot_open_id"].clone();
    assert_eq!(shown, expected);
    assert!(!shown.to_string().contains(made["app_secret"].as_str().expect("a secret")));
    assert_eq!(get(&world, "/apps").await["apps"].as_array().expect("a list").len(), 2);

    let path = "/apps/cli_00000000000000aa";
    let put = async |body: Value| world.control("PUT", path).body(body).send().await.data();
    assert_eq!(put(json!({})).await, shown, "what is absent is left");
    let changed = put(json!({"bot": true, "scopes": [], "visible_to_all": true, "status": "disabled"})).await;
    assert_eq!(
        (&changed["bot"], &changed["scopes"], &changed["status"]),
        (&json!(true), &json!([]), &json!("disabled"))
    );
    assert!(changed.get("visible_to").is_none(), "{changed}");
    assert_eq!(changed["external_sharing"], true);
    assert_eq!(get(&world, path).await, changed);

    // The secret of an app belongs to its developer.
    let other = world.lab.world().await;
    let (isv, _) = isv_app(&world).await;
    let installed =
        other.control("POST", "/installs").body(json!({"app_id": isv, "bot": false})).send().await.data();
    assert_eq!((&installed["developer"], &installed["bot"]), (&json!(world.tenant_key), &json!(false)));
    declined(&other.control("POST", &format!("/apps/{isv}/secret")).send().await, 5275404, "app_id");
    let rotated = world.control("POST", &format!("/apps/{isv}/secret")).send().await.data();
    assert_eq!(names(&rotated), ["app_id", "app_secret"]);
}

#[tokio::test]
async fn tokens() {
    let world = world().await;
    let path = format!("/apps/{}/tokens", world.app_id);
    let good = issued_token(&world, &world.app_id).await;
    assert_eq!(world.call("GET", "/bot/v3/info").token(&good).send().await.code(), 0);
    let expired = text(
        &world.control("POST", &path).body(json!({"expires_in": 0})).send().await.data(),
        "access_token",
    );
    refused(&world.call("GET", "/bot/v3/info").token(&expired).send().await, 99991663);

    let list = |token: &str| crate::scenarios::list_tabs(&world, token, &world.chat_id);
    let first = world.user_token(0, json!({})).await;
    assert!(first.starts_with("u-"));
    let second = world.user_token(0, json!({})).await;
    list(&first).send().await.data();
    list(&second).send().await.data();
    let third = world.user_token(0, json!({"revoke_previous": true, "expires_in": 60})).await;
    for revoked in [&first, &second] {
        refused(&list(revoked).send().await, 99991668);
    }
    list(&third).send().await.data();
    // An inactive user has no valid token.
    for status in ["frozen", "resigned"] {
        let path = format!("/users/{}", world.users[0].user_id);
        world.control("PATCH", &path).body(json!({"status": status})).send().await.data();
        refused(&list(&third).send().await, 99991668);
        world.control("PATCH", &path).body(json!({"status": "active"})).send().await.data();
    }
    list(&third).send().await.data();
    world.advance(61).await;
    refused(&list(&third).send().await, 99991668);
}
