//! A user who is deleted between grant and token.

use serde_json::json;

use super::{V2, V3, by_code, by_refresh, code, decide, declined, denied, exchange, stopped};
use crate::scenarios::{text, world};

#[tokio::test]
async fn a_deleted_user_gets_no_token() {
    let world = world().await;
    let offline = [("scope", "offline_access")];
    let mut held = Vec::new();
    for path in [V2, V3] {
        let tokens = exchange(&world, path, by_code(&code(&world, 0, &offline).await)).await.json();
        held.push((path, by_code(&code(&world, 0, &offline).await), text(&tokens, "refresh_token")));
    }
    let mut historic = Vec::new();
    for path in ["/authen/v1/oidc", "/authen/v1"] {
        let first = format!("{path}/access_token");
        let tokens =
            world.call("POST", &first).body(by_code(&code(&world, 0, &[]).await)).send().await.data();
        historic.push((first, by_code(&code(&world, 0, &[]).await)));
        let refresh = by_refresh(&text(&tokens, "refresh_token"));
        historic.push((format!("{path}/refresh_access_token"), refresh));
    }
    let token = world.user_token(0, json!({})).await;
    let info = || world.call("GET", "/authen/v1/user_info").token(&token);
    info().send().await.data();

    let user_id = world.users[0].user_id.clone();
    world.control("DELETE", &format!("/users/{user_id}")).send().await.data();
    let refused_all = async || {
        for (path, by_code, refresh) in &held {
            denied(&exchange(&world, path, by_code.clone()).await, 20008, "invalid_grant");
            denied(&exchange(&world, path, by_refresh(refresh)).await, 20008, "invalid_grant");
        }
        for (path, body) in &historic {
            declined(&world.call("POST", path).body(body.clone()).send().await, 20008);
        }
        info().send().await.refused(99991668);
        stopped(&decide(&world, 0, &[]).await, 400, 20008);
    };
    refused_all().await;

    // Another user with the same user_id is a different user, even after the same grant.
    world.control("POST", "/users").body(json!({"user_id": user_id, "name": "Other"})).send().await.data();
    let fresh = exchange(&world, V2, by_code(&code(&world, 0, &offline).await)).await;
    assert_eq!(fresh.code(), 0);
    for (path, by_code, refresh) in &held {
        denied(&exchange(&world, path, by_code.clone()).await, 20003, "invalid_grant");
        denied(&exchange(&world, path, by_refresh(refresh)).await, 20026, "invalid_grant");
    }
    info().send().await.refused(99991668);
}
