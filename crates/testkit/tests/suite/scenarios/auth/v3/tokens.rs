//! `auth/v3`

use larkspur_testkit::{Reply, World};
use serde_json::{Value, json};

use crate::scenarios::{isv_app, names, refused, text, world};

const TENANT: &str = "/open-apis/auth/v3/tenant_access_token/internal";
const APP: &str = "/open-apis/auth/v3/app_access_token/internal";

async fn sign_in(world: &World, path: &str, body: Value) -> Reply {
    world.lab.request("POST", path).body(body).send().await
}

async fn own(world: &World, path: &str) -> Value {
    sign_in(world, path, json!({"app_id": world.app_id, "app_secret": world.app_secret})).await.json()
}

/// Refusals here are HTTP 200 with empty data.
#[track_caller]
fn declined(reply: &Reply, code: u32, message: &str) {
    assert_eq!(
        (reply.status(), reply.json()),
        (200, json!({"code": code, "msg": message, "data": {}})),
        "{}",
        reply.text()
    );
}

async fn works(world: &World, token: &str) {
    world.call("GET", "/im/v2/tags?ids=").token(token).send().await.data();
}

#[tokio::test]
async fn two_calls_one_token() {
    let world = world().await;
    let tenant = own(&world, TENANT).await;
    let token = text(&tenant, "tenant_access_token");
    assert!(token.starts_with("t-"), "{token}");
    assert_eq!(names(&tenant), ["code", "expire", "msg", "tenant_access_token"]);
    assert_eq!((&tenant["code"], &tenant["msg"]), (&json!(0), &json!("ok")));
    let app = own(&world, APP).await;
    assert_eq!(names(&app), ["app_access_token", "code", "expire", "msg", "tenant_access_token"]);
    assert_eq!((&app["app_access_token"], &app["tenant_access_token"]), (&json!(token), &json!(token)));
    works(&world, &token).await;
}

#[tokio::test]
async fn the_same_token_until_half_an_hour_is_left() {
    let world = world().await;
    let expire = |answer: &Value| answer["expire"].as_i64().expect("seconds");
    let near = |answer: &Value, seconds: i64| {
        assert!((seconds - 10..=seconds).contains(&expire(answer)), "{answer}");
    };
    let first = own(&world, TENANT).await;
    near(&first, 7200);
    world.advance(3600).await;
    let again = own(&world, TENANT).await;
    assert_eq!(again["tenant_access_token"], first["tenant_access_token"]);
    near(&again, 3600);
    world.advance(1740).await;
    let again = own(&world, APP).await;
    assert_eq!(again["tenant_access_token"], first["tenant_access_token"], "31 minutes are left");
    near(&again, 1860);
    world.advance(90).await;
    let second = own(&world, TENANT).await;
    assert_ne!(second["tenant_access_token"], first["tenant_access_token"], "less than 30 minutes were left");
    near(&second, 7200);
    let (old, new) = (text(&first, "tenant_access_token"), text(&second, "tenant_access_token"));
    works(&world, &old).await;
    works(&world, &new).await;
    assert_eq!(own(&world, TENANT).await["tenant_access_token"], new.as_str());
    world.advance(1800).await;
    refused(&world.call("GET", "/im/v2/tags?ids=").token(&old).send().await, 99991663);
    works(&world, &new).await;
    world.advance(5400).await;
    refused(&world.call("GET", "/im/v2/tags?ids=").token(&new).send().await, 99991663);
    near(&own(&world, TENANT).await, 7200);
}

#[tokio::test]
async fn bad_credentials() {
    let world = world().await;
    let (id, secret) = (world.app_id.as_str(), world.app_secret.as_str());
    for path in [TENANT, APP] {
        for body in [
            json!({}),
            json!({"app_id": id}),
            json!({"app_secret": secret}),
            json!({"app_id": null, "app_secret": secret}),
            json!({"app_id": id, "app_secret": null}),
            json!({"app_id": id, "app_secret": ""}),
            json!({"app_id": "", "app_secret": secret}),
            json!({"app_id": "cli_", "app_secret": secret}),
            json!({"app_id": "cli_123", "app_secret": secret}),
            json!({"app_id": &id[4..], "app_secret": secret}),
            json!({"app_id": "cli_\u{0}", "app_secret": secret}),
        ] {
            declined(&sign_in(&world, path, body).await, 10003, "invalid param");
        }
        let empty = world.lab.request("POST", path).content_type(None).send().await;
        declined(&empty, 10003, "invalid param");
        let wrong = json!({"app_id": id, "app_secret": "wrong"});
        declined(&sign_in(&world, path, wrong).await, 10014, "app secret invalid");
        let other = world.lab.world().await;
        let swapped = json!({"app_id": id, "app_secret": other.app_secret});
        declined(&sign_in(&world, path, swapped).await, 10014, "app secret invalid");
        let unknown = json!({"app_id": "cli_0000000000000000", "app_secret": secret});
        declined(&sign_in(&world, path, unknown).await, 10014, "app id not exists");
    }
}

#[tokio::test]
async fn apps_that_cannot_sign_in_here() {
    let world = world().await;
    let (isv, _) = isv_app(&world).await;
    let path = format!("/apps/{isv}/secret");
    let secret = text(&world.control("POST", &path).send().await.data(), "app_secret");
    for path in [TENANT, APP] {
        let body = json!({"app_id": isv, "app_secret": secret});
        declined(&sign_in(&world, path, body).await, 10003, "invalid param");
    }
    let credentials = json!({"app_id": world.app_id, "app_secret": world.app_secret});
    world.set_app(&world.app_id, json!({"status": "uninstalled"})).await;
    for path in [TENANT, APP] {
        declined(&sign_in(&world, path, credentials.clone()).await, 20009, "tenant has not installed app");
    }
    // A disabled app can sign in; its calls are refused.
    world.set_app(&world.app_id, json!({"status": "disabled"})).await;
    let token = text(&sign_in(&world, TENANT, credentials).await.json(), "tenant_access_token");
    refused(&world.call("GET", "/im/v2/tags?ids=").token(&token).send().await, 99991662);
}

#[tokio::test]
async fn a_new_secret_and_old_tokens() {
    let world = world().await;
    let path = format!("/apps/{}/secret", world.app_id);
    let secret = text(&world.control("POST", &path).send().await.data(), "app_secret");
    assert_ne!(secret, world.app_secret);
    let old = json!({"app_id": world.app_id, "app_secret": world.app_secret});
    declined(&sign_in(&world, TENANT, old).await, 10014, "app secret invalid");
    assert_eq!(world.sign_in(&world.app_id, &secret).await, world.token);
    works(&world, &world.token).await;
}

#[tokio::test]
async fn as_clients_send_it() {
    let world = world().await;
    // Without a content type, with blanks, with unknown fields, with a token that is ignored.
    let body = format!(
        r#"{{ "app_id": "{}", "app_secret": "{}", "app_ticket": "x", "tenant_key": null }}"#,
        world.app_id, world.app_secret
    );
    for path in [TENANT, APP] {
        for content_type in [None, Some("text/plain"), Some("application/json")] {
            let request = world
                .lab
                .request("POST", path)
                .raw(body.clone())
                .content_type(content_type)
                .token("t-forged");
            assert_eq!(text(&request.send().await.json(), "tenant_access_token"), world.token);
        }
        let slash = world.lab.request("POST", &format!("{path}/")).raw(body.clone()).send().await;
        assert_eq!(text(&slash.json(), "tenant_access_token"), world.token);
        world.lab.request("POST", path).raw("{").send().await.refused(9499);
        assert_eq!(world.lab.request("GET", path).send().await.status(), 404);
        world.lab.request("POST", path).raw("[]").send().await.refused(9499);
        declined(&world.lab.request("POST", path).raw("null").send().await, 10003, "invalid param");
    }
}

#[tokio::test]
async fn forms_are_read_like_json() {
    let world = world().await;
    let post = |path: &str, body: &str| {
        let request = world.lab.request("POST", path).raw(body.to_owned());
        request.content_type(Some("application/x-www-form-urlencoded; charset=utf-8"))
    };
    let escaped = world.app_id.replace('_', "%5F");
    for path in [TENANT, APP] {
        let body = format!("app_id={escaped}&app_secret={}&more=1", world.app_secret);
        let reply = post(path, &body).send().await.json();
        assert_eq!(text(&reply, "tenant_access_token"), world.token);
        // What curl sends by default: JSON with the media type of a form.
        let json = json!({"app_id": world.app_id, "app_secret": world.app_secret}).to_string();
        assert_eq!(text(&post(path, &json).send().await.json(), "tenant_access_token"), world.token);
        declined(&post(path, "app_id=&app_secret=x").send().await, 10003, "invalid param");
        declined(&post(path, "null").send().await, 10003, "invalid param");
        let wrong = format!("app_id={escaped}&app_secret=wrong");
        declined(&post(path, &wrong).send().await, 10014, "app secret invalid");
        post(path, "app_id=%ff").send().await.refused(9499);
        post(path, " {\"app_id\":").send().await.refused(9499);
    }
}
