//! `GET` and `PUT /im/v1/chats/:chat_id/moderation`

use larkspur_testkit::{Lab, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{put_member, set_chat};

fn path(chat: &str) -> String {
    format!("/im/v1/chats/{chat}/moderation")
}

fn get(world: &World, chat: &str) -> Request {
    world.call("GET", &path(chat))
}

fn put(world: &World, chat: &str, body: Value) -> Request {
    world.call("PUT", &path(chat)).body(body)
}

async fn speakers(world: &World, chat: &str) -> Vec<String> {
    let data = get(world, chat).query("user_id_type", "user_id").send().await.data();
    assert_eq!((&data["has_more"], &data["page_token"]), (&json!(false), &json!("")));
    let items = data["items"].as_array().expect("items").iter();
    items.map(|item| item["user_id"].as_str().expect("an id").to_owned()).collect()
}

fn sorted(ids: &[&str]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn the_three_settings() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    let none = json!({"moderation_setting": "all_members", "items": [], "page_token": "", "has_more": false});
    assert_eq!(get(&world, chat).send().await.data(), none);
    assert_eq!(put(&world, chat, json!({"moderation_setting": "only_owner"})).send().await.data(), json!({}));
    assert_eq!(get(&world, chat).send().await.data()["moderation_setting"], "only_owner");
    let shown = world.call("GET", &format!("/im/v1/chats/{chat}")).send().await.data();
    assert_eq!(shown["moderation_permission"], "only_owner");

    let people = &world.users;
    let list = json!({
        "moderation_setting": "moderator_list", "moderator_added_list": [people[1].open_id, people[0].open_id],
    });
    put(&world, chat, list).send().await.data();
    let data = get(&world, chat).send().await.data();
    assert_eq!(data["moderation_setting"], "moderator_list");
    let mut found: Vec<&str> = data["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["user_id"].as_str().expect("an id"))
        .collect();
    found.sort_unstable();
    assert_eq!(found, sorted(&[&people[0].open_id, &people[1].open_id]));
    assert_eq!(data["items"][0]["user_id_type"], "open_id");
    assert_eq!(data["items"][0]["tenant_key"], world.tenant_key);

    let change =
        json!({"moderator_added_list": [people[2].union_id], "moderator_removed_list": [people[0].union_id]});
    put(&world, chat, change).query("user_id_type", "union_id").send().await.data();
    assert_eq!(speakers(&world, chat).await, sorted(&[&people[1].user_id, &people[2].user_id]));
    put(&world, chat, json!({})).send().await.data();
    assert_eq!(speakers(&world, chat).await.len(), 2);

    // With another setting the lists are ignored, and the previous list is kept.
    let ignored = json!({"moderation_setting": "all_members", "moderator_added_list": [people[0].open_id]});
    put(&world, chat, ignored).send().await.data();
    assert_eq!(speakers(&world, chat).await, Vec::<String>::new());
    put(&world, chat, json!({"moderation_setting": "moderator_list"})).send().await.data();
    assert_eq!(speakers(&world, chat).await, sorted(&[&people[1].user_id, &people[2].user_id]));
    let leave = json!({"id_list": [people[1].open_id]});
    world.call("DELETE", &format!("/im/v1/chats/{chat}/members")).body(leave).send().await.data();
    put_member(&world, chat, &people[1].user_id, false).await;
    assert_eq!(speakers(&world, chat).await, [people[2].user_id.as_str()], "who left is on the list no more");
}

#[tokio::test]
async fn users_outside_of_the_chat_are_skipped() {
    let world = Lab::start().await.world().await;
    let made = world.control("POST", "/users").body(json!({"name": "outsider"})).send().await.data();
    let bot = world.call("GET", "/bot/v3/info").send().await.json()["bot"]["open_id"].clone();
    let shown = world
        .control("GET", &format!("/users/{}", made["user_id"].as_str().expect("an id")))
        .send()
        .await
        .data();
    let outsider =
        shown["apps"].as_array().expect("apps").iter().find(|seen| seen["app_id"] == world.app_id.as_str());
    let outsider = outsider.expect("the app")["open_id"].clone();
    let list = json!({
        "moderation_setting": "moderator_list",
        "moderator_added_list": [outsider, bot, world.users[1].open_id, world.users[1].open_id],
        "moderator_removed_list": [world.users[2].open_id],
    });
    put(&world, &world.chat_id, list).send().await.data();
    assert_eq!(speakers(&world, &world.chat_id).await, [world.users[1].user_id.as_str()]);
    for (form, id, code) in
        [("open_id", "ou_x", 99992351), ("union_id", "on_x", 99992363), ("user_id", "unknown", 99992360)]
    {
        for field in ["moderator_added_list", "moderator_removed_list"] {
            let body = json!({"moderation_setting": "moderator_list", field: [id]});
            put(&world, &world.chat_id, body).query("user_id_type", form).send().await.refused(code);
        }
    }
    let (app, token) = world.app(json!({"name": "other"})).await;
    put_member(&world, &world.chat_id, &app, false).await;
    set_chat(&world, &world.chat_id, json!({"owner": app})).await;
    let body =
        json!({"moderation_setting": "moderator_list", "moderator_added_list": [world.users[1].open_id]});
    put(&world, &world.chat_id, body).token(&token).send().await.refused(99992361);
}

#[tokio::test]
async fn the_owner_decides() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    let body = || json!({"moderation_setting": "only_owner"});
    let (owner, member) = (world.user_token(0, json!({})).await, world.user_token(1, json!({})).await);
    put(&world, chat, body()).token(&owner).send().await.data();
    put(&world, chat, body()).token(&member).send().await.refused(232017);
    put_member(&world, chat, &world.users[1].user_id, true).await;
    put(&world, chat, body()).token(&member).send().await.refused(232017);
    get(&world, chat).token(&member).send().await.data();
    // The bot made the chat; without the scope, and outside of the chat, that does not help.
    put(&world, chat, body()).send().await.data();
    world.set_app(&world.app_id, json!({"scopes": ["im:chat"]})).await;
    put(&world, chat, body()).send().await.refused(232017);
    world.set_app(&world.app_id, json!({"scopes": ["im:chat", "im:chat:operate_as_owner"]})).await;
    world.control("DELETE", &format!("/chats/{chat}/members/{}", world.app_id)).send().await.data();
    put(&world, chat, body()).send().await.refused(232011);
    let own = world.chat(json!({"owner": world.app_id})).await;
    put(&world, &own, body()).send().await.data();
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    let id = &world.users[1].open_id;
    for wrong in [
        json!({"moderation_setting": "unknown"}),
        json!({"moderator_added_list": [id], "moderator_removed_list": [id]}),
        json!({"moderator_added_list": vec![id.clone(); 501]}),
    ] {
        put(&world, chat, wrong).send().await.refused(232001);
    }
    put(&world, chat, json!({})).query("user_id_type", "app_id").send().await.refused(232015);
    put(&world, chat, json!({})).query("user_id_type", "email").send().await.refused(99992402);
    for size in ["0", "101"] {
        get(&world, chat).query("page_size", size).send().await.refused(99992402);
    }
    get(&world, chat).query("user_id_type", "app_id").send().await.refused(99992402);
    get(&world, chat).query("page_token", "00").send().await.refused(232001);
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    let mut people = Vec::new();
    for n in 0..7 {
        let body = json!({"user_id": format!("speaker{n}")});
        let made = world.control("POST", "/users").body(body).send().await.data();
        let user_id = made["user_id"].as_str().expect("an id").to_owned();
        put_member(&world, chat, &user_id, false).await;
        people.push(user_id);
    }
    let list = json!({"moderation_setting": "moderator_list", "moderator_added_list": people});
    put(&world, chat, list).query("user_id_type", "user_id").send().await.data();
    for size in [1, 3, 7, 100] {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let page =
                get(&world, chat).query("user_id_type", "user_id").query("page_size", &size.to_string());
            let page = page.query("page_token", &token).send().await.data();
            let items = page["items"].as_array().expect("items");
            all.extend(items.iter().map(|item| item["user_id"].as_str().expect("an id").to_owned()));
            token = page["page_token"].as_str().expect("a token").to_owned();
            assert_eq!(page["has_more"], !token.is_empty());
            if token.is_empty() {
                break;
            }
            assert_eq!(items.len(), size);
            get(&world, "oc_00000000000000000000000000000000")
                .query("page_token", &token)
                .send()
                .await
                .refused(232006);
        }
        assert_eq!(all, people);
    }
    let other = world.chat(json!({"owner": world.app_id})).await;
    let first = get(&world, chat).query("page_size", "1").send().await.data();
    let token = first["page_token"].as_str().expect("a token");
    get(&world, &other).query("page_token", token).send().await.refused(232001);
}

#[tokio::test]
async fn a_ban_and_a_meeting_hold_it() {
    let world = Lab::start().await.world().await;
    let chat = &world.chat_id;
    let body = || json!({"moderation_setting": "only_owner"});
    set_chat(&world, chat, json!({"meeting": true})).await;
    put(&world, chat, body()).send().await.refused(232092);
    let approval = |setting: &str| {
        world.call("PUT", &format!("/im/v1/chats/{chat}")).body(json!({"membership_approval": setting}))
    };
    approval("approval_required").send().await.data();
    approval("no_approval_required").send().await.refused(232093);
    approval("approval_required").send().await.data();
    set_chat(&world, chat, json!({"banned": true, "meeting": false})).await;
    approval("no_approval_required").send().await.data();
    put(&world, chat, body()).send().await.refused(232060);
    let member = world.user_token(1, json!({})).await;
    put(&world, chat, body()).token(&member).send().await.refused(232060);
    get(&world, chat).send().await.data();
    let shown = world.control("GET", &format!("/chats/{chat}")).send().await.data();
    assert_eq!((&shown["banned"], &shown["meeting"]), (&json!(true), &json!(false)));
    set_chat(&world, chat, json!({"banned": false})).await;
    put(&world, chat, body()).send().await.data();
}

#[tokio::test]
async fn the_chat_must_be_one_of_the_operator() {
    let lab = Lab::start().await;
    let (world, other) = (lab.world().await, lab.world().await);
    let both = async |chat: &str, code: u32| {
        get(&world, chat).send().await.refused(code);
        put(&world, chat, json!({"moderation_setting": "only_owner"})).send().await.refused(code);
    };
    both("oc_x", 232006).await;
    both("oc_00000000000000000000000000000000", 232006).await;
    both(&other.chat_id, 232010).await;
    both(&world.chat(json!({"chat_status": "dissolved", "members": [world.app_id]})).await, 232009).await;
    both(&world.chat(json!({})).await, 232011).await;
    world.set_app(&world.app_id, json!({"external_sharing": false})).await;
    both(&world.chat(json!({"external": true, "owner": world.app_id})).await, 232033).await;
    world.set_app(&world.app_id, json!({"bot": false})).await;
    both(&world.chat_id, 232025).await;
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    both(&world.chat_id, 232034).await;
}
