//! What a world has in place of the server's settings: each setting changes the answers of its own world only.

use larkspur_server::RateLimits;
use larkspur_testkit::{Lab, LabOptions, ManualClock, World};
use serde_json::{Value, json};

use crate::scenarios::{refused, text, world};

async fn set(world: &World, body: Value) -> Value {
    world.control("PUT", "/settings").body(body).send().await.data()
}

async fn newest(world: &World) -> Value {
    let listed = world.control("GET", "/traffic?limit=1").send().await.data();
    let path = format!("/traffic/{}", text(&listed["entries"][0], "log_id"));
    world.control("GET", &path).send().await.data()
}

fn chat(world: &World) -> larkspur_testkit::Request {
    world.call("GET", &format!("/im/v1/chats/{}", world.chat_id))
}

async fn two(options: LabOptions) -> (World, World) {
    let lab = Lab::with(options).await;
    (lab.world().await, lab.world().await)
}

#[tokio::test]
async fn they_are_shown_as_they_were_set() {
    let world = world().await;
    let own = json!({
        "rate_limits": "0.5", "rate_limit_status": 400, "brand": "lark", "permissions": "soft",
        "behaviours": {"tag_owner": "app", "tags_per_chat": 3}, "traffic": {"record": false, "body_kb": 1}
    });
    let shown = set(&world, own.clone()).await;
    for (name, value) in own.as_object().expect("an object") {
        assert_eq!(&shown[name], value, "{name}");
    }
    assert_eq!(world.control("GET", "/settings").send().await.data(), shown);
    assert_eq!(set(&world, json!({"rate_limits": 2})).await["rate_limits"], "2");
    let usual = set(&world, json!({"permissions": "enforce", "traffic": {}, "behaviours": {}})).await;
    assert!(own.as_object().expect("an object").keys().all(|name| usual.get(name).is_none()), "{usual}");
}

#[tokio::test]
async fn what_is_unknown_or_wrong_is_named() {
    let world = world().await;
    for (body, field, why) in [
        (json!({"rate_limits": "fast"}), "rate_limits", "platform, off or a number above 0"),
        (json!({"rate_limits": 0}), "rate_limits", "platform, off or a number above 0"),
        (json!({"rate_limit_status": 500}), "rate_limit_status", "400"),
        (json!({"brand": "dingtalk"}), "brand", "feishu"),
        (json!({"permissions": "on"}), "permissions", "enforce"),
        (json!({"behaviours": {"tag_ownr": "app"}}), "behaviours.tag_ownr", "did you mean \"tag_owner\"?"),
        (json!({"behaviours": {"tag_owner": "me"}}), "behaviours.tag_owner", "expected `tenant` or `app`"),
        (json!({"behaviours": {"tags_per_chat": "3"}}), "behaviours.tags_per_chat", "expected u32"),
        (json!({"traffic": {"body_kb": 10_241}}), "traffic.body_kb", "10240"),
        (json!({"traffic": {"record": "no"}}), "traffic.record", "true or false"),
        (json!({"trafic": {}}), "trafic", "did you mean \"traffic\"?"),
    ] {
        let reply = world.control("PUT", "/settings").body(body.clone()).send().await;
        let json = reply.refused(5275400);
        assert_eq!(reply.violated(), [field], "{body}");
        assert!(json.to_string().replace('\\', "").contains(why), "{body}: {json}");
    }
}

#[tokio::test]
async fn rate_limits() {
    let clock = ManualClock::at(1_750_000_000_000);
    let options = LabOptions { rate_limits: RateLimits::Platform, clock, ..LabOptions::default() };
    let (own, other) = two(options).await;
    let admitted = async |world: &World| {
        world.advance(120).await;
        for count in 0..20 {
            let reply = world.call("GET", "/im/v2/tags").query("ids", "1").send().await;
            if reply.code() != 0 {
                assert_eq!(reply.code(), 99991400);
                return (count, reply.status());
            }
        }
        (20, 200)
    };
    assert_eq!(admitted(&own).await, (5, 429), "as on the server");
    set(&own, json!({"rate_limits": 0.4, "rate_limit_status": 400})).await;
    assert_eq!(admitted(&own).await, (2, 400));
    set(&own, json!({"rate_limits": "off"})).await;
    assert_eq!(admitted(&own).await, (20, 200));
    assert_eq!(admitted(&other).await, (5, 429), "its own limits are those of the server");
    set(&own, json!({})).await;
    assert_eq!(admitted(&own).await, (5, 429));
}

/// Calls without an access token have the settings of the world that made their app.
#[tokio::test]
async fn rate_limits_of_sign_in() {
    let clock = ManualClock::at(1_750_000_000_000);
    let options = LabOptions { rate_limits: RateLimits::Platform, clock, ..LabOptions::default() };
    let (own, other) = two(options).await;
    set(&own, json!({"rate_limits": 0.02, "behaviours": {"error_causes": false}})).await;
    let exchange = |world: &World| {
        let body = json!({"grant_type": "authorization_code", "client_id": world.app_id, "client_secret": "x", "code": "y"});
        world.lab.request("POST", "/open-apis/authen/v2/oauth/token").body(body)
    };
    let limited = async |world: &World| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(exchange(world).send().await.status());
        }
        statuses.contains(&429)
    };
    assert!(limited(&own).await);
    assert!(!limited(&other).await);
}

#[tokio::test]
async fn the_brand() {
    let (own, other) = two(LabOptions::default()).await;
    set(&own, json!({"brand": "lark"})).await;
    let link = async |world: &World| {
        world.set_app(&world.app_id, json!({"scopes": []})).await;
        chat(world).send().await.refused(99991672).to_string()
    };
    let (lark, feishu) = (link(&own).await, link(&other).await);
    assert!(lark.contains("open.larksuite.com") && !lark.contains("open.feishu.cn"), "{lark}");
    assert!(feishu.contains("open.feishu.cn") && !feishu.contains("open.larksuite.com"), "{feishu}");
    // Also if the token is refused.
    own.advance(7300).await;
    let expired = chat(&own).send().await.refused(99991663).to_string();
    assert!(expired.contains("open.larksuite.com"), "{expired}");
}

#[tokio::test]
async fn soft_permissions_let_calls_through_and_say_so() {
    let (own, other) = two(LabOptions::default()).await;
    for world in [&own, &other] {
        world.set_app(&world.app_id, json!({"scopes": ["im:message"]})).await;
    }
    set(&own, json!({"permissions": "soft"})).await;
    chat(&own).send().await.data();
    chat(&other).send().await.refused(99991672);
    let shown = newest(&own).await;
    assert_eq!((&shown["outcome"], &shown["code"]), (&json!("soft"), &json!(0)), "{shown}");
    assert_eq!(shown["why"]["step"], "authorize");
    assert_eq!(shown["why"]["rule"], "scopes");
    assert_eq!(shown["why"]["fixes"][0]["id"], "app.update");
    assert_eq!(newest(&other).await["outcome"], "refused");
    // A call that has its scope is not marked, and one that is refused for another reason is refused.
    let nowhere = own.call("GET", "/im/v1/chats/oc_00000000000000000000000000000000").send().await;
    assert_ne!(nowhere.code(), 0);
    let shown = newest(&own).await;
    assert_eq!((&shown["outcome"], &shown["why"]["step"]), (&json!("refused"), &json!("execute")), "{shown}");
    own.set_app(&own.app_id, json!({"scopes": ["im:chat:read"]})).await;
    chat(&own).send().await.data();
    let shown = newest(&own).await;
    assert_eq!((&shown["outcome"], shown.get("why")), (&json!("ok"), None), "{shown}");
    // Calls are found by the outcome.
    let soft = own.control("GET", "/traffic?outcome=soft").send().await.data();
    assert_eq!(soft["entries"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_ledger_tells_soft_from_missing() {
    let world = world().await;
    world.set_app(&world.app_id, json!({"scopes": []})).await;
    let state = async || {
        let path = format!("/apps/{}/ledger", world.app_id);
        let ledger = world.control("GET", &path).send().await.data();
        let rows = ledger["scopes"].as_array().expect("rows").clone();
        let of = |needle: &str| {
            let found = rows.iter().find(|row| text(row, "scope").starts_with(needle));
            found.map_or(json!(null), |row| json!([row["state"], row["calls"]]))
        };
        (of("im:chat"), of("im:tag"))
    };
    set(&world, json!({"permissions": "soft"})).await;
    chat(&world).send().await.data();
    chat(&world).send().await.data();
    assert_eq!(state().await, (json!(["soft", 2]), json!(null)));
    set(&world, json!({})).await;
    world.call("GET", "/im/v2/tags").query("ids", "1").send().await.refused(99991672);
    assert_eq!(state().await, (json!(["soft", 2]), json!(["missing", 1])));
    chat(&world).send().await.refused(99991672);
    assert_eq!(state().await.0, json!(["missing", 3]), "a refusal says more");
}

#[tokio::test]
async fn permissions_that_are_off() {
    let world = world().await;
    world.set_app(&world.app_id, json!({"scopes": []})).await;
    set(&world, json!({"permissions": "off"})).await;
    chat(&world).send().await.data();
    let shown = newest(&world).await;
    assert_eq!((&shown["outcome"], shown.get("why")), (&json!("ok"), None), "{shown}");
    let ledger = world.control("GET", &format!("/apps/{}/ledger", world.app_id)).send().await.data();
    assert_eq!(ledger["scopes"], json!([]), "what was not asked for is not counted");
    // An app that is not in use is still refused.
    world.set_app(&world.app_id, json!({"status": "disabled"})).await;
    refused(&world.call("GET", "/im/v2/tags").query("ids", "1").send().await, 99991662);
}

#[tokio::test]
async fn behaviours() {
    let (own, other) = two(LabOptions::default()).await;
    let again = async |world: &World| {
        world.call("POST", "/im/v2/tags").body(tag("twice")).send().await.data();
        world.call("POST", "/im/v2/tags").body(tag("twice")).send().await
    };
    let switches = json!({"duplicate_name": "402", "generic_field_validation": true, "error_causes": false});
    set(&own, json!({"behaviours": switches})).await;
    assert_eq!(again(&own).await.code(), 402);
    assert_eq!(again(&other).await.code(), 0);
    let invalid = async |world: &World| world.call("POST", "/im/v2/tags").body(json!({})).send().await.code();
    assert_eq!((invalid(&own).await, invalid(&other).await), (99992402, 230001), "also while it is decoded");
    let cause = async |world: &World| {
        let reply = world.call("GET", "/im/v1/chats").query("page_token", "x").send().await;
        text(&reply.json(), "msg")
    };
    assert!(!cause(&own).await.contains("ext="));
    assert!(cause(&other).await.contains("ext="));
}

fn tag(name: &str) -> Value {
    json!({"create_tag": {"tag_type": "tenant", "name": name}})
}

#[tokio::test]
async fn recording() {
    let (own, other) = two(LabOptions::default()).await;
    let kept = async |world: &World| {
        let listed = world.control("GET", "/traffic").send().await.data();
        (listed["recording"].clone(), listed["entries"].as_array().map_or(0, Vec::len))
    };
    let before = (kept(&own).await, kept(&other).await);
    set(&own, json!({"traffic": {"record": false}})).await;
    for world in [&own, &other] {
        chat(world).send().await.data();
        // Its caller is known by the token alone.
        assert_eq!(world.call("GET", "/im/v1/no_such_path").send().await.status(), 404);
    }
    assert_eq!(kept(&own).await, (json!(false), before.0.1));
    assert_eq!(kept(&other).await, (json!(true), before.1.1 + 2));
    // How much of a body is kept.
    set(&own, json!({"traffic": {"body_kb": 0}})).await;
    for world in [&own, &other] {
        world.call("POST", "/im/v2/tags").body(tag("a tag")).send().await.data();
    }
    let (short, whole) = (newest(&own).await, newest(&other).await);
    assert_eq!((&short["request"]["cut"], &whole["request"]["cut"]), (&json!(true), &json!(false)));
    assert_eq!(whole["request"]["body"]["create_tag"]["name"], "a tag");
    assert_eq!(short["request"]["body"], json!(null));
}

#[tokio::test]
async fn calls_that_cannot_be_decoded_are_not_recorded_either() {
    let (own, other) = two(LabOptions::default()).await;
    let kept = async |world: &World| {
        let listed = world.control("GET", "/traffic").send().await.data();
        listed["entries"].as_array().map_or(0, Vec::len)
    };
    let mut hooks = Vec::new();
    for world in [&own, &other] {
        let path = format!("/chats/{}/hooks", world.chat_id);
        let made = world.control("POST", &path).body(json!({})).send().await.data();
        hooks.push(text(&made, "url").rsplit_once("/open-apis").expect("a URL").1.to_owned());
    }
    let before = (kept(&own).await, kept(&other).await);
    set(&own, json!({"traffic": {"record": false}})).await;
    for (world, hook) in [&own, &other].into_iter().zip(&hooks) {
        let hook = world.lab.request("POST", &format!("/open-apis{hook}"));
        assert_eq!(hook.raw("{").send().await.code(), 9499);
        for path in ["auth/v3/tenant_access_token/internal", "auth/v3/app_access_token/internal"] {
            let request = world.lab.request("POST", &format!("/open-apis/{path}"));
            let body = json!({"app_id": world.app_id, "app_secret": ["not a text"]});
            assert_ne!(request.body(body).send().await.code(), 0);
        }
    }
    assert_eq!((kept(&own).await, kept(&other).await), (before.0, before.1 + 3));
    let listed = own.lab.control("GET", "/traffic?world=none").send().await.data();
    assert_eq!(listed["entries"], json!([]), "{listed}");
}

#[tokio::test]
async fn a_world_is_recorded_on_a_server_that_records_nothing() {
    let (own, other) = two(LabOptions { traffic: None, ..LabOptions::default() }).await;
    set(&own, json!({"traffic": {"record": true}})).await;
    for world in [&own, &other] {
        world.call("POST", "/im/v2/tags").body(tag("a tag")).send().await.data();
    }
    let shown = newest(&own).await;
    assert_eq!(shown["request"]["body"]["create_tag"]["name"], "a tag", "{shown}");
    assert!(shown["steps"].as_array().is_some_and(|steps| steps.len() > 2), "{shown}");
    let none = other.control("GET", "/traffic").send().await.data();
    assert_eq!((&none["recording"], &none["entries"]), (&json!(false), &json!([])));
}

/// Another server on the store has a change at once.
#[tokio::test]
async fn all_servers_see_a_change() {
    let world = world().await;
    let Some(beside) = world.lab.beside().await else { return };
    world.set_app(&world.app_id, json!({"scopes": []})).await;
    let there = || {
        let path = format!("/open-apis/im/v1/chats/{}", world.chat_id);
        beside.request("GET", &path).token(&world.token)
    };
    there().send().await.refused(99991672);
    set(&world, json!({"permissions": "off"})).await;
    there().send().await.data();
    set(&world, json!({})).await;
    there().send().await.refused(99991672);
}
