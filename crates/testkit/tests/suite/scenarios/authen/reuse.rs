//! Reused codes and refresh tokens, and verifiers without a challenge.

use larkspur_testkit::World;
use serde_json::{Value, json};

use super::{V2, V3, by_code, by_refresh, code, declined, denied, exchange, works};
use crate::scenarios::{text, world};

const LASTING: [(&str, &str); 1] = [("scope", "offline_access")];

async fn ended(world: &World, token: &str) {
    world.call("GET", "/authen/v1/user_info").token(token).send().await.refused(99991668);
}

/// A sign-in: its code, and the tokens for it.
async fn sign_in(world: &World, path: &str) -> (String, Value) {
    let code = code(world, 0, &LASTING).await;
    let given = exchange(world, path, by_code(&code)).await.json();
    assert_eq!(given["code"], 0, "{given}");
    (code, given)
}

#[tokio::test]
async fn a_reused_code_revokes_its_tokens() {
    let world = world().await;
    for path in [V2, V3] {
        let by_hand = world.user_token(0, json!({"scopes": ["offline_access"]})).await;
        let (_, other) = sign_in(&world, path).await;
        let (code, first) = sign_in(&world, path).await;
        let renewed = exchange(&world, path, by_refresh(&text(&first, "refresh_token"))).await.json();
        for _ in 0..2 {
            denied(&exchange(&world, path, by_code(&code)).await, 20065, "invalid_grant");
            for given in [&first, &renewed] {
                ended(&world, &text(given, "access_token")).await;
            }
            let refresh = by_refresh(&text(&renewed, "refresh_token"));
            denied(&exchange(&world, path, refresh).await, 20064, "invalid_grant");
        }
        // Other sign-ins of the same user in the same app continue, and new ones start.
        works(&world, &text(&other, "access_token")).await;
        works(&world, &by_hand).await;
        let again = exchange(&world, path, by_refresh(&text(&other, "refresh_token"))).await.json();
        works(&world, &text(&again, "access_token")).await;
        works(&world, &text(&sign_in(&world, path).await.1, "access_token")).await;
    }
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_its_sign_in() {
    let world = world().await;
    for path in [V2, V3] {
        let (_, other) = sign_in(&world, path).await;
        let (_, first) = sign_in(&world, path).await;
        let second = exchange(&world, path, by_refresh(&text(&first, "refresh_token"))).await.json();
        let third = exchange(&world, path, by_refresh(&text(&second, "refresh_token"))).await.json();
        works(&world, &text(&first, "access_token")).await;
        denied(
            &exchange(&world, path, by_refresh(&text(&first, "refresh_token"))).await,
            20073,
            "invalid_grant",
        );
        denied(
            &exchange(&world, path, by_refresh(&text(&third, "refresh_token"))).await,
            20064,
            "invalid_grant",
        );
        for given in [&first, &second, &third] {
            ended(&world, &text(given, "access_token")).await;
        }
        works(&world, &text(&other, "access_token")).await;
    }
}

#[tokio::test]
async fn the_historic_endpoints_do_the_same() {
    let world = world().await;
    for endpoints in ["/authen/v1/oidc", "/authen/v1"] {
        let call = |what: &str, body: Value| world.call("POST", &format!("{endpoints}/{what}")).body(body);
        let first = code(&world, 0, &[]).await;
        let given = call("access_token", by_code(&first)).send().await.data();
        works(&world, &text(&given, "access_token")).await;
        declined(&call("access_token", by_code(&first)).send().await, 20003);
        ended(&world, &text(&given, "access_token")).await;
        let refresh = |given: &Value| call("refresh_access_token", by_refresh(&text(given, "refresh_token")));
        declined(&refresh(&given).send().await, 20026);

        let given = call("access_token", by_code(&code(&world, 0, &[]).await)).send().await.data();
        let renewed = refresh(&given).send().await.data();
        works(&world, &text(&renewed, "access_token")).await;
        declined(&refresh(&given).send().await, 20026);
        ended(&world, &text(&renewed, "access_token")).await;
        declined(&refresh(&renewed).send().await, 20026);
    }
}

#[tokio::test]
async fn another_app_ends_nothing() {
    let world = world().await;
    let (other, _) = world.app(json!({"name": "other"})).await;
    let secret = world.control("POST", &format!("/apps/{other}/secret")).send().await.data();
    let (code, given) = sign_in(&world, V2).await;
    for mut foreign in [by_code(&code), by_refresh(&text(&given, "refresh_token"))] {
        foreign["client_id"] = json!(other);
        foreign["client_secret"] = secret["app_secret"].clone();
        denied(&exchange(&world, V2, foreign).await, 20024, "invalid_grant");
    }
    works(&world, &text(&given, "access_token")).await;
}

#[tokio::test]
async fn many_ended_sign_ins_end_the_grant() {
    let world = world().await;
    let (_, other) = sign_in(&world, V2).await;
    let mut last = String::new();
    for count in 1..=65 {
        let (code, given) = sign_in(&world, V2).await;
        denied(&exchange(&world, V2, by_code(&code)).await, 20065, "invalid_grant");
        last = text(&given, "access_token");
        if count == 64 {
            works(&world, &text(&other, "access_token")).await;
        }
    }
    ended(&world, &last).await;
    ended(&world, &text(&other, "access_token")).await;
    works(&world, &text(&sign_in(&world, V2).await.1, "access_token")).await;
}

#[tokio::test]
async fn a_verifier_needs_a_challenge() {
    let world = world().await;
    for path in [V2, V3] {
        let mut body = by_code(&code(&world, 0, &[]).await);
        body["code_verifier"] = json!("v".repeat(43));
        denied(&exchange(&world, path, body.clone()).await, 20049, "invalid_grant");
        body["code_verifier"] = json!("");
        assert_eq!(exchange(&world, path, body).await.code(), 0, "an empty one is none");
    }
}
