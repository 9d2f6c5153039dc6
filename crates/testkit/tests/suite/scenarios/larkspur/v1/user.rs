//! Users.

use serde_json::json;

use super::get;
use crate::scenarios::{isv_app, names, text, world};

#[tokio::test]
async fn users() {
    let world = world().await;
    let (isv, _) = isv_app(&world.lab.world().await).await;
    world.control("POST", "/installs").body(json!({"app_id": isv})).send().await.data();
    let body = json!({"user_id": "dora@example.com", "name": "朵拉", "email": "d@example.com", "mobile": "+8613011111111"});
    let made = world.control("POST", "/users").body(body).send().await.data();
    assert_eq!(names(&made), ["apps", "email", "mobile", "name", "status", "union_id", "user_id"]);
    let seen = made["apps"].as_array().expect("apps");
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0]["open_id"], seen[1]["open_id"], "one for each app");
    assert_ne!(seen[0]["union_id"], seen[1]["union_id"], "one for each developer");
    assert_eq!(get(&world, "/users/dora@example.com").await, made);
    let changed = world
        .control("PATCH", "/users/dora@example.com")
        .body(json!({"name": "D", "email": "", "status": "frozen"}))
        .send()
        .await
        .data();
    assert_eq!(
        (&changed["name"], &changed["status"], &changed["mobile"]),
        (&json!("D"), &json!("frozen"), &made["mobile"])
    );
    assert!(changed.get("email").is_none());
    let all = get(&world, "/users").await["users"].clone();
    assert_eq!(all.as_array().expect("users").len(), 4);
    assert!(all.as_array().expect("users").contains(&changed));
    let plain = world.control("POST", "/users").send().await.data();
    assert_eq!(plain["name"], plain["user_id"]);
    assert_eq!(text(&plain, "user_id").len(), 8);
}
