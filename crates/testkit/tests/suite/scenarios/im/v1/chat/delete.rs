//! `DELETE /im/v1/chats/:chat_id`

use larkspur_testkit::{Lab, Request, World};
use serde_json::json;

fn dissolve(world: &World, chat: &str) -> Request {
    world.call("DELETE", &format!("/im/v1/chats/{chat}"))
}

#[tokio::test]
async fn a_dissolved_chat_is_shown_and_nothing_else() {
    let world = Lab::start().await.world().await;
    let chat = world.chat_id.clone();
    assert_eq!(dissolve(&world, &chat).send().await.data(), json!({}));
    let shown = world.call("GET", &format!("/im/v1/chats/{chat}")).send().await.data();
    assert_eq!((&shown["chat_status"], &shown["user_count"]), (&json!("dissolved"), &json!("3")));
    dissolve(&world, &chat).send().await.refused(232009);
    let listed = world.call("GET", "/im/v1/chats").send().await.data();
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn who_may_dissolve() {
    let world = Lab::start().await.world().await;
    let user = |n: usize| world.user_token(n, json!({}));
    let (owner, member) = (user(0).await, user(1).await);
    let chat = world.chat_id.clone();
    dissolve(&world, &chat).token(&member).send().await.refused(232017);
    let path = format!("/chats/{chat}/members/{}", world.users[1].user_id);
    world.control("PUT", &path).body(json!({"manager": true})).send().await.data();
    dissolve(&world, &chat).token(&member).send().await.refused(232017);
    world.set_app(&world.app_id, json!({"scopes": ["im:chat"]})).await;
    dissolve(&world, &chat).send().await.refused(232017);
    dissolve(&world, &chat).token(&owner).send().await.data();

    let left = world.chat(json!({"owner": world.users[0].user_id, "creator_app": world.app_id})).await;
    dissolve(&world, &left).send().await.refused(232011);
    world.set_app(&world.app_id, json!({"scopes": ["im:chat:delete", "im:chat:operate_as_owner"]})).await;
    dissolve(&world, &left).send().await.data();
    let owned = world.chat(json!({"owner": world.app_id})).await;
    dissolve(&world, &owned).send().await.data();
}

#[tokio::test]
async fn the_chat_must_be_a_group() {
    let lab = Lab::start().await;
    let (world, other) = (lab.world().await, lab.world().await);
    dissolve(&world, "x").send().await.refused(232006);
    dissolve(&world, &other.chat_id).send().await.refused(232010);
    let topic = world.chat(json!({"chat_mode": "topic", "owner": world.app_id})).await;
    dissolve(&world, &topic).send().await.refused(232008);
    let parties = json!({"chat_mode": "p2p", "members": [world.app_id, world.users[0].user_id]});
    let p2p = world.chat(parties).await;
    dissolve(&world, &p2p).send().await.refused(232008);
    world.set_app(&world.app_id, json!({"visible_to": []})).await;
    dissolve(&world, &p2p).send().await.refused(232024);
    let external = world.chat(json!({"external": true, "owner": world.app_id})).await;
    dissolve(&world, &external).send().await.refused(232033);
    world.set_app(&world.app_id, json!({"bot": false})).await;
    dissolve(&world, &world.chat_id).send().await.refused(232025);
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    dissolve(&world, &world.chat_id).send().await.refused(232034);
}
