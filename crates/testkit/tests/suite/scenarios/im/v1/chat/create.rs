//! `POST /im/v1/chats`

use std::collections::BTreeSet;

use larkspur_testkit::{Reply, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{issued_token, isv_app, open_id, refused, set_chat, tabs_path, text, upload, world};

fn create(world: &World, body: Value) -> Request {
    world.call("POST", "/im/v1/chats").body(body)
}

/// The stored chat.
async fn kept(world: &World, chat_id: &str) -> Value {
    world.control("GET", &format!("/chats/{chat_id}")).send().await.data()
}

/// The members of a chat and their roles.
async fn people(world: &World, chat_id: &str) -> BTreeSet<(String, String)> {
    let kept = kept(world, chat_id).await;
    let members = kept["members"].as_array().expect("a list").iter();
    members.map(|one| (text(one, "member"), text(one, "role"))).collect()
}

fn pairs(list: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    list.iter().map(|(who, role)| ((*who).to_owned(), (*role).to_owned())).collect()
}

#[tokio::test]
async fn with_nothing_said() {
    let world = world().await;
    let reply = world.call("POST", "/im/v1/chats").send().await;
    assert_eq!(reply.json()["msg"], "success");
    let made = reply.data();
    let chat_id = text(&made, "chat_id");
    assert!(chat_id.len() == 35 && chat_id.starts_with("oc_"), "{chat_id}");
    assert!(text(&made, "avatar").starts_with("https://"));
    assert_eq!(
        made,
        json!({
            "chat_id": chat_id,
            "avatar": made["avatar"],
            "name": "(无主题)",
            "description": "",
            "i18n_names": {},
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
            "pin_manage_setting": "all_members"
        }),
        "the owner is a bot, so that owner_id and owner_id_type are left out"
    );
    assert_eq!(people(&world, &chat_id).await, pairs(&[(&world.app_id, "owner")]));
    let tabs = world.call("GET", &format!("{}/list_tabs", tabs_path(&chat_id))).send().await.data();
    assert_eq!(tabs["chat_tabs"].as_array().expect("a list").len(), 1);
    assert_eq!(tabs["chat_tabs"][0]["tab_type"], "message");
}

#[tokio::test]
async fn with_everything_said() {
    let world = world().await;
    let (second, _) = world.app(json!({})).await;
    let avatar = upload(&world, &world.token, "avatar").await;
    let restricted = json!({
        "status": true,
        "screenshot_has_permission_setting": "not_anyone",
        "download_has_permission_setting": "all_members",
        "message_has_permission_setting": "not_anyone"
    });
    let body = json!({
        "avatar": avatar,
        "name": "群聊",
        "description": "about 😀",
        "i18n_names": {"zh_cn": "群聊", "en_us": "a group", "ja_jp": "グループ"},
        "owner_id": world.users[1].open_id,
        "user_id_list": [world.users[0].open_id, world.users[1].open_id, world.users[0].open_id],
        "bot_id_list": [second, world.app_id],
        "group_message_type": "thread",
        "chat_mode": "group",
        "chat_type": "public",
        "join_message_visibility": "only_owner",
        "leave_message_visibility": "not_anyone",
        "membership_approval": "approval_required",
        "restricted_mode_setting": restricted,
        "urgent_setting": "only_owner",
        "video_conference_setting": "only_owner",
        "edit_permission": "only_owner",
        "hide_member_count_setting": "only_owner",
        "pin_manage_setting": "only_owner",
        "unknown": true
    });
    let request =
        create(&world, body.clone()).query("user_id_type", "open_id").query("set_bot_manager", "True");
    let made = request.send().await.data();
    let chat_id = text(&made, "chat_id");
    assert!(text(&made, "avatar").contains(&avatar));
    let mut expected = body;
    let fields = expected.as_object_mut().expect("an object");
    for gone in ["user_id_list", "bot_id_list", "unknown"] {
        fields.remove(gone);
    }
    fields.extend(
        json!({
            "avatar": made["avatar"], "chat_id": chat_id, "owner_id_type": "open_id", "add_member_permission": "all_members",
            "share_card_permission": "allowed", "at_all_permission": "all_members", "chat_tag": "inner", "external": false,
            "tenant_key": world.tenant_key, "moderation_permission": "all_members"
        })
        .as_object()
        .expect("an object")
        .clone(),
    );
    assert_eq!(made, expected);
    let user = |n: usize| world.users[n].user_id.as_str();
    let all =
        pairs(&[(user(1), "owner"), (user(0), "member"), (&world.app_id, "manager"), (&second, "member")]);
    assert_eq!(people(&world, &chat_id).await, all);
    let kept = kept(&world, &chat_id).await;
    assert_eq!(kept["members"].as_array().expect("a list").len(), 4, "everybody once");
    assert_eq!(kept["creator_app"], world.app_id);
}

#[tokio::test]
async fn who_owns_it() {
    let world = world().await;
    let user = &world.users[0];
    // The bot always joins, and becomes a manager if the call asks for it and it is not the owner.
    for (query, role) in [("false", "member"), ("true", "manager"), ("0", "member"), ("1", "manager")] {
        let made = create(&world, json!({"owner_id": user.open_id}))
            .query("set_bot_manager", query)
            .send()
            .await
            .data();
        assert_eq!((&made["owner_id"], &made["owner_id_type"]), (&json!(user.open_id), &json!("open_id")));
        let found = people(&world, &text(&made, "chat_id")).await;
        assert_eq!(found, pairs(&[(&user.user_id, "owner"), (&world.app_id, role)]));
    }
    let made = create(&world, json!({"owner_id": ""})).query("set_bot_manager", "true").send().await.data();
    assert_eq!(people(&world, &text(&made, "chat_id")).await, pairs(&[(&world.app_id, "owner")]));
    assert!(made.get("owner_id").is_none());

    for (form, id) in [("union_id", &user.union_id), ("user_id", &user.user_id)] {
        let request =
            create(&world, json!({"owner_id": id, "user_id_list": [id]})).query("user_id_type", form);
        let made = request.send().await.data();
        assert_eq!((&made["owner_id"], &made["owner_id_type"]), (&json!(id), &json!(form)));
    }
    for (form, id, code) in [
        ("open_id", "ou_x", 99992351),
        ("open_id", user.user_id.as_str(), 99992351),
        ("union_id", "on_x", 99992363),
        ("user_id", "unknown", 99992360),
    ] {
        let request = create(&world, json!({"owner_id": id})).query("user_id_type", form);
        request.send().await.refused(code);
    }
    let (other_app, _) = world.app(json!({})).await;
    let theirs = open_id(&world, 0, &other_app).await;
    refused(&create(&world, json!({"owner_id": theirs})).send().await, 99992361);
    refused(&create(&world, json!({"user_id_list": [theirs]})).send().await, 99992361);
}

#[tokio::test]
async fn people_of_another_tenant() {
    let maker = world().await;
    let other = maker.lab.world().await;
    let (app_id, home) = isv_app(&maker).await;
    other.control("POST", "/installs").body(json!({"app_id": app_id})).send().await.data();
    let stranger = open_id(&other, 0, &app_id).await;
    let shop = |body: Value| create(&maker, body).token(&home);
    refused(&shop(json!({"owner_id": stranger})).send().await, 232032);
    refused(&shop(json!({"user_id_list": [stranger]})).send().await, 232043);
    let own = open_id(&maker, 0, &app_id).await;
    let made = shop(json!({"owner_id": own, "user_id_list": [own]})).send().await.data();
    assert_eq!(made["owner_id"], own.as_str());
    // An ISV app never sees the tenant's own ids, whatever its scopes.
    let json = refused(&shop(json!({})).query("user_id_type", "user_id").send().await, 232001);
    assert_eq!(json["error"]["field_violations"][0]["field"], "user_id_type", "{json}");
    shop(json!({})).query("user_id_type", "union_id").send().await.data();
    let away = issued_token(&other, &app_id).await;
    create(&other, json!({"owner_id": stranger})).token(&away).send().await.data();
}

#[tokio::test]
async fn the_tenants_own_ids_need_a_scope() {
    let world = world().await;
    world.set_app(&world.app_id, json!({"scopes": ["im:chat:create"]})).await;
    create(&world, json!({"owner_id": world.users[0].open_id})).send().await.data();
    let request =
        create(&world, json!({"owner_id": world.users[0].user_id})).query("user_id_type", "user_id");
    let json = request.send().await.refused(99991672);
    let expected = json!([{"type": "action_scope_required", "subject": "contact:user.employee_id:readonly"}]);
    assert_eq!(json["error"]["permission_violations"], expected);
    let json = create(&world, json!({})).query("user_id_type", "email").send().await;
    json.refused(99992402);
    world.set_app(&world.app_id, json!({"scopes": ["im:chat", "contact:user.employee_id:readonly"]})).await;
    let request =
        create(&world, json!({"owner_id": world.users[0].user_id})).query("user_id_type", "user_id");
    request.send().await.data();
}

#[tokio::test]
async fn names() {
    let world = world().await;
    for name in ["a", "字", "", &"字".repeat(100)] {
        let made = create(&world, json!({"name": name})).send().await.data();
        assert_eq!(made["name"], if name.is_empty() { "(无主题)" } else { name });
    }
    let public = |name: Value| create(&world, json!({"chat_type": "public", "name": name}));
    refused(&public(Value::Null).send().await, 232042);
    refused(&public(json!("")).send().await, 232042);
    refused(&public(json!("字")).send().await, 232020);
    refused(&public(json!("😀")).send().await, 232020);
    assert_eq!(public(json!("群聊")).send().await.data()["name"], "群聊");
    assert_eq!(public(json!("群聊")).send().await.data()["chat_type"], "public");
}

#[tokio::test]
async fn members_who_cannot_be() {
    let world = world().await;
    let other = world.lab.world().await;
    let [first, second, third] = [0, 1, 2].map(|n| world.users[n].open_id.as_str());
    let with = |ids: &[&str]| create(&world, json!({"user_id_list": ids, "name": "x"}));
    for unknown in ["ou_x", "", "ou_00000000000000000000000000000000", &other.users[0].user_id] {
        with(&[first, unknown]).send().await.refused(99992351);
    }
    let bot = text(&world.call("GET", "/bot/v3/info").send().await.json()["bot"], "open_id");
    refused(&with(&[&bot]).send().await, 232043);
    world.set_app(&world.app_id, json!({"visible_to": [world.users[0].user_id]})).await;
    refused(&with(&[first, second]).send().await, 232043);
    with(&[first]).send().await.data();
    world.set_app(&world.app_id, json!({"visible_to_all": true})).await;

    let path = format!("/users/{}", world.users[2].user_id);
    world.control("PATCH", &path).body(json!({"status": "resigned"})).send().await.data();
    refused(&with(&[first, third]).send().await, 232022);
    refused(&create(&world, json!({"owner_id": third})).send().await, 232022);

    let (botless, _) = world.app(json!({"bot": false})).await;
    let (disabled, _) = world.app(json!({})).await;
    world.set_app(&disabled, json!({"status": "disabled"})).await;
    for bot in [botless.as_str(), disabled.as_str(), "cli_0000000000000000", "cli_x", "", &other.app_id] {
        refused(&create(&world, json!({"bot_id_list": [bot]})).send().await, 232021);
    }
}

#[tokio::test]
async fn bad_parameters() {
    let world = world().await;
    let ids = |count: usize| vec![world.users[0].open_id.as_str(); count];
    let apps = |count: usize| vec![world.app_id.as_str(); count];
    let avatar = upload(&world, &world.token, "message").await;
    let (_, second) = world.app(json!({})).await;
    let foreign = upload(&world, &second, "avatar").await;
    for (body, field) in [
        (json!({"user_id_list": ids(51)}), "user_id_list"),
        (json!({"bot_id_list": apps(6)}), "bot_id_list"),
        (json!({"chat_mode": "p2p"}), "chat_mode"),
        (json!({"chat_type": "secret"}), "chat_type"),
        (json!({"group_message_type": "topic"}), "group_message_type"),
        (json!({"join_message_visibility": "all members"}), "join_message_visibility"),
        (json!({"leave_message_visibility": ""}), "leave_message_visibility"),
        (json!({"membership_approval": "yes"}), "membership_approval"),
        (json!({"urgent_setting": "not_anyone"}), "urgent_setting"),
        (json!({"video_conference_setting": "x"}), "video_conference_setting"),
        (json!({"edit_permission": "x"}), "edit_permission"),
        (json!({"hide_member_count_setting": "x"}), "hide_member_count_setting"),
        (json!({"pin_manage_setting": "not_anyone"}), "pin_manage_setting"),
        (json!({"avatar": "default-avatar_1"}), "avatar"),
        (json!({"avatar": avatar}), "avatar"),
        (json!({"avatar": foreign}), "avatar"),
        (json!({"avatar": "img_unknown"}), "avatar"),
        (json!({"restricted_mode_setting": {"status": true}}), "restricted_mode_setting.status"),
        (
            json!({"restricted_mode_setting": {"status": false, "download_has_permission_setting": "not_anyone"}}),
            "restricted_mode_setting.status",
        ),
        (
            json!({"restricted_mode_setting": {"screenshot_has_permission_setting": "only_owner"}}),
            "restricted_mode_setting.screenshot_has_permission_setting",
        ),
    ] {
        let reply = create(&world, body.clone()).send().await;
        refused(&reply, 232001);
        assert_eq!(reply.violated(), [field], "{body}");
    }
    create(&world, json!({"user_id_list": ids(50), "bot_id_list": apps(5)})).send().await.data();
    create(&world, json!({})).query("uuid", &"u".repeat(51)).send().await.refused(99992402);
    create(&world, json!({})).query("uuid", &"u".repeat(50)).send().await.data();
    for body in [
        json!({"name": 1}),
        json!({"user_id_list": "ou_x"}),
        json!({"i18n_names": []}),
        json!({"restricted_mode_setting": {"status": 1}}),
    ] {
        create(&world, body).send().await.refused(9499);
    }
    // `null` counts as absent.
    let nothing = json!({"name": null, "user_id_list": null, "i18n_names": null, "restricted_mode_setting": null, "chat_type": null, "owner_id": null});
    assert_eq!(create(&world, nothing).send().await.data()["name"], "(无主题)");
}

#[tokio::test]
async fn one_uuid_one_chat_for_ten_hours() {
    let world = world().await;
    let call = async |owner: Value, name: &str, uuid: &str| -> Reply {
        create(&world, json!({"owner_id": owner, "name": name})).query("uuid", uuid).send().await
    };
    let (bot, user) = (Value::Null, json!(world.users[0].open_id));
    let first = call(bot.clone(), "first", "u1").await.data();
    let again = call(bot.clone(), "second", "u1").await.data();
    assert_eq!(again, first, "the first chat, whatever else is asked for");
    let id = |reply: Reply| text(&reply.data(), "chat_id");
    let first = text(&first, "chat_id");
    assert_ne!(id(call(bot.clone(), "x", "u2").await), first, "another uuid");
    let owned = id(call(user.clone(), "x", "u1").await);
    assert_ne!(owned, first, "another owner");
    assert_eq!(id(call(user.clone(), "x", "u1").await), owned);
    assert_ne!(
        id(call(bot.clone(), "x", "").await),
        id(call(bot.clone(), "x", "").await),
        "an empty uuid is none"
    );
    let (app_id, second) = world.app(json!({})).await;
    let same_owner = json!({"owner_id": open_id(&world, 0, &app_id).await});
    let other = create(&world, same_owner).query("uuid", "u1").token(&second).send().await;
    assert_ne!(id(other), owned, "another app, for the same owner");

    // The answer shows its current state.
    set_chat(&world, &first, json!({"name": "renamed"})).await;
    world.advance(10 * 3600 - 60).await;
    let token = world.sign_in(&world.app_id, &world.app_secret).await;
    let late = |name: &str| create(&world, json!({"name": name})).query("uuid", "u1").token(&token);
    let still = late("x").send().await.data();
    assert_eq!((text(&still, "chat_id"), text(&still, "name")), (first.clone(), "renamed".to_owned()));
    world.advance(120).await;
    let after = id(late("x").send().await);
    assert_ne!(after, first, "ten hours are over");
    assert_eq!(id(late("x").send().await), after);
}

#[tokio::test]
async fn a_refused_call_makes_nothing() {
    let world = world().await;
    let call = |user: &str| create(&world, json!({"user_id_list": [user]})).query("uuid", "u1");
    call("ou_x").send().await.refused(99992351);
    let made = text(&call(&world.users[0].open_id).send().await.data(), "chat_id");
    assert_eq!(people(&world, &made).await.len(), 2, "the uuid was not spent on the refused call");
    // Unknown ids are reported even by a call that creates no chat any more.
    call("ou_x").send().await.refused(99992351);
    assert_eq!(text(&call(&world.users[1].open_id).send().await.data(), "chat_id"), made);
}

#[tokio::test]
async fn the_app_behind_a_token() {
    let world = world().await;
    let user = world.user_token(0, json!({})).await;
    let json = create(&world, json!({})).token(&user).send().await.refused(99991668);
    assert_eq!(json["msg"], "user access token not support");
    world.set_app(&world.app_id, json!({"bot": false})).await;
    refused(&create(&world, json!({"chat_type": "public"})).send().await, 232025);
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    refused(&create(&world, json!({"chat_type": "public"})).send().await, 232034);
    refused(&create(&world, json!({"chat_mode": "p2p"})).send().await, 232001);
}

#[tokio::test]
async fn what_clients_type_and_no_page_has_is_ignored() {
    let world = world().await;
    for toolkits in [json!([1]), json!(["1"]), Value::Null] {
        let body = json!({"name": "a", "chat_tags": ["x"], "labels": ["y"], "toolkit_ids": toolkits, "external": true});
        let made = create(&world, body).send().await.data();
        assert_eq!((&made["external"], &made["chat_tag"]), (&json!(false), &json!("inner")));
        let path = format!("/im/v1/chats/{}", text(&made, "chat_id"));
        let body = json!({"chat_tags": ["x"], "labels": ["y"], "toolkit_ids": toolkits, "name": "b"});
        world.call("PUT", &path).body(body).send().await.data();
        let got = world.call("GET", &path).send().await.data();
        assert_eq!((&got["name"], &got["external"]), (&json!("b"), &json!(false)));
    }
    // They need no right, either: a plain member may send them.
    let user = world.user_token(1, json!({})).await;
    let path = format!("/im/v1/chats/{}", world.chat_id);
    world.call("PUT", &path).token(&user).body(json!({"labels": ["y"], "name": "c"})).send().await.data();
    for wrong in ["labels", "external"] {
        create(&world, json!({wrong: "x"})).send().await.refused(9499);
    }
}
