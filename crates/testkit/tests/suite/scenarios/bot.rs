//! `bot/v3/info`

use serde_json::json;

use super::{issued_token, isv_app, names, refused, text, world};

#[tokio::test]
async fn the_bot_stands_at_the_top() {
    let world = world().await;
    let reply = world.call("GET", "/bot/v3/info").send().await;
    let json = reply.json();
    assert_eq!((reply.status(), names(&json)), (200, vec!["bot", "code", "msg"]), "{json}");
    assert_eq!((&json["code"], &json["msg"]), (&json!(0), &json!("ok")));
    let bot = &json["bot"];
    assert_eq!(names(bot), ["activate_status", "app_name", "avatar_url", "ip_white_list", "open_id"]);
    assert_eq!((&bot["activate_status"], &bot["ip_white_list"]), (&json!(2), &json!([])));
    assert!(text(bot, "avatar_url").starts_with("https://"));
    let app = world.control("GET", &format!("/apps/{}", world.app_id)).send().await.data();
    assert_eq!((&bot["open_id"], &bot["app_name"]), (&app["bot_open_id"], &app["name"]));

    // As one client sends it: with a body.
    let with_body = world.call("GET", "/bot/v3/info").body(json!({})).send().await;
    assert_eq!(with_body.json(), json);
}

#[tokio::test]
async fn without_a_bot_without_scopes_and_out_of_use() {
    let world = world().await;
    world.set_app(&world.app_id, json!({"bot": false, "scopes": []})).await;
    let info = world.call("GET", "/bot/v3/info").send().await.json();
    assert_eq!((&info["code"], &info["bot"]["activate_status"]), (&json!(0), &json!(0)));
    world.set_app(&world.app_id, json!({"status": "disabled"})).await;
    refused(&world.call("GET", "/bot/v3/info").send().await, 99991662);
    world.set_app(&world.app_id, json!({"status": "uninstalled"})).await;
    refused(&world.call("GET", "/bot/v3/info").send().await, 99991673);
}

#[tokio::test]
async fn a_bot_has_one_open_id_for_each_app() {
    let maker = world().await;
    let other = maker.lab.world().await;
    let (app_id, home) = isv_app(&maker).await;
    other.control("POST", "/installs").body(json!({"app_id": app_id})).send().await.data();
    let away = issued_token(&other, &app_id).await;
    let bot =
        async |token: &str| maker.call("GET", "/bot/v3/info").token(token).send().await.json()["bot"].clone();
    assert_eq!(bot(&home).await, bot(&away).await);
    assert_ne!(bot(&home).await["open_id"], bot(&maker.token).await["open_id"]);
    let user = maker.user_token(0, json!({})).await;
    let reply = maker.call("GET", "/bot/v3/info").token(&user).send().await;
    assert_eq!(reply.refused(99991668)["msg"], "user access token not support");
}
