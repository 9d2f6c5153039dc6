//! Planned refusals.

use larkspur_testkit::World;
use serde_json::{Value, json};

use super::{declined, get};
use crate::scenarios::world;

#[tokio::test]
async fn planned_refusals() {
    let world = world().await;
    let get = || world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send();
    let tags = || world.call("GET", "/im/v2/tags").query("ids", "1").send();
    let plan = |operation: &str, body: Value| {
        world.control("PUT", &format!("/refusals/{operation}")).body(body).send()
    };
    declined(&plan("im.v1.chat.nothing", json!({"code": 232019})).await, 5275404, "operation");
    declined(
        &plan("auth.v3.tenant_access_token.internal", json!({"code": 10014})).await,
        5275404,
        "operation",
    );
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
