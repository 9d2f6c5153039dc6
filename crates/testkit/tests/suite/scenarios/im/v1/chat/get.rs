//! `GET /im/v1/chats/:chat_id`

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{names, put_member, refused, set_chat, world};

fn get(world: &World, token: &str, chat_id: &str) -> Request {
    world.call("GET", &format!("/im/v1/chats/{chat_id}")).token(token)
}

#[tokio::test]
async fn what_a_member_sees() {
    let world = world().await;
    let reply = get(&world, &world.token, &world.chat_id).send().await;
    assert_eq!(reply.json()["msg"], "success");
    let seen = reply.data();
    assert_eq!(
        seen,
        json!({
            "avatar": seen["avatar"],
            "name": "Larkspur demo",
            "description": "Three people and a bot",
            "i18n_names": {},
            "owner_id": world.users[0].open_id,
            "owner_id_type": "open_id",
            "user_manager_id_list": [],
            "bot_manager_id_list": [],
            "urgent_setting": "all_members",
            "video_conference_setting": "all_members",
            "add_member_permission": "all_members",
            "share_card_permission": "allowed",
            "at_all_permission": "all_members",
            "edit_permission": "all_members",
            "group_message_type": "chat",
            "chat_mode": "group",
            "chat_type": "private",
            "chat_tag": "inner",
            "external": false,
            "tenant_key": world.tenant_key,
            "join_message_visibility": "all_members",
            "leave_message_visibility": "all_members",
            "membership_approval": "no_approval_required",
            "moderation_permission": "all_members",
            "restricted_mode_setting": {
                "status": false,
                "screenshot_has_permission_setting": "all_members",
                "download_has_permission_setting": "all_members",
                "message_has_permission_setting": "all_members"
            },
            "hide_member_count_setting": "all_members",
            "pin_manage_setting": "all_members",
            "user_count": "3",
            "bot_count": "1",
            "chat_status": "normal"
        }),
        "no chat_id, and counts as strings"
    );
    let user = world.user_token(1, json!({})).await;
    assert_eq!(get(&world, &user, &world.chat_id).send().await.data(), seen);
    assert_eq!(
        get(&world, &user, &world.chat_id).body(json!({})).send().await.data(),
        seen,
        "as one client sends it"
    );
}

#[tokio::test]
async fn owner_and_managers_in_every_form_of_id() {
    let world = world().await;
    let (second, _) = world.app(json!({})).await;
    put_member(&world, &world.chat_id, &world.users[1].user_id, true).await;
    put_member(&world, &world.chat_id, &second, true).await;
    let [owner, manager] = [&world.users[0], &world.users[1]];
    for (form, owner, manager) in [
        ("open_id", &owner.open_id, &manager.open_id),
        ("union_id", &owner.union_id, &manager.union_id),
        ("user_id", &owner.user_id, &manager.user_id),
    ] {
        let seen = get(&world, &world.token, &world.chat_id).query("user_id_type", form).send().await.data();
        assert_eq!((&seen["owner_id"], &seen["owner_id_type"]), (&json!(owner), &json!(form)));
        assert_eq!(seen["user_manager_id_list"], json!([manager]));
        assert_eq!(seen["bot_manager_id_list"], json!([second]));
        assert_eq!((&seen["user_count"], &seen["bot_count"]), (&json!("3"), &json!("2")));
    }
    let reply = get(&world, &world.token, &world.chat_id).query("user_id_type", "email").send().await;
    reply.refused(99992402);
    assert_eq!(reply.violated(), ["user_id_type"]);
    set_chat(&world, &world.chat_id, json!({"owner": world.app_id})).await;
    let seen = get(&world, &world.token, &world.chat_id).send().await.data();
    assert!(seen.get("owner_id").is_none() && seen.get("owner_id_type").is_none(), "a bot owns it: {seen}");

    world.set_app(&world.app_id, json!({"scopes": ["im:chat:read"]})).await;
    get(&world, &world.token, &world.chat_id).send().await.data();
    get(&world, &world.token, &world.chat_id).query("user_id_type", "user_id").send().await.refused(99991672);
    world
        .set_app(&world.app_id, json!({"scopes": ["im:chat:read", "contact:user.employee_id:readonly"]}))
        .await;
    let user = world.user_token(1, json!({"scopes": ["im:chat:read"]})).await;
    get(&world, &user, &world.chat_id).query("user_id_type", "user_id").send().await.refused(99991679);
}

#[tokio::test]
async fn what_an_outsider_sees() {
    let world = world().await;
    let (_, bot) = world.app(json!({})).await;
    let made = world.control("POST", "/users").body(json!({"name": "Dora"})).send().await.data();
    let path = format!("/users/{}/tokens", made["user_id"].as_str().expect("an id"));
    let issued = world.control("POST", &path).body(json!({"app_id": world.app_id})).send().await.data();
    for token in [bot.as_str(), issued["access_token"].as_str().expect("a token")] {
        let seen = get(&world, token, &world.chat_id).send().await.data();
        let expected = json!({
            "avatar": seen["avatar"], "name": "Larkspur demo", "user_count": "3", "bot_count": "1", "chat_status": "normal"
        });
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn every_mode_and_state() {
    let world = world().await;
    let everybody = json!([world.users[0].user_id, world.app_id]);
    let see = async |body: Value| -> Value {
        let chat = world.chat(body).await;
        get(&world, &world.token, &chat).send().await.data()
    };
    let topic = see(
        json!({"chat_mode": "topic", "name": "t", "owner": world.users[0].user_id, "members": everybody}),
    )
    .await;
    assert_eq!(topic["chat_mode"], "topic");
    assert!(topic.get("group_message_type").is_none(), "{topic}");
    assert!(topic.get("owner_id").is_some() && topic.get("chat_type").is_some());

    let p2p = see(json!({"chat_mode": "p2p", "members": everybody})).await;
    assert_eq!(
        names(&p2p),
        [
            "avatar",
            "bot_count",
            "bot_manager_id_list",
            "chat_mode",
            "chat_status",
            "description",
            "edit_permission",
            "external",
            "hide_member_count_setting",
            "i18n_names",
            "moderation_permission",
            "restricted_mode_setting",
            "tenant_key",
            "urgent_setting",
            "user_count",
            "user_manager_id_list",
            "video_conference_setting"
        ]
    );
    assert_eq!((&p2p["user_count"], &p2p["bot_count"]), (&json!("1"), &json!("1")));

    for status in ["dissolved", "dissolved_save"] {
        let gone = see(json!({"chat_status": status, "members": everybody})).await;
        assert_eq!(gone["chat_status"], status);
    }
    let named = see(json!({"name": "", "i18n_names": {"zh_cn": "群"}, "members": everybody})).await;
    assert!(named.get("name").is_none(), "a name that is unset is left out: {named}");
    assert_eq!(named["i18n_names"], json!({"zh_cn": "群"}));
    let set = json!({
        "members": everybody,
        "settings": {"moderation_permission": "moderator_list", "share_card_permission": "not_allowed", "add_member_permission": "only_owner"}
    });
    let seen = see(set).await;
    assert_eq!(seen["moderation_permission"], "moderator_list");
    assert_eq!(
        (&seen["share_card_permission"], &seen["add_member_permission"]),
        (&json!("not_allowed"), &json!("only_owner"))
    );
}

#[tokio::test]
async fn refusals_in_their_order() {
    let world = world().await;
    let other = world.lab.world().await;
    let user = world.user_token(2, json!({})).await;
    let external = world.chat(json!({"external": true})).await;
    let p2p = world
        .chat(json!({"chat_mode": "p2p", "members": [world.users[0].user_id, world.users[1].user_id]}))
        .await;
    for token in [&world.token, &user] {
        for unknown in ["oc_00000000000000000000000000000000", "oc_x", "x"] {
            refused(&get(&world, token, unknown).send().await, 232006);
        }
        refused(&get(&world, token, &other.chat_id).send().await, 232010);
        let seen = get(&world, token, &external).send().await;
        if *token == user {
            assert_eq!(seen.data()["chat_status"], "normal", "a user is not asked for external sharing");
        } else {
            refused(&seen, 232033);
        }
        refused(&get(&world, token, &p2p).send().await, 232011);
        refused(&get(&world, token, "%00").send().await, 232001);
        world.set_app(&world.app_id, json!({"bot": false, "status": "disabled"})).await;
        refused(&get(&world, token, "oc_x").send().await, 232006);
        refused(&get(&world, token, &other.chat_id).send().await, 232025);
        refused(&get(&world, token, &external).send().await, 232025);
        world.set_app(&world.app_id, json!({"bot": true})).await;
        refused(&get(&world, token, &other.chat_id).send().await, 232034);
        refused(&get(&world, token, &world.chat_id).send().await, 232034);
        world.set_app(&world.app_id, json!({"status": "enabled"})).await;
    }
    world.set_app(&world.app_id, json!({"external_sharing": true})).await;
    assert_eq!(get(&world, &world.token, &external).send().await.data()["chat_status"], "normal");
    let first = world.user_token(0, json!({})).await;
    assert_eq!(get(&world, &first, &p2p).send().await.data()["chat_mode"], "p2p");
}
