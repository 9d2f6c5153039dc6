//! Deleting a user.

use serde_json::{Value, json};

use crate::scenarios::{document, put_member, set_chat, share, world};

#[tokio::test]
async fn who_is_deleted_leaves_everything() {
    let world = world().await;
    let [owner, next, last] = [0, 1, 2].map(|n| world.users[n].user_id.clone());
    let get = async |path: String| -> Value { world.control("GET", &path).send().await.data() };
    let chat = async |id: &str| get(format!("/chats/{id}")).await;
    let delete = async |id: &str| world.control("DELETE", &format!("/users/{id}")).send().await;

    let with_bot = world.chat(json!({"owner": owner, "members": [world.app_id]})).await;
    let alone = world.chat(json!({"owner": owner})).await;
    let party = world.chat(json!({"chat_mode": "p2p", "members": [owner, next]})).await;
    let theirs = world.chat(json!({"owner": next, "members": [owner]})).await;
    let square = world.chat(json!({"owner": owner, "members": [world.app_id]})).await;
    for (who, manager) in [(&next, true), (&last, false)] {
        world.advance(1).await;
        put_member(&world, &square, who, manager).await;
    }
    let (shared, _) = document(&world, json!({"owner": owner})).await;
    share(&world, &shared, &owner, "edit").await;
    share(&world, &shared, &next, "view").await;
    assert_eq!(chat(&square).await["owner"], owner);

    delete(&owner).await.data();
    delete(&owner).await.refused(5275404);
    world.control("GET", &format!("/users/{owner}")).send().await.refused(5275404);

    let left = chat(&square).await;
    let text = left.to_string();
    assert!(!text.contains(&owner), "{text}");
    assert_eq!(left["owner"], next, "who joined first");
    let info = world.call("GET", &format!("/im/v1/chats/{}", square)).send().await.data();
    assert_eq!((&info["user_count"], &info["owner_id"]), (&json!("2"), &json!(world.users[1].open_id)));
    assert_eq!(info["user_manager_id_list"], json!([]), "an owner is no manager");
    assert_eq!(chat(&with_bot).await["owner"], world.app_id, "no user is left");
    assert_eq!(chat(&with_bot).await["chat_status"], "normal");
    assert_eq!(chat(&alone).await["chat_status"], "dissolved");
    assert_eq!(chat(&party).await["chat_status"], "dissolved");
    assert_eq!(chat(&theirs).await["owner"], next, "as it was");
    let shown = get(format!("/documents/{shared}")).await;
    assert_eq!(shown["collaborators"], json!([{"member": next, "perm": "view"}]));
    assert!(!shown.to_string().contains(&owner), "{shown}");

    let found = world.call("GET", &format!("/contact/v3/users/{owner}")).query("user_id_type", "user_id");
    found.send().await.refused(99992360);
    let found = world.call("GET", &format!("/contact/v3/users/{}", world.users[0].open_id));
    found.send().await.refused(99992351);

    // All users are deleted: the remaining bot owns the chat.
    delete(&next).await.data();
    delete(&last).await.data();
    let left = chat(&square).await;
    assert_eq!((&left["owner"], &left["chat_status"]), (&json!(world.app_id), &json!("normal")));
    assert_eq!(chat(&theirs).await["chat_status"], "dissolved");
    world.control("DELETE", "/users/unknown").send().await.refused(5275404);
}

#[tokio::test]
async fn who_waits_waits_no_longer() {
    let world = world().await;
    let made = world.control("POST", "/users").body(json!({"user_id": "waiting"})).send().await.data();
    assert_eq!(made["user_id"], "waiting");
    let pending = format!("/chats/{}/pending", world.chat_id);
    set_chat(&world, &world.chat_id, json!({"settings": {"membership_approval": "approval_required"}})).await;
    let add = json!({"id_list": ["waiting"]});
    let path = format!("/im/v1/chats/{}/members?member_id_type=user_id", world.chat_id);
    let invites = world.user_token(1, json!({})).await;
    let answer = world.call("POST", &path).token(&invites).body(add).send().await.data();
    assert_eq!(answer["pending_approval_id_list"], json!(["waiting"]));
    assert!(world.control("GET", &pending).send().await.data().to_string().contains("waiting"));
    world.control("DELETE", "/users/waiting").send().await.data();
    assert!(!world.control("GET", &pending).send().await.data().to_string().contains("waiting"));
}
