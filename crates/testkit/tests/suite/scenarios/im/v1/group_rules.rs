//! Rules of groups for people and bots, as on the platform since the notices and reports of 2026.

use larkspur_api::Settings;
use larkspur_testkit::{Lab, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{issued_token, list_tabs, put_member, refused, text, world};

const DEFAULT_AVATAR: &str = "default-avatar_3b0a1c52-6d7e-4f80-91a2-b3c4d5e6f708";

fn create(world: &World, body: Value) -> Request {
    world.call("POST", "/im/v1/chats").body(body)
}

fn update(world: &World, chat: &str, body: Value) -> Request {
    world.call("PUT", &format!("/im/v1/chats/{chat}")).body(body)
}

async fn get(world: &World, chat: &str) -> Value {
    world.call("GET", &format!("/im/v1/chats/{chat}")).send().await.data()
}

/// The bot's own call to become a manager, or to stop being one.
fn appoint_itself(world: &World, chat: &str, verb: &str) -> Request {
    let path = format!("/im/v1/chats/{chat}/managers/{verb}_managers?member_id_type=app_id");
    world.call("POST", &path).body(json!({"manager_ids": [world.app_id]}))
}

#[tokio::test]
async fn a_topic_group_is_made() {
    let world = world().await;
    let body = json!({"chat_mode": "topic", "name": "forum", "user_id_list": [world.users[0].open_id]});
    let made = create(&world, body).send().await.data();
    let chat = text(&made, "chat_id");
    assert_eq!(made["chat_mode"], "topic");
    assert!(made.get("group_message_type").is_none(), "only groups have one: {made}");
    assert_eq!(get(&world, &chat).await["chat_mode"], "topic");
    let found = world.call("POST", "/im/v2/chats/search").body(json!({"query": "forum"})).send().await.data();
    assert_eq!(found["items"][0]["meta_data"]["chat_mode"], "topic");
    refused(&list_tabs(&world, &world.token, &chat).send().await, 232050);
    refused(&update(&world, &chat, json!({"name": "x"})).send().await, 232008);
    let hidden = json!({"chat_mode": "topic", "hide_member_count_setting": "only_owner"});
    refused(&create(&world, hidden.clone()).send().await, 232079);
    create(&world, json!({"chat_mode": "topic", "hide_member_count_setting": "all_members"}))
        .send()
        .await
        .data();
    for unknown in ["p2p", "forum", "thread"] {
        refused(&create(&world, json!({"chat_mode": unknown})).send().await, 232001);
    }

    let old =
        Lab::with_settings(Settings { topic_as_group: true, ..Settings::default() }).await.world().await;
    let made = create(&old, hidden).send().await.data();
    assert_eq!((&made["chat_mode"], &made["group_message_type"]), (&json!("group"), &json!("chat")));
    assert_eq!(get(&old, &text(&made, "chat_id")).await["chat_mode"], "group");
}

#[tokio::test]
async fn an_owner_who_does_not_see_the_app_makes_nothing() {
    let world = world().await;
    world.set_app(&world.app_id, json!({"visible_to": [world.users[0].user_id]})).await;
    let call =
        |user: usize| create(&world, json!({"owner_id": world.users[user].open_id})).query("uuid", "u1");
    let count =
        async || world.call("GET", "/im/v1/chats").send().await.data()["items"].as_array().map(Vec::len);
    let before = count().await;
    let reply = call(1).send().await;
    refused(&reply, 232043);
    assert_eq!(reply.violated(), ["owner_id"]);
    assert_eq!(count().await, before);
    call(0).send().await.data();
    world.set_app(&world.app_id, json!({"visible_to_all": true})).await;
    let path = format!("/users/{}", world.users[2].user_id);
    world.control("PATCH", &path).body(json!({"status": "frozen"})).send().await.data();
    refused(&call(2).send().await, 232030);
}

#[tokio::test]
async fn the_platforms_own_avatars_are_used() {
    let world = world().await;
    let made = create(&world, json!({"avatar": DEFAULT_AVATAR})).send().await.data();
    assert!(text(&made, "avatar").contains(DEFAULT_AVATAR), "{made}");
    let chat = text(&made, "chat_id");
    // The default avatar in an answer is such a key, too.
    let plain = text(&create(&world, json!({})).send().await.data(), "avatar");
    let key = plain.split('/').next_back().and_then(|rest| rest.split('~').next()).expect("a key");
    assert!(key.starts_with("default-avatar_"), "{key}");
    update(&world, &chat, json!({"avatar": key})).send().await.data();
    assert_eq!(get(&world, &chat).await["avatar"], plain);
    update(&world, &chat, json!({"avatar": DEFAULT_AVATAR})).send().await.data();
    assert!(text(&get(&world, &chat).await, "avatar").contains(DEFAULT_AVATAR));
    refused(&create(&world, json!({"avatar": "default-avatar_x"})).send().await, 232001);
    update(&world, &chat, json!({"avatar": "default-avatar_x"})).send().await.refused(232041);
}

#[tokio::test]
async fn the_bot_that_made_a_chat_makes_itself_manager() {
    let world = world().await;
    let user = world.users[0].open_id.as_str();
    let chat = text(&create(&world, json!({"user_id_list": [user]})).send().await.data(), "chat_id");
    let added = appoint_itself(&world, &chat, "add").send().await;
    assert_eq!(added.data(), json!({"chat_managers": [], "chat_bot_managers": [world.app_id]}));
    assert_eq!(get(&world, &chat).await["bot_manager_id_list"], json!([world.app_id]));
    let gone = appoint_itself(&world, &chat, "delete").send().await;
    assert_eq!(gone.data(), json!({"chat_managers": [], "chat_bot_managers": []}));
    appoint_itself(&world, &chat, "add").send().await.data();

    // Its open_id is that of the owner, who is not a manager.
    let info = world.call("GET", "/bot/v3/info").send().await.json();
    let path = format!("/im/v1/chats/{chat}/managers/add_managers");
    let by_open_id = world.call("POST", &path).body(json!({"manager_ids": [info["bot"]["open_id"]]}));
    refused(&by_open_id.send().await, 232027);

    update(&world, &chat, json!({"owner_id": user})).send().await.data();
    let after = get(&world, &chat).await;
    assert_eq!((&after["owner_id"], &after["bot_manager_id_list"]), (&json!(user), &json!([world.app_id])));
    refused(&appoint_itself(&world, &chat, "delete").send().await, 232038);
    assert_eq!(
        get(&world, &chat).await["bot_manager_id_list"],
        json!([world.app_id]),
        "kept at the hand-over"
    );
}

#[tokio::test]
async fn no_other_bot_makes_itself_manager() {
    let world = world().await;
    let (other, token) = world.app(json!({})).await;
    // A chat without an owner: the bot that made it is not the owner.
    let nobodys =
        json!({"creator_app": world.app_id, "members": [world.app_id, other, world.users[0].user_id]});
    let chat = world.chat(nobodys).await;
    let path = format!("/im/v1/chats/{chat}/managers/add_managers");
    let call = |token: &str, form: &str, ids: &[&str]| {
        let request = world.call("POST", &path).token(token).query("member_id_type", form);
        request.body(json!({"manager_ids": ids}))
    };
    refused(&call(&token, "app_id", &[&other]).send().await, 232038);
    refused(&call(&world.token, "app_id", &[&world.app_id, &other]).send().await, 232038);
    refused(&call(&world.token, "app_id", &[]).send().await, 232038);
    refused(&call(&world.token, "open_id", &[&world.users[0].open_id]).send().await, 232038);
    let done = call(&world.token, "app_id", &[&world.app_id]).send().await.data();
    assert_eq!(done["chat_bot_managers"], json!([world.app_id]));
    // In a chat owned by a user, still only the owner appoints.
    let owned =
        json!({"owner": world.users[0].user_id, "creator_app": world.app_id, "members": [world.app_id]});
    let owned = world.chat(owned).await;
    refused(&appoint_itself(&world, &owned, "add").send().await, 232038);
}

/// The operations that users may call on external chats of an app without external sharing, and those that they may
/// not.
#[tokio::test]
async fn users_read_external_chats() {
    let world = world().await;
    let user = world.user_token(1, json!({})).await;
    let people = json!({"external": true, "owner": world.users[0].user_id, "announcement_type": "doc",
        "members": [world.app_id, world.users[1].user_id]});
    let chat = world.chat(people).await;
    let at = |method: &str, path: &str| world.call(method, &format!("/im/v1/chats/{chat}{path}"));
    let readers = [
        at("GET", ""),
        at("GET", "/members"),
        at("GET", "/members/is_in_chat"),
        at("GET", "/moderation"),
        at("GET", "/announcement"),
        at("GET", "/chat_tabs/list_tabs"),
        at("POST", "/link"),
    ];
    for request in readers {
        refused_as_external(&request.clone().token(&world.token).send().await);
        request.token(&user).send().await.data();
    }
    let writers = [
        at("PUT", "").body(json!({"name": "x"})),
        at("POST", "/members").body(json!({"id_list": [world.users[2].open_id]})),
        at("POST", "/chat_tabs").body(json!({"chat_tabs": [crate::scenarios::url_tab()]})),
        at("PATCH", "/announcement").body(json!({"revision": "0"})),
    ];
    for request in writers {
        for token in [&world.token, &user] {
            refused_as_external(&request.clone().token(token).send().await);
        }
    }
}

#[track_caller]
fn refused_as_external(reply: &larkspur_testkit::Reply) {
    refused(reply, 232033);
}

#[tokio::test]
async fn who_may_pin_is_a_setting() {
    let world = world().await;
    let made = create(&world, json!({"pin_manage_setting": "only_owner"})).send().await.data();
    assert_eq!(made["pin_manage_setting"], "only_owner");
    let chat = text(&made, "chat_id");
    update(&world, &chat, json!({"pin_manage_setting": "all_members"})).send().await.data();
    assert_eq!(get(&world, &chat).await["pin_manage_setting"], "all_members");
    // Like every other setting, it needs the right to manage the chat.
    put_member(&world, &chat, &world.users[1].user_id, false).await;
    let member = world.user_token(1, json!({})).await;
    let change = update(&world, &chat, json!({"pin_manage_setting": "only_owner"})).token(&member);
    change.send().await.refused(232016);
    update(&world, &chat, json!({"pin_manage_setting": "sometimes"})).send().await.refused(232001);
    // A chat of two parties has no pins to manage.
    let p2p =
        world.chat(json!({"chat_mode": "p2p", "members": [world.app_id, world.users[0].user_id]})).await;
    assert!(get(&world, &p2p).await.get("pin_manage_setting").is_none());
}

#[tokio::test]
async fn of_two_paired_permissions_the_missing_one_is_named() {
    let world = world().await;
    let chat = text(&create(&world, json!({})).send().await.data(), "chat_id");
    let told = async |body: Value| {
        let json = update(&world, &chat, body).send().await.refused(232001);
        let violation = &json["error"]["field_violations"][0];
        (text(violation, "field"), text(violation, "value"))
    };
    let share = told(json!({"add_member_permission": "only_owner"})).await;
    assert_eq!(share, ("share_card_permission".to_owned(), "allowed".to_owned()));
    let add = told(json!({"share_card_permission": "not_allowed"})).await;
    assert_eq!(add, ("add_member_permission".to_owned(), "all_members".to_owned()));
    let both = json!({"add_member_permission": "only_owner", "share_card_permission": "not_allowed"});
    update(&world, &chat, both).send().await.data();
    let share = told(json!({"add_member_permission": "all_members"})).await;
    assert_eq!(share, ("share_card_permission".to_owned(), "not_allowed".to_owned()));
}

#[tokio::test]
async fn a_tag_of_another_app_is_bound_unless_the_switch_says_otherwise() {
    use larkspur_api::TagOwner;
    for (tag_owner, bound) in [(TagOwner::Tenant, 1), (TagOwner::App, 0)] {
        let world = Lab::with_settings(Settings { tag_owner, ..Settings::default() }).await.world().await;
        let (app_id, _) = world.app(json!({})).await;
        let tag = world.tag("a tag").await;
        let body = json!({"tag_biz_type": "chat", "biz_entity_id": world.chat_id, "tag_ids": [tag]});
        let path = "/im/v2/biz_entity_tag_relation";
        let token = issued_token(&world, &app_id).await;
        world.call("POST", path).token(&token).body(body).send().await.data();
        let query = format!("{path}?tag_biz_type=chat&biz_entity_id={}", world.chat_id);
        let found = world.call("GET", &query).send().await.data();
        let found = found["tag_info_with_bind_versions"].as_array().map(Vec::len);
        assert_eq!(found, Some(bound), "{tag_owner:?}");
    }
}

#[tokio::test]
async fn a_user_makes_a_group_if_the_switch_says_so() {
    let plain = world().await;
    let token = plain.user_token(0, json!({})).await;
    create(&plain, json!({})).token(&token).send().await.refused(99991668);

    let settings = Settings { chat_create_by_user: true, ..Settings::default() };
    let world = Lab::with_settings(settings).await.world().await;
    let [user, other] = [0, 1].map(|index| world.users[index].open_id.as_str());
    let poor = world.user_token(0, json!({"scopes": ["im:chat"]})).await;
    let json = create(&world, json!({})).token(&poor).send().await.refused(99991679);
    let subjects = json!([{"type": "action_privilege_required", "subject": "im:chat:create_by_user"}]);
    assert_eq!(json["error"]["permission_violations"], subjects);

    let token = world.user_token(0, json!({"scopes": ["im:chat:create_by_user", "im:chat"]})).await;
    let body = json!({"name": "mine", "user_id_list": [other]});
    let made =
        create(&world, body.clone()).query("set_bot_manager", "true").token(&token).send().await.data();
    assert_eq!((&made["owner_id"], &made["owner_id_type"]), (&json!(user), &json!("open_id")));
    let chat = text(&made, "chat_id");
    let shown = world.call("GET", &format!("/im/v1/chats/{chat}")).token(&token).send().await.data();
    assert_eq!((&shown["user_count"], &shown["bot_count"]), (&json!("2"), &json!("0")), "the bot stays out");
    refused(&update(&world, &chat, json!({"name": "x"})).send().await, 232011);
    assert!(world.control("GET", &format!("/chats/{chat}")).send().await.data().get("creator_app").is_none());

    // For another owner, the user is a member; a bot comes if it is invited.
    let body = json!({"owner_id": other, "bot_id_list": [world.app_id]});
    let made = create(&world, body).query("set_bot_manager", "true").token(&token).send().await.data();
    let chat = text(&made, "chat_id");
    let shown = get(&world, &chat).await;
    assert_eq!((&shown["owner_id"], &shown["user_count"]), (&json!(other), &json!("2")));
    assert_eq!((&shown["bot_count"], &shown["bot_manager_id_list"]), (&json!("1"), &json!([])));
    // The app itself creates as before, with the scopes of the page.
    let made = create(&world, json!({})).send().await.data();
    assert!(made.get("owner_id").is_none(), "the bot owns it: {made}");
    // Other operations for apps alone stay so.
    world.call("POST", "/im/v2/tags").token(&token).body(json!({})).send().await.refused(99991668);
}
