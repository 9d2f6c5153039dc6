//! The historic token endpoints, and user_info.

use serde_json::{Value, json};

use super::{DAY, by_code, by_refresh, code, declined, works};
use crate::scenarios::{names, text, world};

const HISTORIC: [(&str, &str); 2] = [
    ("/authen/v1/oidc/access_token", "/authen/v1/oidc/refresh_access_token"),
    ("/authen/v1/access_token", "/authen/v1/refresh_access_token"),
];

#[tokio::test]
async fn the_historic_endpoints() {
    let world = world().await;
    for (first, again) in HISTORIC {
        let code = code(&world, 0, &[("scope", "contact:user.employee_id:readonly")]).await;
        let call = |path: &str, body: Value| world.call("POST", path).body(body);
        let tokens = call(first, by_code(&code)).send().await.data();
        assert!(
            text(&tokens, "access_token").starts_with("u-")
                && text(&tokens, "refresh_token").starts_with("ur-")
        );
        assert_eq!((&tokens["expires_in"], &tokens["refresh_expires_in"]), (&json!(7200), &json!(2_592_000)));
        works(&world, &text(&tokens, "access_token")).await;
        let renewed = call(again, by_refresh(&text(&tokens, "refresh_token"))).send().await.data();
        assert_ne!(
            renewed["access_token"], tokens["access_token"],
            "each is one of its own, also in the same second"
        );
        works(&world, &text(&renewed, "access_token")).await;
        declined(&call(again, by_refresh(&text(&tokens, "refresh_token"))).send().await, 20026);
        for tokens in [&tokens, &renewed] {
            if first.contains("oidc") {
                assert_eq!(
                    names(tokens),
                    [
                        "access_token",
                        "expires_in",
                        "refresh_expires_in",
                        "refresh_token",
                        "scope",
                        "token_type"
                    ]
                );
            } else {
                assert_eq!(tokens["user_id"], world.users[0].user_id.as_str());
                assert_eq!(tokens["open_id"], world.users[0].open_id.as_str());
                assert!(tokens.get("email").is_none() && tokens.get("sid").is_none());
                assert!(tokens.get("scope").is_none(), "the OIDC endpoints alone tell it: {tokens}");
            }
        }
    }
}

#[tokio::test]
async fn every_refusal_of_the_historic_endpoints() {
    for (first, again) in HISTORIC {
        let world = world().await;
        let (_, other) = world.app(json!({"name": "other"})).await;
        let start = || async { code(&world, 0, &[]).await };
        let tokens = world.call("POST", first).body(by_code(&start().await)).send().await.data();
        let (fresh, refresh) = (start().await, text(&tokens, "refresh_token"));
        for (path, good) in [(first, by_code(&fresh)), (again, by_refresh(&refresh))] {
            let call = |body: Value| world.call("POST", path).body(body);
            for unknown in
                [json!({}), json!({"grant_type": "", "code": "x"}), json!({"grant_type": "password"})]
            {
                let reply = call(unknown).send().await;
                declined(&reply, 20001);
                assert_eq!(
                    reply.json()["msg"],
                    "invalid request, grant_type should be authorization_code or refresh_token"
                );
            }
            let reply = call(json!({"grant_type": good["grant_type"]})).send().await;
            declined(&reply, 20001);
            assert_eq!(reply.json()["msg"], "Invalid request. Please check request param");
            let mut wrong = good.clone();
            let other_grant = if path == first { "refresh_token" } else { "authorization_code" };
            wrong["grant_type"] = json!(other_grant);
            declined(&call(wrong).send().await, 20036);
            declined(&call(good.clone()).token(&other).send().await, 20024);
            let user = world.user_token(1, json!({})).await;
            for token in ["", "x", "a-x", "t-x", &user] {
                declined(&call(good.clone()).token(token).send().await, 20014);
            }
            declined(&call(good.clone()).anonymous().send().await, 20014);
            for status in ["disabled", "uninstalled"] {
                world.set_app(&world.app_id, json!({"status": status})).await;
                declined(&call(good.clone()).send().await, 20042);
            }
            world.set_app(&world.app_id, json!({"status": "enabled"})).await;
            let user = format!("/users/{}", world.users[0].user_id);
            for (status, code) in [("resigned", 20021), ("frozen", 20022)] {
                world.control("PATCH", &user).body(json!({"status": status})).send().await.data();
                declined(&call(good.clone()).send().await, code);
            }
            world.control("PATCH", &user).body(json!({"status": "active"})).send().await.data();
        }
        declined(&world.call("POST", first).body(by_code("x")).send().await, 20003);
        declined(&world.call("POST", again).body(by_refresh("x")).send().await, 20026);
        let bound = code(&world, 0, &[("code_challenge", &"a".repeat(43))]).await;
        declined(&world.call("POST", first).body(by_code(&bound)).send().await, 20003);
        world.advance(300).await;
        declined(&world.call("POST", first).body(by_code(&fresh)).send().await, 20004);
        world.advance(30 * DAY).await;
        let token = world.sign_in(&world.app_id, &world.app_secret).await;
        declined(&world.call("POST", again).token(&token).body(by_refresh(&refresh)).send().await, 20037);
        declined(&world.call("POST", again).body(by_refresh(&refresh)).send().await, 20014);
    }
}

#[tokio::test]
async fn who_the_user_is_depends_on_scopes() {
    let world = world().await;
    let path = format!("/users/{}", world.users[0].user_id);
    world
        .control("PATCH", &path)
        .body(json!({
            "email": "ada@example.com", "mobile": "+8613800000000", "en_name": "Ada", "employee_no": "7",
            "enterprise_email": "ada@corp.example.com",
        }))
        .send()
        .await
        .data();
    let info = |token: String| world.call("GET", "/authen/v1/user_info").token(&token);
    let usual = [
        "avatar_big",
        "avatar_middle",
        "avatar_thumb",
        "avatar_url",
        "en_name",
        "name",
        "open_id",
        "tenant_key",
        "union_id",
    ];
    let bare = info(world.user_token(0, json!({"scopes": []})).await).send().await.data();
    assert_eq!(names(&bare), usual);
    assert_eq!(
        (&bare["name"], &bare["open_id"], &bare["en_name"]),
        (&json!(world.users[0].name), &json!(world.users[0].open_id), &json!("Ada"))
    );
    let other = info(world.user_token(1, json!({})).await).send().await.data();
    assert_eq!(other["en_name"], other["name"], "without another one");
    assert_eq!(other.get("employee_no"), None, "absent, not empty");
    let scopes = json!({"scopes": ["contact:user.employee:readonly"]});
    let shown = info(world.user_token(0, scopes).await).send().await.data();
    assert_eq!(
        (&shown["employee_no"], &shown["enterprise_email"]),
        (&json!("7"), &json!("ada@corp.example.com"))
    );
    for (scope, field, value) in [
        ("contact:user.email:readonly", "email", "ada@example.com"),
        ("contact:user.phone:readonly", "mobile", "+8613800000000"),
        ("contact:user.employee_id:readonly", "user_id", &world.users[0].user_id),
    ] {
        let shown = info(world.user_token(0, json!({"scopes": [scope]})).await).send().await.data();
        assert_eq!(shown[field], value);
        assert_eq!(names(&shown).len(), usual.len() + 1, "{shown}");
    }
}

#[tokio::test]
async fn the_app_token_may_stand_in_the_body() {
    let world = world().await;
    let (first, again) = HISTORIC[1];
    let anonymous = |path: &str, body: Value| world.call("POST", path).anonymous().body(body);
    let with = |mut body: Value, token: &str| {
        body["app_access_token"] = json!(token);
        body
    };
    let fresh = code(&world, 0, &[]).await;
    let user = world.user_token(1, json!({})).await;
    // The token is checked before anything else, as in the header.
    for body in [by_code(&fresh), json!({}), with(by_code(&fresh), ""), with(by_code(&fresh), "t-x")] {
        declined(&anonymous(first, body).send().await, 20014);
    }
    declined(&anonymous(first, with(by_code(&fresh), &user)).send().await, 20014);
    // A header takes precedence.
    let both = world.call("POST", first).token("t-x").body(with(by_code(&fresh), &world.token));
    declined(&both.send().await, 20014);
    let signed_in = anonymous(first, with(by_code(&fresh), &world.token)).send().await.data();
    assert_eq!(signed_in["name"], world.users[0].name.as_str());
    let refresh = text(&signed_in, "refresh_token");
    let renewed = anonymous(again, with(by_refresh(&refresh), &world.token)).send().await.data();
    works(&world, &text(&renewed, "access_token")).await;

    // As a form, as some libraries send it.
    let next = code(&world, 0, &[]).await;
    let pairs =
        [("grant_type", "authorization_code"), ("code", next.as_str()), ("app_access_token", &world.token)];
    let path = format!("/open-apis{first}");
    let data = world.lab.form(&path, &pairs).send().await.data();
    works(&world, &text(&data, "access_token")).await;

    // The newer endpoints do not look there.
    let last = code(&world, 0, &[]).await;
    declined(&anonymous(HISTORIC[0].0, with(by_code(&last), &world.token)).send().await, 20014);
    world.advance(7200).await;
    declined(&anonymous(first, with(by_code(&last), &world.token)).send().await, 20014);
}

#[tokio::test]
async fn texts_of_the_historic_endpoints() {
    let world = world().await;
    let (_, other) = world.app(json!({"name": "other"})).await;
    let fresh = code(&world, 0, &[]).await;
    let first = HISTORIC[0].0;
    let said = async |body: Value, token: &str| {
        let json = world.call("POST", first).token(token).body(body).send().await.json();
        (json["code"].as_i64().expect("a code"), text(&json, "msg"))
    };
    let text = |code: i64, text: &str| (code, text.to_owned());
    assert_eq!(
        said(by_code("x"), &world.token).await,
        text(20003, "The code passed is invalid. Please note that the code could only be used once")
    );
    assert_eq!(
        said(by_code(&fresh), &other).await,
        text(
            20024,
            "App id in user_access_token or refresh_token diff with app id in app_access_token or tenant_access_token. Please keep the app id consistent"
        )
    );
    world.advance(300).await;
    assert_eq!(
        said(by_code(&fresh), &world.token).await,
        text(20004, "The code passed has expired. Please generate a new one")
    );
    let fresh = code(&world, 0, &[]).await;
    world.set_app(&world.app_id, json!({"status": "disabled"})).await;
    assert_eq!(said(by_code(&fresh), &world.token).await, text(20042, "App disabled"));
}
