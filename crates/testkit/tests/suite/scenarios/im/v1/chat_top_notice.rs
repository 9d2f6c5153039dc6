//! `POST /im/v1/chats/:chat_id/top_notice/put_top_notice` and `/delete_top_notice`

use larkspur_testkit::{Lab, Request, World};
use serde_json::{Value, json};

use super::message::{recall, said, tell};
use crate::scenarios::{put_member, set_chat, text};

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn put(world: &World, chat: &str, notices: Value) -> Request {
    let path = format!("/im/v1/chats/{chat}/top_notice/put_top_notice");
    world.call("POST", &path).body(json!({"chat_top_notice": notices}))
}

fn delete(world: &World, chat: &str) -> Request {
    world.call("POST", &format!("/im/v1/chats/{chat}/top_notice/delete_top_notice"))
}

async fn top(world: &World, chat: &str) -> Value {
    world.control("GET", &format!("/chats/{chat}")).send().await.data()["top_notice"].clone()
}

fn announcement() -> Value {
    json!([{"action_type": "2"}])
}

#[tokio::test]
async fn what_is_put_replaces_what_was() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    let message = json!({"action_type": "1", "message_id": said(&world, "x").await});
    let shown = json!({"action_type": "2", "message_id": ""});
    assert_eq!(top(&world, chat).await, json!([]));
    assert_eq!(put(&world, chat, json!([message])).send().await.data(), json!({}));
    assert_eq!(top(&world, chat).await, json!([message]));
    put(&world, chat, announcement()).send().await.data();
    assert_eq!(top(&world, chat).await, json!([shown]));
    put(&world, chat, json!([{}, message, {"message_id": "x"}, message])).send().await.data();
    assert_eq!(
        top(&world, chat).await,
        json!([shown, message]),
        "2 is the default, and each thing counts once"
    );
    for _ in 0..2 {
        assert_eq!(delete(&world, chat).send().await.data(), json!({}));
        assert_eq!(top(&world, chat).await, json!([]));
    }
    put(&world, chat, announcement()).send().await.data();
    delete(&world, chat).body(json!({})).send().await.data();
    assert_eq!(top(&world, chat).await, json!([]));
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    put(&world, chat, announcement()).send().await.data();
    for wrong in [
        json!([]),
        json!(null),
        json!([{"action_type": "3"}]),
        json!([{"action_type": "1"}]),
        json!([{"action_type": "1", "message_id": ""}]),
        json!([{"action_type": "1", "message_id": "om_x"}]),
        json!([{"action_type": "1", "message_id": said(&world, "x").await.to_uppercase()}]),
        json!([{"action_type": "1", "message_id": "om_dc13264520392913993dd051dba21dcf"}]),
        json!([{"action_type": "2"}, {"action_type": "1", "message_id": "x"}]),
        json!(vec![json!({}); 11]),
    ] {
        put(&world, chat, wrong).send().await.refused(232001);
    }
    let path = format!("/im/v1/chats/{chat}/top_notice/put_top_notice");
    world.call("POST", &path).send().await.refused(232001);
    assert_eq!(top(&world, chat).await, json!([{"action_type": "2", "message_id": ""}]), "nothing changed");
}

#[tokio::test]
async fn who_may() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    let (owner, member) = (world.user_token(0, json!({})).await, world.user_token(1, json!({})).await);
    for token in [&owner, &member, &world.token] {
        put(&world, chat, announcement()).token(token).send().await.data();
        delete(&world, chat).token(token).send().await.data();
    }
    set_chat(&world, chat, json!({"manage_widgets": "only_owner"})).await;
    put(&world, chat, announcement()).token(&owner).send().await.data();
    for token in [&member, &world.token] {
        put(&world, chat, announcement()).token(token).send().await.refused(232014);
        delete(&world, chat).token(token).send().await.refused(232014);
    }
    put_member(&world, chat, &world.users[1].user_id, true).await;
    put(&world, chat, announcement()).token(&member).send().await.data();
    delete(&world, chat).token(&member).send().await.data();
    let parties = json!({"chat_mode": "p2p", "manage_widgets": "only_owner", "members": [world.app_id, world.users[1].user_id]});
    let p2p = world.chat(parties).await;
    let sent = text(&tell(&world, "chat_id", &p2p, "x").send().await.data(), "message_id");
    put(&world, &p2p, json!([{"action_type": "1", "message_id": sent}])).send().await.data();
    world.set_app(&world.app_id, json!({"visible_to": [world.users[0].user_id]})).await;
    put(&world, &p2p, announcement()).send().await.refused(232024);
    delete(&world, &p2p).send().await.refused(232024);
}

#[tokio::test]
async fn a_message_must_be_one_of_the_chat() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    let message = |id: &str| json!({"action_type": "1", "message_id": id});
    let (one, two) = (said(&world, "1").await, said(&world, "2").await);
    let elsewhere = tell(&world, "open_id", &world.users[1].open_id, "x").send().await.data();
    let other = said(&world.lab.world().await, "x").await;
    let shown = json!({"action_type": "2", "message_id": ""});
    put(&world, chat, json!([message(&one), {}, message(&two)])).send().await.data();
    for wrong in [&text(&elsewhere, "message_id"), &other] {
        let reply = put(&world, chat, json!([message(wrong)])).send().await;
        reply.refused(232001);
        assert_eq!(reply.violated(), ["chat_top_notice[*].message_id"]);
    }
    assert_eq!(top(&world, chat).await, json!([message(&one), shown, message(&two)]));
    recall(&world, &one).send().await.data();
    assert_eq!(top(&world, chat).await, json!([shown, message(&two)]), "a recall takes the message down");
    put(&world, chat, json!([message(&one)])).send().await.refused(232001);
    put(&world, chat, json!([message(&two), message(&two)])).send().await.data();
    assert_eq!(top(&world, chat).await, json!([message(&two)]));
}

#[tokio::test]
async fn the_chat_must_be_one_of_the_operator() {
    let lab = Lab::start().await;
    let (world, other) = (lab.world().await, lab.world().await);
    let both = async |chat: &str, code: u32| {
        let refused = put(&world, chat, announcement()).send().await.refused(code);
        assert_eq!(refused["msg"], delete(&world, chat).send().await.refused(code)["msg"]);
        refused["msg"].clone()
    };
    both("oc_x", 232001).await;
    both("oc_00000000000000000000000000000000", 232001).await;
    both(&other.chat_id, 232010).await;
    both(&world.chat(json!({"chat_status": "dissolved", "members": [world.app_id]})).await, 232009).await;
    both(&world.chat(json!({})).await, 232011).await;
    world.set_app(&world.app_id, json!({"external_sharing": false})).await;
    both(&world.chat(json!({"external": true, "owner": world.app_id})).await, 232033).await;
    world.set_app(&world.app_id, json!({"bot": false})).await;
    both(&world.chat_id, 232025).await;
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    assert_eq!(both(&world.chat_id, 232034).await, "The app is unavailable or inactivate in the tenant.");
}
