//! What tokens are and how they are revoked, by the control API.

use larkspur_testkit::World;
use serde_json::{Value, json};

use super::{V2, by_code, by_refresh, code, denied, exchange, works};
use crate::scenarios::{text, world};

async fn inspect(world: &World, token: &str) -> Value {
    let reply = world.control("POST", "/tokens/inspect").body(json!({"token": token})).send().await;
    let shown = reply.data();
    assert!(!reply.text().contains(token), "the token is never answered");
    shown
}

async fn revoke(world: &World, body: Value) -> Value {
    world.control("POST", "/tokens/revoke").body(body).send().await.data()
}

async fn sign_in(world: &World) -> (String, String) {
    let code = code(world, 0, &[("scope", "offline_access im:chat")]).await;
    let given = exchange(world, V2, by_code(&code)).await.json();
    (text(&given, "access_token"), text(&given, "refresh_token"))
}

/// The inspection and a call agree: on whether the token is accepted, and on the code.
async fn agrees(world: &World, token: &str) -> Value {
    let shown = inspect(world, token).await;
    let path = format!("/im/v1/chats/{}", world.chat_id);
    let answer = world.call("GET", &path).token(token).send().await.json();
    match shown["valid"] == true {
        true => assert_eq!(answer["code"], 0, "{shown} {answer}"),
        false => assert_eq!(shown["refusal"]["code"], answer["code"], "{shown} {answer}"),
    }
    shown
}

#[tokio::test]
async fn a_token_is_what_the_gateway_takes_it_for() {
    let world = world().await;
    let ada = &world.users[0];
    let shown = agrees(&world, &world.token).await;
    assert_eq!((&shown["kind"], &shown["valid"]), (&json!("tenant"), &json!(true)));
    assert_eq!((&shown["app"]["app_id"], shown.get("user")), (&json!(world.app_id), None));
    assert_eq!(shown["tail"].as_str(), world.token.get(world.token.len() - 4..));
    assert!(shown["expires_in_s"].as_i64().expect("seconds") > 0);
    assert!(shown["scopes"].as_array().expect("scopes").contains(&json!("im:chat")));

    let token = world.user_token(0, json!({"scopes": ["im:chat"], "expires_in": 60})).await;
    let shown = agrees(&world, &token).await;
    assert_eq!((&shown["kind"], &shown["user"]["user_id"]), (&json!("user"), &json!(ada.user_id)));
    assert_eq!((&shown["user"]["open_id"], &shown["scopes"]), (&json!(ada.open_id), &json!(["im:chat"])));
    let path = format!("/users/{}", ada.user_id);
    world.control("PATCH", &path).body(json!({"status": "frozen"})).send().await.data();
    let shown = agrees(&world, &token).await;
    assert_eq!(shown["refusal"]["rule"], "user_status");
    world.control("PATCH", &path).body(json!({"status": "active"})).send().await.data();
    world.advance(100).await;
    let shown = agrees(&world, &token).await;
    let ago = shown["expires_in_s"].as_i64().expect("seconds");
    assert!(shown["valid"] == false && (-50..=-40).contains(&ago), "{shown}");
    assert_eq!(shown["refusal"]["rule"], "token_life");
    assert_eq!(shown["refusal"]["fixes"][0]["id"], "user.token");

    let revoked = world.user_token(0, json!({})).await;
    world.user_token(0, json!({"revoke_previous": true})).await;
    assert_eq!(agrees(&world, &revoked).await["refusal"]["rule"], "token_revoked");

    for unknown in ["t-0123456789abcdef0123456789abcdef", "u-x", "eyJ.a.b", "nonsense"] {
        let shown = agrees(&world, unknown).await;
        assert_eq!((&shown["known"], &shown["kind"]), (&json!(false), &json!("unknown")), "{shown}");
        assert!(shown.get("tail").is_none() && shown.get("app").is_none());
    }
    let other = world.lab.world().await;
    let shown = inspect(&world, &other.token).await;
    assert_eq!((&shown["known"], &shown["of_this_world"]), (&json!(true), &json!(false)));
    for hidden in ["tail", "app", "user", "scopes", "expires_at_ms"] {
        assert!(shown.get(hidden).is_none(), "{hidden}: {shown}");
    }
    let reply = world.control("POST", "/tokens/inspect").body(json!({})).send().await;
    assert_eq!(reply.refused(5275400)["error"]["field_violations"][0]["field"], "token");
}

#[tokio::test]
async fn a_sign_in_has_tokens_of_both_kinds() {
    let world = world().await;
    let (access, refresh) = sign_in(&world).await;
    let shown = inspect(&world, &access).await;
    assert_eq!((&shown["jwt"], &shown["valid"]), (&json!(true), &json!(true)), "{shown}");
    let shown = inspect(&world, &refresh).await;
    assert_eq!((&shown["kind"], &shown["valid"]), (&json!("refresh"), &json!(true)), "{shown}");
    assert_eq!(shown["user"]["user_id"], world.users[0].user_id.as_str());
    exchange(&world, V2, by_refresh(&refresh)).await.json();
    assert_eq!(inspect(&world, &refresh).await["refusal"]["name"], "OAUTH_REFRESH_USED");
    let (_, refresh) = sign_in(&world).await;
    world.advance(8 * super::DAY).await;
    assert_eq!(inspect(&world, &refresh).await["refusal"]["name"], "OAUTH_REFRESH_EXPIRED");
    let shown = inspect(&world, "ur-0123456789abcdef0123456789abcdef").await;
    assert_eq!(
        (&shown["known"], &shown["refusal"]["name"]),
        (&json!(false), &json!("OAUTH_REFRESH_INVALID"))
    );
}

#[tokio::test]
async fn a_revoked_token_ends_its_sign_in_and_no_other() {
    let world = world().await;
    for by_access in [true, false] {
        let (other, _) = sign_in(&world).await;
        let (access, refresh) = sign_in(&world).await;
        let token = if by_access { &access } else { &refresh };
        let ended = revoke(&world, json!({"token": token})).await;
        assert_eq!((&ended["revoked"], &ended["app_id"]), (&json!("sign_in"), &json!(world.app_id)));
        assert_eq!(inspect(&world, &access).await["refusal"]["rule"], "token_revoked");
        assert_eq!(inspect(&world, &refresh).await["refusal"]["name"], "OAUTH_REFRESH_REVOKED");
        denied(&exchange(&world, V2, by_refresh(&refresh)).await, 20064, "invalid_grant");
        works(&world, &other).await;
    }
    // A token without a sign-in, and the pair, end the whole grant.
    let (access, _) = sign_in(&world).await;
    let token = world.user_token(0, json!({})).await;
    assert_eq!(revoke(&world, json!({"token": token})).await["revoked"], "grant");
    assert_eq!(inspect(&world, &access).await["valid"], false);
    let (access, refresh) = sign_in(&world).await;
    let pair = json!({"user_id": world.users[0].user_id, "app_id": world.app_id});
    assert_eq!(revoke(&world, pair).await["revoked"], "grant");
    for token in [&access, &refresh] {
        assert_eq!(inspect(&world, token).await["valid"], false);
    }
}

#[tokio::test]
async fn what_cannot_be_revoked() {
    let world = world().await;
    let other = world.lab.world().await;
    let foreign = other.user_token(0, json!({})).await;
    for body in [
        json!({"token": world.token}),
        json!({"token": "nonsense"}),
        json!({"token": foreign}),
        json!({}),
        json!({"token": world.token, "user_id": "u", "app_id": "a"}),
        json!({"user_id": world.users[0].user_id}),
    ] {
        let reply = world.control("POST", "/tokens/revoke").body(body.clone()).send().await;
        reply.refused(5275400);
        assert_eq!(reply.violated(), ["token"], "{body}");
    }
    works(&other, &foreign).await;
    let (app, _) = world.app(json!({})).await;
    for (user, app) in [
        ("unknown", world.app_id.as_str()),
        (&world.users[0].user_id, "cli_x"),
        (&world.users[0].user_id, &app),
    ] {
        let body = json!({"user_id": user, "app_id": app});
        world.control("POST", "/tokens/revoke").body(body).send().await.refused(5275404);
    }
}

#[tokio::test]
async fn the_grants_of_an_app() {
    let world = world().await;
    let path = format!("/apps/{}/grants", world.app_id);
    let grants = async || world.control("GET", &path).send().await.data();
    let before = grants().await["grants"].as_array().expect("a list").len();
    world.user_token(1, json!({"scopes": ["im:chat"]})).await;
    sign_in(&world).await;
    let (access, _) = sign_in(&world).await;
    let all = grants().await;
    assert_eq!(all["more"], false);
    let of = |all: &Value, user: usize| {
        let mut list = all["grants"].as_array().expect("a list").iter();
        list.find(|one| one["user_id"] == world.users[user].user_id.as_str()).expect("a grant").clone()
    };
    assert!(all["grants"].as_array().expect("a list").len() >= before.max(2));
    let ben = of(&all, 1);
    assert_eq!((&ben["scopes"], &ben["refresh_tokens"]), (&json!(["im:chat"]), &json!(0)));
    assert_eq!(
        (&ben["open_id"], &ben["name"]),
        (&json!(world.users[1].open_id), &json!(world.users[1].name))
    );
    let ada = of(&all, 0);
    assert_eq!((&ada["refresh_tokens"], &ada["ended_sign_ins"]), (&json!(2), &json!(0)));
    assert!(ada["refresh_until_ms"].is_i64());
    revoke(&world, json!({"token": access})).await;
    let ada = of(&grants().await, 0);
    assert_eq!(
        (&ada["refresh_tokens"], &ada["ended_sign_ins"], &ada["revocations"]),
        (&json!(1), &json!(1), &json!(0))
    );
    let pair = json!({"user_id": world.users[0].user_id, "app_id": world.app_id});
    revoke(&world, pair).await;
    let ada = of(&grants().await, 0);
    assert_eq!((&ada["refresh_tokens"], &ada["revocations"]), (&json!(0), &json!(1)));
    world.control("GET", "/apps/cli_x/grants").send().await.refused(5275404);
}

/// A token that is inspected is neither recorded nor part of any answer.
#[tokio::test]
async fn an_inspected_token_is_not_recorded() {
    let world = world().await;
    let token = world.user_token(0, json!({})).await;
    inspect(&world, &token).await;
    revoke(&world, json!({"token": token})).await;
    let all = world.control("GET", "/traffic?kind=control&limit=100").send().await.data();
    let mut seen = 0;
    for row in all["entries"].as_array().expect("entries") {
        let entry = world.control("GET", &format!("/traffic/{}", text(row, "log_id"))).send().await.data();
        assert!(!entry.to_string().contains(&token), "{entry}");
        seen += usize::from(text(row, "path").contains("/tokens/"));
    }
    assert!(seen >= 2, "{all}");
}
