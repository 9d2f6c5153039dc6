//! Planned refusals.

use larkspur_testkit::World;
use serde_json::{Value, json};

use super::{declined, get};
use crate::scenarios::{text, world};

#[tokio::test]
async fn planned_refusals() {
    let world = world().await;
    let get = || world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send();
    let tags = || world.call("GET", "/im/v2/tags").query("ids", "1").send();
    let plan = |operation: &str, body: Value| {
        world.control("PUT", &format!("/refusals/{operation}")).body(body).send()
    };
    declined(&plan("im.v1.chat.nothing", json!({"code": 232019})).await, 5275404, "operation");
    declined(&plan("larkspur.v1.world.get", json!({"code": 5275404})).await, 5275404, "operation");
    for code in [json!(0), json!(-1), json!(232092), json!(99991663), json!(i64::MAX)] {
        declined(&plan("im.v1.chat.get", json!({"code": code})).await, 5275400, "code");
    }
    for times in [0, -1, 1_000_001] {
        declined(&plan("im.v1.chat.get", json!({"code": 232006, "times": times})).await, 5275400, "times");
    }
    declined(&world.control("DELETE", "/refusals/im.v1.chat.get").send().await, 5275404, "operation");
    assert_eq!(get().await.code(), 0);

    // This many calls of the operation are refused; then it works as before.
    plan("im.v1.chat.get", json!({"code": 232004, "times": 2})).await.data();
    assert_eq!(tags().await.code(), 0);
    get().await.refused(232004);
    let left = || async { get_refusals(&world).await };
    assert_eq!(left().await, json!([{"operation": "im.v1.chat.get", "code": 232004, "remaining": 1}]));
    get().await.refused(232004);
    assert_eq!(get().await.code(), 0);
    assert_eq!(left().await[0]["remaining"], 0);

    // A later plan replaces it; a canceled one refuses nothing; other worlds are unaffected.
    plan("im.v1.chat.get", json!({"code": 232004, "times": 9})).await.data();
    plan("im.v1.chat.get", json!({"code": 2200})).await.data();
    let other = world.lab.world().await;
    assert_eq!(other.call("GET", &format!("/im/v1/chats/{}", other.chat_id)).send().await.code(), 0);
    get().await.refused(2200);
    plan("im.v1.chat.get", json!({"code": 232004})).await.data();
    plan("im.v2.tag.list", json!({"code": 5000})).await.data();
    world.control("DELETE", "/refusals/im.v1.chat.get").send().await.data();
    assert_eq!(get().await.code(), 0);
    tags().await.refused(5000);
    world.control("DELETE", "/refusals/im.v2.tag.list").send().await.data();
    assert_eq!(left().await, json!([]));
}

async fn get_refusals(world: &World) -> Value {
    get(world, "/refusals").await["refusals"].clone()
}

#[tokio::test]
async fn a_planned_refusal_refuses_as_often_as_it_says_among_many_callers() {
    let world = world().await;
    let body = json!({"code": 232019, "times": 7});
    world.control("PUT", "/refusals/im.v1.chat.update").body(body).send().await.data();
    let update = || world.call("PUT", &format!("/im/v1/chats/{}", world.chat_id)).body(json!({"name": "n"}));
    let calls: Vec<_> = (0..20).map(|_| tokio::spawn(update().send())).collect();
    let mut refused = 0;
    for call in calls {
        let reply = call.await.expect("an answer");
        refused += i32::from(reply.code() == 232019);
        assert!([0, 232019].contains(&reply.code()), "{}", reply.text());
    }
    assert_eq!(refused, 7);
}

const ID: &str = "refusal-im.v1.chat.get";

/// Each is a rule of the world's faults: it is shown there, in a preview and in the record of a call, and removed there.
#[tokio::test]
async fn a_planned_refusal_is_a_fault_rule() {
    let world = world().await;
    let path = format!("/im/v1/chats/{}", world.chat_id);
    let call = || world.call("GET", &path).send();
    let plan = |operation: &str, body: Value| {
        world.control("PUT", &format!("/refusals/{operation}")).body(body).send()
    };
    world.control("POST", "/faults").body(json!({"effect": {"refuse": {"code": 2200}}})).send().await.data();
    plan("im.v1.chat.get", json!({"code": 232004, "times": 3})).await.data();
    let rules = get(&world, "/faults").await["faults"].clone();
    assert_eq!((&rules[0]["id"], &rules[1]["id"]), (&json!(ID), &json!("f_01")), "it is the first one");
    assert_eq!(rules[0]["match"], json!({"operation": "im.v1.chat.get"}));
    assert_eq!(rules[0]["effect"], json!({"refuse": {"code": 232004}}));
    assert_eq!((&rules[0]["times"], &rules[0]["hits"]), (&json!(3), &json!(0)));

    let refused = call().await;
    refused.refused(232004);
    let log_id = refused.response.header("x-tt-logid").expect("a log id").into_owned();
    let record = get(&world, &format!("/traffic/{log_id}")).await;
    assert_eq!((&record["outcome"], &record["fault"]), (&json!("injected"), &json!(ID)));
    let asked = world.control("POST", "/faults/preview").body(json!({"log_id": log_id}));
    assert_eq!(asked.send().await.data()["matching"][0]["id"], ID);
    assert_eq!(get_refusals(&world).await[0]["remaining"], 2);

    // A rule that is not used refuses nothing, and one with this id that is something else is no planned refusal.
    let own = format!("/faults/{ID}");
    world.control("PATCH", &own).body(json!({"enabled": false})).send().await.data();
    call().await.refused(2200);
    assert_eq!(get_refusals(&world).await[0]["remaining"], 0);
    let slow = json!({"effect": {"delay": {"ms": 0}}});
    world.control("PATCH", &own).body(slow).send().await.data();
    assert_eq!(get_refusals(&world).await, json!([]));
    declined(&world.control("DELETE", "/refusals/im.v1.chat.get").send().await, 5275404, "operation");

    // It is removed with the other rules, and can be put back among them.
    plan("im.v1.chat.get", json!({"code": 232004})).await.data();
    world.control("DELETE", "/faults").send().await.data();
    assert_eq!(get_refusals(&world).await, json!([]));
    assert_eq!(call().await.code(), 0);
    let rule = json!({"id": ID, "match": rules[0]["match"], "effect": rules[0]["effect"], "times": 2});
    world.control("PUT", "/faults").body(json!({"faults": [rule]})).send().await.data();
    let expected = json!([{"operation": "im.v1.chat.get", "code": 232004, "remaining": 2}]);
    assert_eq!(get_refusals(&world).await, expected);
    world.control("DELETE", &own).send().await.data();
    assert_eq!(call().await.code(), 0);
}

/// What an earlier step refuses is refused there.
#[tokio::test]
async fn a_planned_refusal_is_answered_at_its_step() {
    let world = world().await;
    let plan =
        |code: u32| world.control("PUT", "/refusals/im.v1.chat.update").body(json!({"code": code})).send();
    let update =
        |body: Value| world.call("PUT", &format!("/im/v1/chats/{}", world.chat_id)).body(body).send();
    plan(232019).await.data();
    update(json!({"chat_type": 3})).await.refused(9499);
    assert_eq!(get_refusals(&world).await[0]["remaining"], 0, "it counts all the same");
    plan(99991400).await.data();
    let limited = update(json!({"chat_type": 3})).await;
    limited.refused(99991400);
    assert!(limited.response.header("x-ogw-ratelimit-reset").is_some());
    plan(232019).await.data();
    update(json!({"name": "n"})).await.refused(232019);
}

/// Also an operation without an access token is refused: in the world of the app, or of the custom bot, that it names.
#[tokio::test]
async fn calls_without_an_access_token_are_refused_as_planned() {
    let world = world().await;
    let plan = |operation: &str, body: Value| {
        world.control("PUT", &format!("/refusals/{operation}")).body(body).send()
    };
    let operation = "auth.v3.tenant_access_token.internal";
    plan(operation, json!({"code": 10014})).await.data();
    let sign_in = |of: &World| {
        let body = json!({"app_id": of.app_id, "app_secret": of.app_secret});
        world.lab.request("POST", "/open-apis/auth/v3/tenant_access_token/internal").body(body).send()
    };
    let other = world.lab.world().await;
    assert_eq!(sign_in(&other).await.code(), 0);
    let refused = sign_in(&world).await;
    refused.refused(10014);
    let log_id = refused.response.header("x-tt-logid").expect("a log id").into_owned();
    assert_eq!(get(&world, &format!("/traffic/{log_id}")).await["fault"], format!("refusal-{operation}"));
    assert_eq!(sign_in(&world).await.code(), 0, "once");

    let made = world.control("POST", &format!("/chats/{}/hooks", world.chat_id)).body(json!({}));
    let url = text(&made.send().await.data(), "url").replace("http://localhost", "");
    let say = || {
        let body = json!({"msg_type": "text", "content": {"text": "x"}});
        world.lab.request("POST", &url).body(body).send()
    };
    plan("bot.v2.hook.send", json!({"code": 11232})).await.data();
    assert_eq!(say().await.code(), 11232);
    assert_eq!(say().await.code(), 0);
}

/// Refusals that were used up are shown until their room is needed.
#[tokio::test]
async fn a_full_world_forgets_what_was_used_up() {
    let world = world().await;
    let plan = || world.control("PUT", "/refusals/im.v1.chat.get").body(json!({"code": 232004})).send();
    let effect = json!({"delay": {"ms": 0}});
    let rules: Vec<Value> = (0..63).map(|_| json!({"effect": effect, "match": {"method": "PUT"}})).collect();
    world.control("PUT", "/faults").body(json!({"faults": rules})).send().await.data();
    let tags = json!({"code": 5000});
    world.control("PUT", "/refusals/im.v2.tag.list").body(tags).send().await.data();
    declined(&plan().await, 5275400, "faults");
    world.call("GET", "/im/v2/tags").query("ids", "1").send().await.refused(5000);
    assert_eq!(get_refusals(&world).await[0]["operation"], "im.v2.tag.list");
    plan().await.data();
    let left = json!([{"operation": "im.v1.chat.get", "code": 232004, "remaining": 1}]);
    assert_eq!(get_refusals(&world).await, left);
}
