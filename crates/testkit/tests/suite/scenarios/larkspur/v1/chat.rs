//! Chats in any state.

use serde_json::{Value, json};

use super::get;
use crate::scenarios::{text, world};

#[tokio::test]
async fn chats() {
    let world = world().await;
    let [owner, manager, member] = [0, 1, 2].map(|n| world.users[n].user_id.as_str());
    let settings = json!({"edit_permission": "only_owner"});
    let body = json!({
        "chat_mode": "topic", "chat_type": "public", "chat_tag": "department", "chat_status": "dissolved_save", "external": true,
        "name": "n", "description": "d", "i18n_names": {"ja_jp": "j"}, "owner": owner, "managers": [manager, owner],
        "members": [member, manager, world.app_id], "creator_app": world.app_id, "group_message_type": "thread",
        "manage_widgets": "only_owner", "settings": settings,
        "tabs": [{"tab_type": "pin"}, {"tab_type": "url", "tab_name": "t", "target": "https://a"}]
    });
    let made = world.control("POST", "/chats").body(body.clone()).send().await.data();
    for same in [
        "chat_mode",
        "chat_type",
        "chat_tag",
        "chat_status",
        "external",
        "name",
        "description",
        "i18n_names",
        "owner",
        "creator_app",
        "group_message_type",
        "manage_widgets",
    ] {
        assert_eq!(made[same], body[same], "{same}");
    }
    assert_eq!(made["settings"]["edit_permission"], "only_owner");
    let role = |chat: &Value, who: &str| {
        let members = chat["members"].as_array().expect("members");
        members.iter().find(|one| one["member"] == who).map(|one| text(one, "role"))
    };
    for (who, expected) in
        [(owner, "owner"), (manager, "manager"), (member, "member"), (&world.app_id, "member")]
    {
        assert_eq!(role(&made, who).as_deref(), Some(expected));
    }
    assert_eq!(made["tabs"][0]["tab_type"], "message");
    assert_eq!(made["tabs"][2]["target"], "https://a");
    let path = format!("/chats/{}", text(&made, "chat_id"));
    assert_eq!(get(&world, &path).await, made);

    let patch = async |body: Value| world.control("PATCH", &path).body(body).send().await.data();
    assert_eq!(patch(json!({})).await, made, "what is absent is left");
    let changed = patch(
        json!({"chat_status": "normal", "settings": {"at_all_permission": "only_owner"}, "owner": member}),
    )
    .await;
    assert_eq!((&changed["chat_status"], &changed["owner"]), (&json!("normal"), &json!(member)));
    assert_eq!(changed["settings"]["edit_permission"], "only_owner");
    assert_eq!(changed["settings"]["at_all_permission"], "only_owner");

    let put = async |who: &str, body: Value| {
        world.control("PUT", &format!("{path}/members/{who}")).body(body).send().await.data()
    };
    assert_eq!(
        role(&put(&world.app_id, json!({"manager": true})).await, &world.app_id).as_deref(),
        Some("manager")
    );
    assert_eq!(role(&put(&world.app_id, json!({})).await, &world.app_id).as_deref(), Some("manager"));
    assert_eq!(
        role(&put(&world.app_id, json!({"manager": false})).await, &world.app_id).as_deref(),
        Some("member")
    );
    let remove =
        async |who: &str| world.control("DELETE", &format!("{path}/members/{who}")).send().await.data();
    assert_eq!(role(&remove(manager).await, manager), None);
    let without = remove(member).await;
    assert!(without.get("owner").is_none(), "{without}");
    assert_eq!(get(&world, &path).await, without);
}
