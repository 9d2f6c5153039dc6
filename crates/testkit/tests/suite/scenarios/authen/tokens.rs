//! The token endpoints of OAuth.

use serde_json::{Value, json};

use super::{DAY, HOME, V2, V3, basic, by_code, by_refresh, code, denied, exchange, works};
use crate::scenarios::{isv_app, names, text, world};

#[tokio::test]
async fn a_code_becomes_a_token_once() {
    let world = world().await;
    for path in [V2, V3] {
        let code = code(&world, 0, &[("scope", "im:chat offline_access")]).await;
        let reply = exchange(&world, path, by_code(&code)).await;
        let json = reply.json();
        assert_eq!(reply.status(), 200, "{json}");
        assert_eq!(
            names(&json),
            [
                "access_token",
                "code",
                "expires_in",
                "refresh_token",
                "refresh_token_expires_in",
                "scope",
                "token_type"
            ]
        );
        assert!(
            text(&json, "access_token").starts_with("eyJ") && text(&json, "refresh_token").starts_with("ur-")
        );
        assert_eq!(json["scope"], "im:chat offline_access");
        assert_eq!(
            (&json["code"], &json["expires_in"], &json["token_type"]),
            (&json!(0), &json!(7200), &json!("Bearer"))
        );
        works(&world, &text(&json, "access_token")).await;
        denied(&exchange(&world, path, by_code(&code)).await, 20065, "invalid_grant");
    }
    let form_code = code(&world, 0, &[]).await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", &world.app_id),
        ("client_secret", &world.app_secret),
        ("code", &form_code),
        ("redirect_uri", HOME),
    ];
    let json = world.lab.form(V2, &pairs).send().await.json();
    assert_eq!(json["scope"], "im:chat offline_access", "what was granted before still is: {json}");
}

#[tokio::test]
async fn without_offline_access_nothing_lasts_and_scopes_may_be_fewer() {
    let world = world().await;
    let plain = code(&world, 0, &[("scope", "im:chat im:tag:read")]).await;
    let json = exchange(&world, V2, by_code(&plain)).await.json();
    assert_eq!(names(&json), ["access_token", "code", "expires_in", "scope", "token_type"]);
    let tabs = format!("/im/v1/chats/{}/chat_tabs/list_tabs", world.chat_id);
    let list = |token: &str| world.call("GET", &tabs).token(token);
    list(&text(&json, "access_token")).send().await.data();

    let narrow = code(&world, 0, &[]).await;
    let mut body = by_code(&narrow);
    body["scope"] = json!("im:tag:read");
    let json = exchange(&world, V2, body.clone()).await.json();
    assert_eq!(json["scope"], "im:tag:read");
    list(&text(&json, "access_token")).send().await.refused(99991679);
    for path in [V2, V3] {
        body["code"] = json!(code(&world, 0, &[]).await);
        body["scope"] = json!("im:tag:write");
        denied(&exchange(&world, path, body.clone()).await, 20068, "invalid_scope");
        body["scope"] = json!("im:chat im:chat");
        denied(&exchange(&world, path, body.clone()).await, 20067, "invalid_scope");
        body["scope"] = json!("");
        let kept = exchange(&world, path, body.clone()).await;
        assert_eq!(kept.code(), 0, "a refusal does not use the code up");
    }
}

#[tokio::test]
async fn every_refusal_of_the_token_endpoints() {
    let world = world().await;
    let (other, _) = world.app(json!({"name": "other"})).await;
    let rotated = world.control("POST", &format!("/apps/{other}/secret")).send().await.data();
    for path in [V2, V3] {
        let send = |body: Value| exchange(&world, path, body);
        let fresh = code(&world, 0, &[("scope", "offline_access")]).await;
        let with = |name: &str, value: Value| {
            let mut body = by_code(&fresh);
            body[name] = value;
            body
        };
        for name in ["grant_type", "code", "client_id", "client_secret"] {
            denied(&send(with(name, Value::Null)).await, 20001, "invalid_request");
        }
        denied(&send(json!({"grant_type": "refresh_token"})).await, 20001, "invalid_request");
        denied(&send(with("client_secret", json!("x"))).await, 20002, "invalid_client");
        denied(&send(with("client_id", json!("x"))).await, 20048, "invalid_client");
        denied(&send(with("grant_type", json!("password"))).await, 20036, "unsupported_grant_type");
        for wrong in ["x", "é", &"0".repeat(48), &format!("{}x", world.tenant_key)] {
            denied(&send(with("code", json!(wrong))).await, 20003, "invalid_grant");
        }
        denied(&send(with("code", json!(3))).await, 20063, "invalid_request");
        denied(&send(with("redirect_uri", json!("http://localhost/other"))).await, 20071, "invalid_grant");
        let mut foreign = with("client_id", json!(other));
        foreign["client_secret"] = rotated["app_secret"].clone();
        denied(&send(foreign).await, 20024, "invalid_grant");
        let mut body = with("client_id", json!(world.app_id));
        body["client_secret"] = json!(world.app_secret);
        let request = world.lab.request("POST", path).authorization("Basic YTpi").body(body);
        denied(&request.send().await, 20070, "invalid_client");
        let broken = world.lab.request("POST", path).raw("{").send().await;
        denied(&broken, 20063, "invalid_request");

        world.set_app(&world.app_id, json!({"status": "disabled"})).await;
        denied(&send(by_code(&fresh)).await, 20069, "invalid_client");
        world.set_app(&world.app_id, json!({"status": "uninstalled"})).await;
        denied(&send(by_code(&fresh)).await, 20009, "invalid_grant");
        world
            .set_app(&world.app_id, json!({"status": "enabled", "visible_to": [world.users[1].user_id]}))
            .await;
        denied(&send(by_code(&fresh)).await, 20010, "invalid_grant");
        world.set_app(&world.app_id, json!({"visible_to_all": true})).await;
        let user = format!("/users/{}", world.users[0].user_id);
        for (status, code) in [("frozen", 20066), ("resigned", 20066)] {
            world.control("PATCH", &user).body(json!({"status": status})).send().await.data();
            denied(&send(by_code(&fresh)).await, code, "invalid_grant");
        }
        world.control("PATCH", &user).body(json!({"status": "active"})).send().await.data();
        world.advance(299).await;
        assert_eq!(send(by_code(&fresh)).await.code(), 0, "five minutes are not over");
        let late = code(&world, 0, &[]).await;
        world.advance(300).await;
        denied(&send(by_code(&late)).await, 20004, "invalid_grant");
    }
}

#[tokio::test]
async fn pkce_binds_a_code_to_who_asked_for_it() {
    let world = world().await;
    // RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    for (path, challenge, method) in
        [(V2, challenge, "S256"), (V3, challenge, "S256"), (V2, verifier, "plain"), (V2, verifier, "")]
    {
        let more = [("code_challenge", challenge), ("code_challenge_method", method)];
        let code = code(&world, 0, &more).await;
        let mut body = by_code(&code);
        denied(&exchange(&world, path, body.clone()).await, 20049, "invalid_grant");
        body["code_verifier"] = json!("a".repeat(43));
        denied(&exchange(&world, path, body.clone()).await, 20049, "invalid_grant");
        body["code_verifier"] = json!(verifier);
        assert_eq!(exchange(&world, path, body).await.code(), 0, "{method}");
    }
}

#[tokio::test]
async fn refresh_tokens_rotate_and_end() {
    let world = world().await;
    let (other, _) = world.app(json!({"name": "other"})).await;
    let rotated = world.control("POST", &format!("/apps/{other}/secret")).send().await.data();
    for path in [V2, V3] {
        let send = |body: Value| exchange(&world, path, body);
        let start =
            || async { send(by_code(&code(&world, 0, &[("scope", "offline_access")]).await)).await.json() };
        let first = start().await;
        let (access, refresh) = (text(&first, "access_token"), text(&first, "refresh_token"));
        for wrong in ["x", "ur-", "ur-é", &format!("ur-{}x", world.tenant_key)] {
            denied(&send(by_refresh(wrong)).await, 20026, "invalid_grant");
        }
        let mut foreign = by_refresh(&refresh);
        foreign["client_id"] = json!(other);
        foreign["client_secret"] = rotated["app_secret"].clone();
        denied(&send(foreign).await, 20024, "invalid_grant");
        let second = send(by_refresh(&refresh)).await.json();
        assert_eq!(second["code"], 0, "{second}");
        assert_ne!(
            second["access_token"],
            access.as_str(),
            "each is one of its own, also in the same second"
        );
        works(&world, &access).await;
        let third = send(by_refresh(&text(&second, "refresh_token"))).await.json();
        assert_eq!(third["code"], 0, "{third}");

        let last = text(&third, "refresh_token");
        world.set_app(&world.app_id, json!({"scopes": ["im:chat"]})).await;
        denied(&send(by_refresh(&last)).await, 20074, "unauthorized_client");
        world.set_app(&world.app_id, json!({"scopes": ["im:chat", "offline_access"]})).await;
        world.advance(7 * DAY).await;
        denied(&send(by_refresh(&last)).await, 20037, "invalid_grant");

        let revoked = text(&start().await, "refresh_token");
        world.user_token(0, json!({"revoke_previous": true})).await;
        denied(&send(by_refresh(&revoked)).await, 20064, "invalid_grant");

        let mut lasting = text(&start().await, "refresh_token");
        for _ in 0..60 {
            world.advance(6 * DAY).await;
            lasting = text(&send(by_refresh(&lasting)).await.json(), "refresh_token");
        }
        world.advance(5 * DAY).await;
        denied(&send(by_refresh(&lasting)).await, 20037, "invalid_grant");
    }
}

#[tokio::test]
async fn one_code_of_many_at_once() {
    let world = world().await;
    let code = code(&world, 0, &[("scope", "offline_access")]).await;
    let world = &world;
    let race = async |body: Value| {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (world, body) = (world.clone(), body.clone());
                tokio::spawn(async move { exchange(&world, V2, body).await.json() })
            })
            .collect();
        let mut won = Vec::new();
        for task in tasks {
            let json = task.await.expect("an answer");
            if json["code"] == 0 {
                won.push(json);
            }
        }
        assert_eq!(won.len(), 1);
        won.remove(0)
    };
    let first = race(by_code(&code)).await;
    let ended = exchange(world, V2, by_refresh(&text(&first, "refresh_token"))).await;
    denied(&ended, 20064, "invalid_grant");
    let fresh = self::code(world, 0, &[("scope", "offline_access")]).await;
    let fresh = exchange(world, V2, by_code(&fresh)).await.json();
    race(by_refresh(&text(&fresh, "refresh_token"))).await;
}

#[tokio::test]
async fn an_app_signs_in_by_itself_at_v3_alone() {
    let world = world().await;
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", &world.app_id),
        ("client_secret", &world.app_secret),
    ];
    let json = world.lab.form(V3, &pairs).send().await.json();
    assert_eq!(names(&json), ["access_token", "code", "expires_in", "token_type"]);
    assert_eq!(json["access_token"], world.token.as_str(), "the same token as everywhere");
    denied(&world.lab.form(V2, &pairs).send().await, 20036, "unsupported_grant_type");
    world.set_app(&world.app_id, json!({"status": "uninstalled"})).await;
    denied(&world.lab.form(V3, &pairs).send().await, 20009, "invalid_grant");
    let (isv, _) = isv_app(&world).await;
    let secret = world.control("POST", &format!("/apps/{isv}/secret")).send().await.data();
    let body =
        json!({"grant_type": "client_credentials", "client_id": isv, "client_secret": secret["app_secret"]});
    denied(&exchange(&world, V3, body).await, 20036, "unsupported_grant_type");
}

#[tokio::test]
async fn an_app_may_present_itself_by_http_basic() {
    let world = world().await;
    let own = basic(&world.app_id, &world.app_secret);
    for path in [V2, V3] {
        let fresh = code(&world, 0, &[("scope", "offline_access")]).await;
        let send = |authorization: &str, more: &[(&str, &str)]| {
            let usual = [("grant_type", "authorization_code"), ("code", fresh.as_str())];
            world.lab.form(path, &super::merged(&usual, more)).authorization(authorization)
        };
        // A wrong secret does not use up the code: OAuth libraries try Basic, then the body.
        denied(&send(&basic(&world.app_id, "wrong"), &[]).send().await, 20002, "invalid_client");
        denied(&send(&basic("cli_0000000000000000", "x"), &[]).send().await, 20048, "invalid_client");
        let secret = [("client_id", world.app_id.as_str()), ("client_secret", &world.app_secret)];
        denied(&send(&own, &secret).send().await, 20070, "invalid_client");
        denied(&send(&own, &[("client_id", "cli_0000000000000000")]).send().await, 20063, "invalid_request");
        denied(&send("Basic !", &[]).send().await, 20063, "invalid_request");
        denied(&send(&own, &[("grant_type", "password")]).send().await, 20036, "unsupported_grant_type");
        denied(&send("Bearer x", &[]).send().await, 20001, "invalid_request");
        let json = send(&own, &[("client_id", world.app_id.as_str())]).send().await.json();
        assert_eq!(json["code"], 0, "a client_id that says the same does no harm: {json}");
        works(&world, &text(&json, "access_token")).await;
        let body = by_refresh(&text(&json, "refresh_token"));
        let again = world.lab.request("POST", path).authorization(&own).body(body).send().await;
        assert_eq!(again.code(), 0, "with a JSON body, too: {}", again.text());
    }
    let pairs = [("grant_type", "client_credentials")];
    let json = world.lab.form(V3, &pairs).authorization(&own).send().await.json();
    assert_eq!(json["access_token"], world.token.as_str(), "{json}");
}
