//! `PUT /im/v1/chats/:chat_id`: the permissions, and every refusal of the page.

use larkspur_testkit::{Lab, Reply, Request, World};
use serde_json::{Value, json};

fn update(world: &World, chat: &str, body: Value) -> Request {
    world.call("PUT", &format!("/im/v1/chats/{chat}")).body(body)
}

async fn own_chat(world: &World, body: Value) -> String {
    let data = world.call("POST", "/im/v1/chats").body(body).send().await.data();
    data["chat_id"].as_str().expect("a chat_id").to_owned()
}

async fn get(world: &World, chat: &str) -> Value {
    world.call("GET", &format!("/im/v1/chats/{chat}")).send().await.data()
}

async fn as_user(world: &World, user: usize, request: Request) -> Reply {
    let token = world.user_token(user, json!({})).await;
    request.token(&token).send().await
}

#[tokio::test]
async fn what_is_sent_changes_and_the_rest_stays() {
    let world = Lab::start().await.world().await;
    let chat = own_chat(&world, json!({"name": "before", "description": "kept"})).await;
    let before = get(&world, &chat).await;
    assert_eq!(update(&world, &chat, json!({})).send().await.data(), json!({}));
    assert_eq!(get(&world, &chat).await, before);

    let change = json!({
        "name": "after", "i18n_names": {"en_us": "After", "ja_jp": "後"}, "add_member_permission": "only_owner",
        "share_card_permission": "not_allowed", "at_all_permission": "only_owner", "edit_permission": "only_owner",
        "group_message_type": "thread", "join_message_visibility": "not_anyone",
        "leave_message_visibility": "only_owner", "membership_approval": "approval_required",
        "urgent_setting": "only_owner", "video_conference_setting": "only_owner",
        "hide_member_count_setting": "only_owner", "pin_manage_setting": "only_owner",
        "restricted_mode_setting": {"status": true, "download_has_permission_setting": "not_anyone"},
    });
    assert_eq!(update(&world, &chat, change.clone()).send().await.data(), json!({}));
    let after = get(&world, &chat).await;
    for (field, value) in change.as_object().expect("an object") {
        if field != "restricted_mode_setting" {
            assert_eq!(&after[field], value, "{field}");
        }
    }
    assert_eq!(after["restricted_mode_setting"]["download_has_permission_setting"], "not_anyone");
    assert_eq!(after["description"], "kept");
    assert_eq!(after["moderation_permission"], "all_members");

    update(&world, &chat, json!({"i18n_names": {"ja_jp": "のち"}, "name": ""})).send().await.data();
    let again = get(&world, &chat).await;
    assert_eq!(again["i18n_names"], json!({"en_us": "After", "ja_jp": "のち"}));
    assert_eq!(again["name"], "(无主题)");
}

#[tokio::test]
async fn who_may_change_what() {
    let world = Lab::start().await.world().await;
    let chat = world.chat_id.clone();
    let member = |body: Value| as_user(&world, 1, update(&world, &chat, body));
    member(json!({"name": "by a member", "description": "x", "i18n_names": {"en_us": "x"}})).await.data();
    for field in [
        json!({"edit_permission": "only_owner"}),
        json!({"chat_type": "public"}),
        json!({"owner_id": world.users[1].open_id}),
        json!({"name": "x", "membership_approval": "approval_required"}),
        json!({"restricted_mode_setting": {}}),
        json!({"pin_manage_setting": "only_owner"}),
    ] {
        member(field).await.refused(232016);
    }
    as_user(&world, 0, update(&world, &chat, json!({"edit_permission": "only_owner"}))).await.data();
    member(json!({"name": "no more"})).await.refused(232002);
    member(json!({"chat_type": "public"})).await.refused(232002);
    // The bot made the demo chat and has the scope; without the scope it is a plain member.
    update(&world, &chat, json!({"name": "by the creator"})).send().await.data();
    world.set_app(&world.app_id, json!({"scopes": ["im:chat"]})).await;
    update(&world, &chat, json!({"name": "no more"})).send().await.refused(232002);
    let path = format!("/chats/{chat}/members/{}", world.users[1].user_id);
    world.control("PUT", &path).body(json!({"manager": true})).send().await.data();
    member(json!({"name": "by a manager", "urgent_setting": "only_owner"})).await.data();
    assert_eq!(world.control("GET", &format!("/chats/{chat}")).send().await.data()["name"], "by a manager");
}

#[tokio::test]
async fn the_owner_hands_over() {
    let lab = Lab::start().await;
    let (world, elsewhere) = (lab.world().await, lab.world().await);
    let people = json!({"name": "x", "user_id_list": [world.users[0].open_id, world.users[1].open_id]});
    let chat = own_chat(&world, people).await;
    let to = |id: &str| update(&world, &chat, json!({"owner_id": id}));
    to(&world.users[2].open_id).send().await.refused(232012);
    for unknown in ["ou_x", "x", "ou_00000000000000000000000000000000"] {
        to(unknown).send().await.refused(99992351);
    }
    let union = update(&world, &chat, json!({"owner_id": elsewhere.users[0].union_id}));
    union.query("user_id_type", "union_id").send().await.refused(99992363);
    let unknown = update(&world, &chat, json!({"owner_id": "unknown"})).query("user_id_type", "user_id");
    unknown.send().await.refused(99992360);
    let (_, other_token) = world.app(json!({"name": "other"})).await;
    let foreign = lab.request("GET", "/open-apis/bot/v3/info").token(&other_token).send().await.json();
    to(foreign["bot"]["open_id"].as_str().expect("an open_id")).send().await.refused(99992361);

    let path = format!("/users/{}", world.users[1].user_id);
    world.control("PATCH", &path).body(json!({"status": "resigned"})).send().await.data();
    to(&world.users[1].open_id).send().await.refused(232030);

    let manager = format!("/chats/{chat}/members/{}", world.users[0].user_id);
    world.control("PUT", &manager).body(json!({"manager": true})).send().await.data();
    to(&world.users[0].open_id).send().await.data();
    let after = get(&world, &chat).await;
    assert_eq!(after["owner_id"], world.users[0].open_id);
    assert_eq!(after["user_manager_id_list"], json!([]), "the owner is not among the managers");
    world.set_app(&world.app_id, json!({"scopes": ["im:chat"]})).await;
    to(&world.users[1].open_id).send().await.refused(232016);
}

#[tokio::test]
async fn an_owner_of_another_tenant_is_named_so() {
    let lab = Lab::start().await;
    let world = lab.world().await;
    let chat = own_chat(&world, json!({"name": "x"})).await;
    // An open_id of this app for no user of this tenant: a user of another tenant, or a deleted one.
    let keys = &world.lab.app.engine().keys;
    let app_id = larkspur_contract::ids::AppId::parse(&world.app_id).expect("an id");
    let stranger = keys.open_id(77, app_id).to_string();
    update(&world, &chat, json!({"owner_id": stranger})).send().await.refused(232031);
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let lab = Lab::start().await;
    let world = lab.world().await;
    let chat = own_chat(&world, json!({"name": "x"})).await;
    for wrong in [
        json!({"add_member_permission": "only_owner"}),
        json!({"share_card_permission": "allowed"}),
        json!({"add_member_permission": "only_owner", "share_card_permission": "allowed"}),
        json!({"restricted_mode_setting": {"status": true}}),
        json!({"chat_type": "secret"}),
        json!({"chat_type": "public", "name": "x"}),
        json!({"description": "x".repeat(4097)}),
    ] {
        update(&world, &chat, wrong).send().await.refused(232001);
    }
    for long in [json!({"name": "x".repeat(256)}), json!({"i18n_names": {"en_us": "x".repeat(256)}})] {
        update(&world, &chat, long).send().await.refused(232047);
    }
    update(&world, &chat, json!({"name": "群".repeat(255)})).send().await.data();
    let upload = |kind: &'static str| {
        let request = world.call("POST", "/im/v1/images");
        request.multipart(&[("image_type", kind)], ("image", &larkspur_testkit::png(1, 1))).send()
    };
    let key = |reply: Reply| reply.data()["image_key"].as_str().expect("a key").to_owned();
    let (avatar, icon) = (key(upload("avatar").await), key(upload("message").await));
    for wrong in [icon.as_str(), "img_v2_nothing"] {
        update(&world, &chat, json!({"avatar": wrong})).send().await.refused(232041);
    }
    update(&world, &chat, json!({"avatar": avatar})).send().await.data();
    assert!(get(&world, &chat).await["avatar"].as_str().expect("a url").contains(&avatar));
}

#[tokio::test]
async fn the_chat_must_be_a_group_of_the_operator() {
    let lab = Lab::start().await;
    let (world, other) = (lab.world().await, lab.world().await);
    let name = || json!({"name": "xx"});
    update(&world, "oc_x", name()).send().await.refused(232006);
    update(&world, &other.chat_id, name()).send().await.refused(232010);
    let bot = [world.app_id.as_str()];
    let topic = world.chat(json!({"chat_mode": "topic", "members": bot})).await;
    update(&world, &topic, name()).send().await.refused(232008);
    let parties = json!({"chat_mode": "p2p", "members": [world.app_id, world.users[0].user_id]});
    let p2p = world.chat(parties).await;
    update(&world, &p2p, name()).send().await.refused(232008);
    world.set_app(&world.app_id, json!({"visible_to": []})).await;
    update(&world, &p2p, name()).send().await.refused(232008);
    let dissolved = world.chat(json!({"chat_status": "dissolved", "members": bot})).await;
    update(&world, &dissolved, name()).send().await.refused(232009);
    let foreign = world.chat(json!({"members": [world.users[0].user_id]})).await;
    update(&world, &foreign, name()).send().await.refused(232011);
    let external = world.chat(json!({"external": true, "owner": world.app_id})).await;
    update(&world, &external, name()).send().await.refused(232033);
    world.set_app(&world.app_id, json!({"external_sharing": true})).await;
    update(&world, &external, json!({"chat_type": "public"})).send().await.refused(232069);
    update(&world, &external, json!({"owner_id": bot_open_id(&world).await})).send().await.refused(232035);
    world.set_app(&world.app_id, json!({"bot": false})).await;
    update(&world, &world.chat_id, name()).send().await.refused(232025);
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    update(&world, &world.chat_id, name()).send().await.refused(232034);
}

async fn bot_open_id(world: &World) -> String {
    let info = world.call("GET", "/bot/v3/info").send().await.json();
    info["bot"]["open_id"].as_str().expect("an open_id").to_owned()
}

#[tokio::test]
async fn public_names_are_unique() {
    let world = Lab::start().await.world().await;
    let first = own_chat(&world, json!({"name": "Town square", "chat_type": "public"})).await;
    let second = own_chat(&world, json!({"name": "Town square"})).await;
    update(&world, &second, json!({"chat_type": "public"})).send().await.refused(232026);
    update(&world, &second, json!({"chat_type": "public", "name": "town square"})).send().await.data();
    update(&world, &second, json!({"name": "Town square"})).send().await.refused(232026);
    update(&world, &first, json!({"name": "Town square", "description": "itself"})).send().await.data();
    world.call("DELETE", &format!("/im/v1/chats/{first}")).send().await.data();
    update(&world, &second, json!({"name": "Town square"})).send().await.data();
}
