//! Rate limits of sign-in, by app.

use larkspur_contract::{Access, Reply};
use larkspur_server::REGISTRY;
use larkspur_server::RateLimits;
use larkspur_testkit::{Lab, LabOptions, ManualClock, Reply, World};
use serde_json::json;

use crate::scenarios::names;

/// A call of an app that, if admitted, is refused for another reason.
async fn call(world: &World, path: &str, app_id: &str, token: &str) -> Reply {
    let body = json!({"client_id": app_id, "client_secret": "wrong", "grant_type": "authorization_code", "code": "x"});
    world.lab.request("POST", path).token(token).body(body).send().await
}

#[tokio::test]
async fn the_sign_in_too_many_of_an_app_is_refused() {
    let clock = ManualClock::at(1_750_000_000_000);
    let options =
        LabOptions { rate_limits: RateLimits::Platform, clock: clock.clone(), ..LabOptions::default() };
    let world = Lab::with(options).await.world().await;
    let (other, others_token) = world.app(json!({"name": "other"})).await;
    let counted: Vec<_> = REGISTRY
        .iter()
        .copied()
        .flatten()
        .map(|entry| entry.spec)
        .filter(|spec| matches!(spec.access, Access::Open | Access::App) && !spec.rate.windows.is_empty())
        // Custom bots are limited one by one; `bot::hook` tests that.
        .filter(|spec| !matches!(spec.reply, Reply::Hook))
        .collect();
    let paths: Vec<_> = counted.iter().map(|spec| spec.route.path).collect();
    for (name, path) in [
        ("authen.v2.oauth.token", super::V2),
        ("oauth.v3.token.create", super::V3),
        ("authen.v1.oidc_access_token.create", "/open-apis/authen/v1/oidc/access_token"),
        ("authen.v1.oidc_refresh_access_token.create", "/open-apis/authen/v1/oidc/refresh_access_token"),
    ] {
        assert!(paths.contains(&path), "{name} has its page's limit");
    }
    for spec in counted {
        let path = spec.route.path;
        let window = spec.rate.windows[0];
        for _ in 0..window.cap {
            let reply = call(&world, path, &world.app_id, &world.token).await;
            assert!(
                ![0, 99991400].contains(&reply.json()["code"].as_i64().expect("a code")),
                "{}",
                reply.text()
            );
        }
        let reply = call(&world, path, &world.app_id, &world.token).await;
        let json = reply.json();
        assert_eq!((reply.status(), &json["code"]), (429, &json!(99991400)), "{path}: {json}");
        if matches!(spec.access, Access::Open) {
            assert_eq!(names(&json), ["code", "error", "error_description"]);
            assert_eq!(json["error"], "temporarily_unavailable");
        }
        let limit = reply.response.header("x-ogw-ratelimit-limit").expect("a header");
        assert_eq!(limit.parse(), Ok(window.cap));
        let reply = call(&world, path, &other, &others_token).await;
        assert_ne!(reply.json()["code"], 99991400, "another app has a window of its own");
        // Calls that name no app are not counted.
        for wrong in ["", "cli_x"] {
            let reply = call(&world, path, wrong, "a-x").await;
            assert_ne!(reply.json()["code"], 99991400, "{path}");
        }
        // The world's clock does not open the window, which covers an app in all tenants; the real time does.
        world.advance(i64::from(window.seconds)).await;
        let reply = call(&world, path, &world.app_id, &world.token).await;
        assert_eq!(reply.json()["code"], 99991400, "{path}");
        clock.advance(i64::from(window.seconds) * 1000);
        let reply = call(&world, path, &world.app_id, &world.token).await;
        assert_ne!(reply.json()["code"], 99991400, "{path}");
    }
}

#[tokio::test]
async fn an_app_that_presents_itself_by_basic_is_counted_with_the_rest() {
    let clock = ManualClock::at(1_750_000_000_000);
    let options = LabOptions { rate_limits: RateLimits::Platform, clock, ..LabOptions::default() };
    let world = Lab::with(options).await.world().await;
    let header = super::basic(&world.app_id, "wrong");
    let body = json!({"grant_type": "authorization_code", "code": "x"});
    let by_basic = async || {
        let request = world.lab.request("POST", super::V2).authorization(&header).body(body.clone());
        request.send().await.json()["code"].clone()
    };
    for _ in 0..25 {
        assert_eq!(by_basic().await, 20002);
        assert_eq!(call(&world, super::V2, &world.app_id, "").await.json()["code"], 20002);
    }
    assert_eq!(by_basic().await, 99991400);
    assert_eq!(call(&world, super::V2, &world.app_id, "").await.json()["code"], 99991400);
}
