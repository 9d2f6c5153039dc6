//! Faults by rule.

use std::time::Instant;

use larkspur_server::Body;
use larkspur_testkit::{Reply, Request, World};
use serde_json::{Value, json};

use super::{declined, get};
use crate::scenarios::{text, world};

async fn add(world: &World, rule: Value) -> Value {
    world.control("POST", "/faults").body(rule).send().await.data()
}

async fn clear(world: &World) {
    world.control("DELETE", "/faults").send().await.data();
}

fn chat(world: &World) -> Request {
    world.call("GET", &format!("/im/v1/chats/{}", world.chat_id))
}

async fn counts(world: &World) -> Vec<(String, i64, i64)> {
    let list = get(world, "/faults").await;
    let rules = list["faults"].as_array().expect("rules").iter();
    rules
        .map(|one| {
            (text(one, "id"), one["seen"].as_i64().expect("seen"), one["hits"].as_i64().expect("hits"))
        })
        .collect()
}

/// The last recorded call of the platform.
async fn newest(world: &World) -> Value {
    let list = get(world, "/traffic?limit=1").await;
    get(world, &format!("/traffic/{}", text(&list["entries"][0], "log_id"))).await
}

/// The body without what differs from call to call.
fn wire(reply: &Reply) -> Value {
    let mut json = reply.json();
    if let Some(error) = json.get_mut("error").and_then(Value::as_object_mut) {
        error.remove("log_id");
        error.remove("troubleshooter");
    }
    json
}

#[tokio::test]
async fn a_refusal_equals_the_platforms_own() {
    let world = world().await;
    add(&world, json!({"preset": "token-stale-retry"})).await;
    let real = chat(&world).token("t-nothing").send().await;
    real.refused(99991663);
    for _ in 0..2 {
        let planned = chat(&world).send().await;
        assert_eq!((planned.status(), wire(&planned)), (real.status(), wire(&real)));
        let names = |reply: &Reply| -> Vec<&str> { reply.response.headers().map(|(name, _)| name).collect() };
        assert_eq!(names(&planned), names(&real));
    }
    let shown = newest(&world).await;
    assert_eq!((&shown["outcome"], &shown["fault"]), (&json!("injected"), &json!("f_01")));
    let why = &shown["why"];
    assert_eq!((why.get("step"), why.get("rule"), why.get("basis")), (None, None, None), "{why}");
    assert_eq!(shown["steps"], json!([]), "authentication refused it");
    assert_eq!(chat(&world).send().await.code(), 0);
    assert_eq!(counts(&world).await, [("f_01".to_owned(), 3, 2)]);
    assert_eq!(newest(&world).await.get("fault"), None);
}

#[tokio::test]
async fn each_code_is_answered_at_its_step() {
    let world = world().await;
    for (code, status, passed) in [
        (99991663, 400, 0),
        (99991672, 400, 1),
        (99991400, 429, 2),
        (99991403, 400, 2),
        (99992402, 400, 3),
        (232004, 400, 3),
    ] {
        clear(&world).await;
        add(&world, json!({"effect": {"refuse": {"code": code, "reset_s": 7}}})).await;
        let reply = chat(&world).send().await;
        let json = reply.refused(code);
        assert_eq!(reply.status(), status, "{json}");
        let steps = newest(&world).await["steps"].as_array().expect("steps").len();
        assert_eq!(steps, passed, "{code}");
        if code == 99991672 {
            let violations = json["error"]["permission_violations"].as_array().expect("violations");
            assert!(violations.iter().all(|one| one["type"] == "action_scope_required"), "{json}");
            assert!(!violations.is_empty());
        }
        if code == 99991400 {
            assert_eq!(reply.response.header("x-ogw-ratelimit-reset").as_deref(), Some("7"));
        }
    }
    clear(&world).await;
    let refuse = json!({"code": 424242, "text": "out of order", "status": 418});
    add(&world, json!({"effect": {"refuse": refuse}})).await;
    let reply = chat(&world).send().await;
    assert_eq!((reply.status(), reply.json()["msg"].as_str()), (418, Some("out of order")));
}

#[tokio::test]
async fn token_operations_hooks_and_long_connections_have_their_own_forms() {
    let world = world().await;
    let auth = json!({"app_id": world.app_id, "app_secret": world.app_secret});
    let path = "/open-apis/auth/v3/tenant_access_token/internal";
    let wrong = json!({"app_id": world.app_id, "app_secret": "wrong"});
    let real = world.lab.request("POST", path).body(wrong).send().await;
    let refuse = json!({"code": real.code(), "text": real.json()["msg"]});
    add(&world, json!({"match": {"operation": "auth.v3.*"}, "effect": {"refuse": refuse}, "times": 1})).await;
    let planned = world.lab.request("POST", path).body(auth.clone()).send().await;
    assert_eq!((planned.status(), wire(&planned)), (real.status(), wire(&real)));
    assert_eq!(world.lab.request("POST", path).body(auth).send().await.code(), 0);

    let made =
        world.control("POST", &format!("/chats/{}/hooks", world.chat_id)).body(json!({})).send().await.data();
    let url = text(&made, "url").replace("http://localhost", "");
    add(&world, json!({"preset": "hook-limited", "probability": 1, "times": 1})).await;
    let post =
        || world.lab.request("POST", &url).body(json!({"msg_type": "text", "content": {"text": "x"}})).send();
    let limited = post().await;
    assert_eq!((limited.status(), limited.code()), (200, 11232));
    assert_eq!(post().await.code(), 0);

    add(&world, json!({"preset": "ws-busy", "times": 1})).await;
    let ask = || {
        let body = json!({"AppID": world.app_id, "AppSecret": world.app_secret});
        world.lab.request("POST", "/callback/ws/endpoint").body(body).send()
    };
    let busy = ask().await;
    let expected = json!({"code": 1000040343, "msg": "internal error", "data": {"URL": ""}});
    assert_eq!((busy.status(), busy.json()), (200, expected));
    let shown = newest(&world).await;
    assert_eq!(
        (&shown["operation"], &shown["outcome"]),
        (&json!("callback.ws.endpoint"), &json!("injected"))
    );
    assert_eq!((&shown["code"], &shown["app_id"]), (&json!(1000040343), &json!(world.app_id)));
    assert!(shown["fault"].is_string() && text(&shown["why"], "note").contains("rule"), "{shown}");
    assert_eq!(ask().await.code(), 0);
}

/// A bot that does not connect is in the traffic of its world, without its secret.
#[tokio::test]
async fn requests_for_long_connections_are_recorded() {
    let world = world().await;
    let ask = async |app: &str, secret: &str| {
        let body = json!({"AppID": app, "AppSecret": secret});
        world.lab.request("POST", "/callback/ws/endpoint").body(body).send().await
    };
    let wrong = "a secret that is not the one of the app";
    assert_eq!(ask(&world.app_id, wrong).await.code(), 1000040345);
    let shown = newest(&world).await;
    assert_eq!((&shown["operation"], &shown["outcome"]), (&json!("callback.ws.endpoint"), &json!("refused")));
    assert_eq!((&shown["code"], &shown["app_id"]), (&json!(1000040345), &json!(world.app_id)));
    assert_eq!(shown["why"]["code"], "CONNECTION_SECRET_INVALID");
    assert!(text(&shown["why"], "note").contains("secret") && !shown.to_string().contains(wrong), "{shown}");

    world.set_app(&world.app_id, json!({"status": "disabled"})).await;
    assert_eq!(ask(&world.app_id, &world.app_secret).await.code(), 403);
    let shown = newest(&world).await;
    let fix = &shown["why"]["fixes"][0];
    assert_eq!((&shown["code"], &fix["id"]), (&json!(403), &json!("app.update")));
    world.set_app(&world.app_id, fix["body"].clone()).await;
    let good = ask(&world.app_id, &world.app_secret).await;
    let url = text(&good.json()["data"], "URL");
    let ticket = url.split_once("ticket=").expect("a ticket").1;
    let shown = newest(&world).await;
    assert_eq!((&shown["outcome"], &shown["code"]), (&json!("ok"), &json!(0)));
    assert_eq!(shown["log_id"], good.response.header("x-tt-logid").expect("a log id").as_ref());
    let entry = shown.to_string();
    assert!(!entry.contains(ticket) && !entry.contains(&world.app_secret), "{entry}");

    // A ticket that is not valid, and one that is.
    let target = url.split_once("/ws/v2?").expect("a path").1;
    let connect = async |query: &str| {
        let request = world.lab.request("GET", &format!("/ws/v2?{query}")).header("upgrade", "websocket");
        let request = request.header("connection", "Upgrade").header("sec-websocket-version", "13");
        request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").send().await
    };
    assert_eq!(connect(target).await.status(), 101);
    let shown = newest(&world).await;
    assert_eq!((&shown["operation"], &shown["status"]), (&json!("callback.ws.connect"), &json!(101)));
    assert!(!shown.to_string().contains(ticket), "{shown}");
    assert_eq!(connect(target).await.status(), 400);
    let shown = newest(&world).await;
    assert_eq!((&shown["code"], &shown["status"]), (&json!(514), &json!(400)), "the ticket was used");
    assert!(!shown.to_string().contains(ticket), "{shown}");

    // An unknown app is of no world, and a world may not want to be recorded.
    assert_eq!(ask("cli_0000000000000001", wrong).await.code(), 1000040346);
    let list = world.lab.control("GET", "/traffic?world=none&limit=1").send().await.data();
    assert_eq!(list["entries"][0]["code"], 1000040346, "{list}");
    world.control("PUT", "/settings").body(json!({"traffic": {"record": false}})).send().await.data();
    let count = get(&world, "/traffic?limit=1").await["newest"].clone();
    assert_eq!(ask(&world.app_id, wrong).await.code(), 1000040345);
    assert_eq!(get(&world, "/traffic?limit=1").await["newest"], count);
}

#[tokio::test]
async fn answers_delays_and_slow_bodies() {
    let world = world().await;
    add(&world, json!({"preset": "edge-502", "times": 1})).await;
    let reply = chat(&world).send().await;
    assert_eq!((reply.status(), reply.response.header("content-type").as_deref()), (502, Some("text/html")));
    assert!(reply.text().contains("502 Bad Gateway") && reply.response.header("x-tt-logid").is_none());
    let shown = newest(&world).await;
    assert_eq!((&shown["outcome"], shown.get("code")), (&json!("injected"), None));

    // Delays add up, and the call is done as usual.
    add(&world, json!({"effect": {"delay": {"ms": 60}}})).await;
    add(&world, json!({"effect": {"delay": {"ms": 50}}})).await;
    let began = Instant::now();
    assert_eq!(chat(&world).send().await.code(), 0);
    assert!(began.elapsed().as_millis() >= 110);
    let shown = newest(&world).await;
    assert_eq!((&shown["outcome"], &shown["delay_ms"]), (&json!("ok"), &json!(110)));
    clear(&world).await;
    add(&world, json!({"effect": {"slow": {"bytes_per_s": 1000}}})).await;
    let reply = chat(&world).send().await;
    assert!(matches!(reply.response.body, Body::Stream(_)));
}

/// The answer is lost after the message was sent: a retry with the same uuid gets that message.
#[tokio::test]
async fn an_answer_that_is_lost() {
    let world = world().await;
    let send = || {
        let body = json!({
            "receive_id": world.chat_id, "msg_type": "text", "content": r#"{"text":"once"}"#, "uuid": "u-1"
        });
        world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body).send()
    };
    let said = || async {
        let path = format!("/im/v1/messages?container_id_type=chat&container_id={}", world.chat_id);
        let items = world.call("GET", &path).send().await.data()["items"].clone();
        items.as_array().expect("items").iter().filter(|one| one["msg_type"] == "text").count()
    };
    add(&world, json!({"preset": "answer-lost"})).await;
    let lost = send().await;
    assert!(matches!(&lost.response.body, Body::Broken(broken) if broken.whole.is_none() && !broken.reset));
    assert_eq!(newest(&world).await["outcome"], "cut");
    assert_eq!(said().await, 1);
    let again = send().await.data();
    assert_eq!(said().await, 1);
    assert_eq!(again["chat_id"], world.chat_id);

    clear(&world).await;
    add(&world, json!({"effect": {"cut": {"when": "before", "how": "reset"}}, "times": 1})).await;
    let body = json!({"name": "not done"});
    let path = format!("/im/v1/chats/{}", world.chat_id);
    let lost = world.call("PUT", &path).body(body).send().await;
    assert!(matches!(&lost.response.body, Body::Broken(broken) if broken.reset));
    assert_ne!(chat(&world).send().await.data()["name"], "not done");
}

/// Each rule says whether it changes the next call that it matches.
#[tokio::test]
async fn what_a_rule_does_next() {
    let world = world().await;
    let rule =
        json!({"effect": {"refuse": {"code": 232004}}, "skip": 1, "times": 2, "probability": 0.5, "seed": 3});
    let mut next = add(&world, rule).await["next"].clone();
    let mut said = Vec::new();
    for _ in 0..12 {
        let changed = chat(&world).send().await.code() == 232004;
        assert_eq!(next, json!(changed), "after {said:?}");
        said.push(changed);
        next = get(&world, "/faults").await["faults"][0]["next"].clone();
    }
    assert_eq!(said.iter().filter(|changed| **changed).count(), 2, "{said:?}");
    assert!(!said[0], "it is skipped");
    let off = json!({"enabled": false, "skip": 0, "times": 100, "probability": 1});
    let off = world.control("PATCH", "/faults/f_01").body(off).send().await.data();
    assert_eq!(off["next"], false);
    let on = world.control("PATCH", "/faults/f_01").body(json!({"enabled": true})).send().await.data();
    assert_eq!(on["next"], true);
    world.control("PATCH", "/faults/f_01").body(json!({"for_s": 60})).send().await.data();
    world.control("PUT", "/clock").body(json!({"advance_seconds": 61})).send().await.data();
    assert_eq!(get(&world, "/faults").await["faults"][0]["next"], false, "its time is over");
}

/// The next sign-in fails in the two ways that an app must expect.
#[tokio::test]
async fn a_sign_in_that_ends_otherwise() {
    let world = world().await;
    let user = format!("{}/{}", world.tenant_key, world.users[0].user_id);
    let sign_in = async || {
        let pairs = [
            ("client_id", world.app_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost:3000/callback?a=1"),
            ("state", "mine"),
            ("decision", "allow"),
            ("user", user.as_str()),
        ];
        let reply = world.lab.answer_page(&pairs).await.send().await;
        assert_eq!(reply.status(), 302, "{}", reply.text());
        reply.response.location.clone().expect("an address")
    };
    let good = |address: &str| address.contains("&code=") && address.ends_with("&state=mine");
    assert!(good(&sign_in().await));
    add(&world, json!({"preset": "sign-in-denied"})).await;
    let denied = sign_in().await;
    assert_eq!(denied, "http://localhost:3000/callback?a=1&error=access_denied&state=mine");
    assert_eq!(counts(&world).await, [("f_01".to_owned(), 1, 1)]);
    assert!(good(&sign_in().await), "once");
    add(&world, json!({"preset": "sign-in-wrong-state"})).await;
    let wrong = sign_in().await;
    assert!(wrong.contains("?a=1&code=") && wrong.ends_with("&state=wrong-state"), "{wrong}");
    assert!(good(&sign_in().await), "once");
    let two = json!({"effect": {"sign_in": {"result": "denied"}, "drop": {}}});
    declined(&world.control("POST", "/faults").body(two).send().await, 5275400, "effect");
    let wrong = json!({"effect": {"sign_in": {"result": "x"}}});
    declined(&world.control("POST", "/faults").body(wrong).send().await, 5275400, "effect.sign_in.result");
}

#[tokio::test]
async fn matches_order_and_time() {
    let world = world().await;
    let refuse = |code: u32| json!({"refuse": {"code": code}});
    add(&world, json!({"id": "last", "effect": refuse(232004)})).await;
    add(
        &world,
        json!({"id": "body", "match": {"body": {"name": {"contains": "x"}}}, "effect": refuse(232019)}),
    )
    .await;
    add(&world, json!({"id": "who", "match": {"header": {"User-Agent": {"contains": "python"}}}, "effect": refuse(2200)}))
        .await;
    let path = format!("/im/v1/chats/{}", world.chat_id);
    let rename = |name: &str| world.call("PUT", &path).body(json!({"name": name}));
    rename("xy").send().await.refused(232019);
    rename("y").send().await.refused(232004);
    rename("xy").header("User-Agent", "oapi-sdk-python/1").send().await.refused(2200);
    let seen = newest(&world).await;
    let preview =
        world.control("POST", "/faults/preview").body(json!({"log_id": seen["log_id"]})).send().await.data();
    let ids: Vec<String> =
        preview["matching"].as_array().expect("rules").iter().map(|one| text(one, "id")).collect();
    assert_eq!(ids, ["who", "body", "last"]);
    world.control("POST", "/faults/order").body(json!({"ids": ["last", "who", "body"]})).send().await.data();
    rename("xy").send().await.refused(232004);
    declined(
        &world.control("POST", "/faults/order").body(json!({"ids": ["last"]})).send().await,
        5275400,
        "ids",
    );
    world.control("PATCH", "/faults/last").body(json!({"enabled": false})).send().await.data();
    world.control("DELETE", "/faults/who").send().await.data();
    rename("y").send().await.data();
    declined(&world.control("DELETE", "/faults/who").send().await, 5275404, "fault_id");
    declined(&world.control("PATCH", "/faults/who").body(json!({})).send().await, 5275404, "fault_id");

    // A rule of another world changes nothing here, and one with a time ends by the world's clock.
    let other = world.lab.world().await;
    assert_eq!(chat(&other).send().await.code(), 0);
    let list = json!({"faults": [{"effect": refuse(232004), "for_s": 60}]});
    world.control("PUT", "/faults").body(list).send().await.data();
    chat(&world).send().await.refused(232004);
    world.advance(61).await;
    assert_eq!(chat(&world).send().await.code(), 0);
}

#[tokio::test]
async fn what_a_rule_may_not_be() {
    let world = world().await;
    for (rule, field) in [
        (json!({"effect": {}}), "effect"),
        (json!({"match": {}}), "effect"),
        (json!({"effect": {"delay": {"ms": 1}, "slow": {"bytes_per_s": 100}}}), "effect"),
        (json!({"effect": {"refuse": {"code": 4_242_424}}}), "effect.refuse.code"),
        (json!({"effect": {"delay": {"ms": 60_001}}}), "effect.delay.ms"),
        (json!({"effect": {"delay": {"ms": 1}}, "probability": 1.5}), "probability"),
        (json!({"effect": {"delay": {"ms": 1}}, "probability": "often"}), "probability"),
        (json!({"effect": {"delay": {"ms": 1}}, "id": "a b"}), "id"),
        (json!({"effect": {"delay": {"ms": 1}}, "match": {"code": 0}}), "match.code"),
        (json!({"effect": {"delay": {"ms": 1}}, "probabilty": 1}), "probabilty"),
        (json!({"preset": "token-droped"}), "preset"),
    ] {
        declined(&world.control("POST", "/faults").body(rule).send().await, 5275400, field);
    }
    let reply = world.control("POST", "/faults").body(json!({"preset": "token-droped"})).send().await;
    assert!(reply.text().contains("token-dropped"), "{}", reply.text());
    add(&world, json!({"id": "a", "effect": {"delay": {"ms": 1}}})).await;
    let twice = world.control("POST", "/faults").body(json!({"id": "a", "effect": {"delay": {"ms": 1}}}));
    declined(&twice.send().await, 5275400, "id");
}

/// The same calls of a thousand, on any store and on two servers in turn.
#[tokio::test]
async fn the_same_calls_on_every_store_and_server() {
    let world = world().await;
    let beside = world.lab.beside().await;
    let rule = json!({"id": "f_01", "effect": {"refuse": {"code": 232004}}, "probability": 0.3, "seed": 42});
    add(&world, rule).await;
    let mut refused = Vec::new();
    for n in 1..=1000_u32 {
        let call = chat(&world);
        let call = match &beside {
            Some(other) if n % 2 == 0 => call.of(other),
            _ => call,
        };
        if call.send().await.code() == 232004 {
            refused.push(n);
        }
    }
    assert_eq!(refused[..FIRST.len()], *FIRST);
    assert_eq!(refused.len(), 320);
    assert_eq!(counts(&world).await, [("f_01".to_owned(), 1000, 320)]);
}

/// The first of them, written down.
const FIRST: &[u32] = &[1, 14, 17, 25, 26, 30, 32, 34, 37];
