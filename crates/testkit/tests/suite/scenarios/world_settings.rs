//! Settings of a tenant: its edition, its administrators' limits, its storage, and colliding edits of one chat.

use larkspur_testkit::{Request, World};
use serde_json::{Value, json};

use crate::scenarios::{names, refused, set_chat, text, upload, world};

async fn set(world: &World, body: Value) -> Value {
    world.control("PUT", "/settings").body(body).send().await.data()
}

fn create(world: &World, body: Value) -> Request {
    world.call("POST", "/im/v1/chats").body(body)
}

fn update(world: &World, body: Value) -> Request {
    world.call("PUT", &format!("/im/v1/chats/{}", world.chat_id)).body(body)
}

/// The default settings of a world.
fn usual() -> Value {
    json!({"restricted_mode": true, "hide_member_count": true, "public_groups": true, "forbidden_words": [],
        "edit_ms": 0, "old_announcements": false})
}

#[tokio::test]
async fn they_are_replaced_as_a_whole() {
    let world = world().await;
    let shown = async || world.control("GET", "/settings").send().await.data();
    assert_eq!(shown().await, usual());
    let all = json!({"restricted_mode": false, "hide_member_count": false, "public_groups": false,
        "forbidden_words": ["secret", "机密"], "storage_bytes": 0, "edit_ms": 86_400_000, "old_announcements": true});
    assert_eq!(set(&world, all.clone()).await, all);
    assert_eq!(shown().await, all);
    let mut some = usual();
    some["public_groups"] = json!(false);
    assert_eq!(set(&world, json!({"public_groups": false})).await, some, "what is absent is as usual");
    let other = world.lab.world().await;
    assert_eq!(other.control("GET", "/settings").send().await.data(), usual(), "each world has its own");
    assert_eq!(set(&world, json!({})).await, usual());
    assert_eq!(shown().await, usual());
    for (body, field) in [
        (json!({"edit_ms": -1}), "edit_ms"),
        (json!({"edit_ms": 86_400_001}), "edit_ms"),
        (json!({"storage_bytes": -1}), "storage_bytes"),
        (json!({"monthly_calls": 0}), "monthly_calls"),
        (json!({"forbidden_words": [""]}), "forbidden_words[*]"),
        (json!({"forbidden_words": ["x".repeat(101)]}), "forbidden_words[*]"),
        (json!({"forbidden_words": vec!["x"; 1001]}), "forbidden_words"),
    ] {
        let reply = world.control("PUT", "/settings").body(body.clone()).send().await;
        reply.refused(5275400);
        assert_eq!(reply.violated(), [field], "{body}");
    }
    assert_eq!(shown().await, usual(), "a refused call changes nothing");
    for method in ["GET", "PUT"] {
        let nowhere = world.lab.control(method, "/worlds/0000000000000000/settings").body(json!({}));
        nowhere.send().await.refused(5275404);
    }
}

#[tokio::test]
async fn an_edition_without_restricted_mode_or_hidden_counts() {
    let world = world().await;
    set(&world, json!({"restricted_mode": false, "hide_member_count": false})).await;
    let restricted =
        json!({"restricted_mode_setting": {"status": true, "download_has_permission_setting": "not_anyone"}});
    refused(&create(&world, restricted.clone()).send().await, 232057);
    refused(&update(&world, restricted.clone()).send().await, 232057);
    let hidden = json!({"hide_member_count_setting": "only_owner"});
    for request in [create(&world, hidden.clone()), update(&world, hidden.clone())] {
        let json = request.send().await.refused(232078);
        let text = "The operator tenant doesn't have the permission to use hide_member_count_setting.";
        assert_eq!(json["msg"], text);
    }
    // Stating the current value changes nothing.
    let plain =
        json!({"restricted_mode_setting": {"status": false}, "hide_member_count_setting": "all_members"});
    create(&world, plain.clone()).send().await.data();
    update(&world, plain).send().await.data();
    set(&world, json!({})).await;
    for body in [restricted, hidden] {
        create(&world, body.clone()).send().await.data();
        update(&world, body).send().await.data();
    }
}

#[tokio::test]
async fn administrators_who_forbid_public_groups() {
    let world = world().await;
    let public = |name: &str| json!({"chat_type": "public", "name": name});
    let there = text(&create(&world, public("was here before")).send().await.data(), "chat_id");
    set(&world, json!({"public_groups": false})).await;
    refused(&create(&world, public("town square")).send().await, 232091);
    refused(&update(&world, public("town square")).send().await, 232091);
    create(&world, json!({"chat_type": "private"})).send().await.data();
    update(&world, json!({"name": "still private"})).send().await.data();
    let path = format!("/im/v1/chats/{there}");
    world.call("PUT", &path).body(public("goes on")).send().await.data();
}

#[tokio::test]
async fn words_that_names_and_descriptions_may_not_hold() {
    let world = world().await;
    set(&world, json!({"forbidden_words": ["Secret", "机密"]})).await;
    for (field, value) in [
        ("name", json!("top SECRET things")),
        ("description", json!("内部机密")),
        ("i18n_names", json!({"en_us": "secrets"})),
    ] {
        for request in [create(&world, json!({field: value})), update(&world, json!({field: value}))] {
            let reply = request.send().await;
            refused(&reply, 232023);
            assert_eq!(reply.violated(), [field]);
        }
    }
    let fine = json!({"name": "open", "description": "for all", "i18n_names": {"ja_jp": "公開"}});
    create(&world, fine.clone()).send().await.data();
    update(&world, fine).send().await.data();
    // Existing values stay, and do not block other changes.
    set_chat(&world, &world.chat_id, json!({"name": "our secret"})).await;
    update(&world, json!({"description": "new"})).send().await.data();
}

#[tokio::test]
async fn a_storage_quota() {
    let world = world().await;
    let size = i64::try_from(larkspur_testkit::png(8, 8).len()).expect("small");
    let send = |kind: &str| {
        let request = world.call("POST", "/im/v1/images");
        request.multipart(&[("image_type", kind)], ("image", &larkspur_testkit::png(8, 8)))
    };
    let first = upload(&world, &world.token, "message").await;
    set(&world, json!({"storage_bytes": 2 * size})).await;
    let second = text(&send("avatar").send().await.data(), "image_key");
    refused(&send("message").send().await, 234042);
    let get = || world.call("GET", &format!("/im/v1/images/{first}"));
    assert_eq!(
        *get().send().await.bytes(),
        larkspur_testkit::png(8, 8),
        "the quota is full, and no more than full"
    );
    set(&world, json!({"storage_bytes": size})).await;
    refused(&get().send().await, 234042);
    world.control("DELETE", &format!("/images/{second}")).send().await.data();
    assert_eq!(get().send().await.status(), 200, "what is deleted takes no room");
    set(&world, json!({"storage_bytes": 0})).await;
    refused(&send("message").send().await, 234042);
    set(&world, json!({})).await;
    send("message").send().await.data();
}

#[tokio::test]
async fn files_count_towards_the_quota() {
    let world = world().await;
    let send = |size: usize| {
        let fields = [("file_type", "stream"), ("file_name", "a.bin")];
        world.call("POST", "/im/v1/files").multipart(&fields, ("file", &vec![7; size]))
    };
    let key = text(&send(600).send().await.data(), "file_key");
    let get = || world.call("GET", &format!("/im/v1/files/{key}"));
    set(&world, json!({"storage_bytes": 1000})).await;
    send(401).send().await.refused(234042);
    let image = world.call("POST", "/im/v1/images");
    let picture = [larkspur_testkit::png(8, 8), vec![0; 400]].concat();
    refused(&image.multipart(&[("image_type", "message")], ("image", &picture)).send().await, 234042);
    send(400).send().await.data();
    assert_eq!(get().send().await.bytes().len(), 600);
    set(&world, json!({"storage_bytes": 999})).await;
    let refusal = get().send().await.refused(234042);
    let text = "Hybrid deployment tenant storage error, such as full storage space, please contact tenant administrator.";
    assert_eq!(refusal["msg"], text);
    world.control("DELETE", &format!("/files/{key}")).send().await.data();
    send(500).send().await.data();
}

/// Every operation that collides with another edit of its chat, with a suitable body.
fn edits(world: &World) -> Vec<(&'static str, Request)> {
    let chat = &world.chat_id;
    let at = |method: &str, path: &str| world.call(method, &format!("/im/v1/chats/{chat}{path}"));
    let user = world.users[2].open_id.as_str();
    vec![
        ("update", at("PUT", "").body(json!({"name": "new"}))),
        ("link", at("POST", "/link")),
        ("announcement", at("PATCH", "/announcement").body(json!({"revision": "0"}))),
        ("add managers", at("POST", "/managers/add_managers").body(json!({"manager_ids": [user]}))),
        ("delete managers", at("POST", "/managers/delete_managers").body(json!({"manager_ids": [user]}))),
        ("add members", at("POST", "/members").body(json!({"id_list": [user]}))),
        ("remove members", at("DELETE", "/members").body(json!({"id_list": [user]}))),
        ("join", at("PATCH", "/members/me_join")),
        ("moderation", at("PUT", "/moderation").body(json!({"moderation_setting": "all_members"}))),
    ]
}

#[tokio::test]
async fn two_edits_of_one_chat_collide() {
    let world = world().await;
    let owner = world.user_token(0, json!({})).await;
    let public = json!({"chat_type": "public", "announcement_type": "doc"});
    set_chat(&world, &world.chat_id, public).await;
    for (name, edit) in edits(&world) {
        // Without the setting, edits wait for one another.
        edit.clone().token(&owner).send().await.data();
        edit.clone().token(&owner).send().await.json();
        assert_ne!(edit.token(&owner).send().await.code(), 232019, "{name}");
        if name == "remove members" {
            let path = format!("/chats/{}/members/{}", world.chat_id, world.users[2].user_id);
            world.control("PUT", &path).body(json!({})).send().await.data();
        }
    }
    set(&world, json!({"edit_ms": 600_000})).await;
    let rename = || update(&world, json!({"name": "first"})).token(&owner);
    let announcement =
        || world.call("GET", &format!("/im/v1/chats/{}/announcement", world.chat_id)).token(&owner);
    let elsewhere = text(&create(&world, json!({})).send().await.data(), "chat_id");
    rename().send().await.data();
    for (name, edit) in edits(&world) {
        let reply = edit.token(&owner).send().await;
        assert_eq!(reply.code(), 232019, "{name}");
        refused(&reply, 232019);
    }
    refused(&announcement().send().await, 232019);
    // Neither reading the chat nor editing another one collides.
    world.call("GET", &format!("/im/v1/chats/{}", world.chat_id)).send().await.data();
    world.call("PUT", &format!("/im/v1/chats/{elsewhere}")).body(json!({"name": "x"})).send().await.data();

    world.advance(601).await;
    announcement().send().await.data();
    for (name, edit) in edits(&world) {
        assert_ne!(edit.token(&owner).send().await.code(), 232019, "{name}: the last edit has ended");
        refused(&rename().send().await, 232019);
        world.advance(601).await;
    }
    // A call that is refused for another reason edits nothing, and collides with no other.
    let outsider = world.chat(json!({"owner": world.users[0].user_id})).await;
    let path = format!("/im/v1/chats/{outsider}");
    refused(&world.call("PUT", &path).body(json!({"name": "x"})).send().await, 232011);
    world.call("PUT", &path).token(&owner).body(json!({"name": "x"})).send().await.data();
    set(&world, json!({})).await;
    rename().send().await.data();
    rename().send().await.data();
}

#[tokio::test]
async fn two_edits_of_one_menu_collide() {
    let world = world().await;
    let path = format!("/im/v1/chats/{}/menu_tree", world.chat_id);
    let item = json!({"chat_menu_item": {"action_type": "NONE", "name": "m"}});
    let add = || {
        let tree = json!({"menu_tree": {"chat_menu_top_levels": [item]}});
        world.call("POST", &path).body(tree)
    };
    let made = add().send().await.data();
    let id = text(&made["menu_tree"]["chat_menu_top_levels"][0], "chat_menu_top_level_id");
    let remove = || world.call("DELETE", &path).body(json!({"chat_menu_top_level_ids": [id]}));
    let change = || {
        let path = format!("/im/v1/chats/{}/menu_items/{id}", world.chat_id);
        world.call("PATCH", &path).body(json!({"update_fields": ["NAME"], "chat_menu_item": {"name": "n"}}))
    };
    set(&world, json!({"edit_ms": 600_000})).await;
    change().send().await.data();
    for request in [add(), remove(), change()] {
        refused(&request.send().await, 232073);
    }
    // Meanwhile the chat itself can be edited, and the menu can be read.
    update(&world, json!({"name": "x"})).send().await.data();
    assert_eq!(names(&world.call("GET", &path).send().await.data()), ["menu_tree"]);
    world.advance(601).await;
    remove().send().await.data();
    refused(&add().send().await, 232073);
}

#[tokio::test]
async fn two_creations_collide() {
    let world = world().await;
    set(&world, json!({"edit_ms": 600_000})).await;
    let call = |uuid: &str| create(&world, json!({"name": "x"})).query("uuid", uuid);
    let first = text(&call("u1").send().await.data(), "chat_id");
    refused(&call("u1").send().await, 232068);
    refused(&call("u2").send().await, 232019);
    refused(&create(&world, json!({})).send().await, 232019);
    let (_, other) = world.app(json!({})).await;
    create(&world, json!({})).token(&other).send().await.data();
    world.advance(601).await;
    assert_eq!(text(&call("u1").send().await.data(), "chat_id"), first, "made once");
    // A repeated call returns the first chat and creates none.
    create(&world, json!({})).send().await.data();
}

/// A month's quota: so many calls with tokens pass, whichever app and server; the next month begins anew.
#[tokio::test]
async fn the_calls_of_a_month_are_counted() {
    let world = world().await;
    let tags = || world.call("POST", "/im/v2/tags").body(json!({"create_tag": {}}));
    world.control("PUT", "/clock").body(json!({"now_ms": MARCH + 1000})).send().await.data();
    set(&world, json!({"monthly_calls": 3})).await;
    let path = format!("/im/v1/chats/{}", world.chat_id);
    let read = |token: &str| world.call("GET", &path).token(token);
    let (_, other) = world.app(json!({})).await;
    read(&world.token).send().await.data();
    assert_ne!(tags().send().await.code(), 0, "a call that is refused later counts, too");
    read("t-unknown").send().await.refused(99991663);
    assert_ne!(read(&other).send().await.code(), 99991403, "the calls of all apps count");
    let reply = read(&world.token).send().await;
    let json = reply.refused(99991403);
    assert_eq!(
        (reply.status(), &json["msg"]),
        (400, &json!("This month's API call quota has been exceeded"))
    );
    let left = reply.response.header("x-ogw-ratelimit-reset").expect("a header");
    let left: i64 = left.parse().expect("a number");
    assert!((31 * 86_400 - 60..31 * 86_400).contains(&left), "{left}");
    let there = match world.lab.beside().await {
        Some(beside) => beside.request("GET", &format!("/open-apis{path}")).token(&world.token),
        None => read(&world.token),
    };
    there.send().await.refused(99991403);
    world.lab.world().await.call("GET", "/im/v1/chats").send().await.data();
    world.advance(left).await;
    let token = crate::scenarios::issued_token(&world, &world.app_id).await;
    for _ in 0..3 {
        read(&token).send().await.data();
    }
    read(&token).send().await.refused(99991403);
    world.advance(-left).await;
    read(&world.token).send().await.refused(99991403);
    set(&world, json!({"monthly_calls": 4})).await;
    read(&world.token).send().await.data();
    read(&world.token).send().await.refused(99991403);
    set(&world, json!({})).await;
    read(&world.token).send().await.data();
    // A quota after a time without one begins anew, and so does one in a world that was put back.
    set(&world, json!({"monthly_calls": 1})).await;
    read(&world.token).send().await.data();
    read(&world.token).send().await.refused(99991403);
    world.control("POST", "/snapshots").body(json!({"name": "spent"})).send().await.data();
    world.control("POST", "/snapshots/spent/restore").body(json!({})).send().await.data();
    read(&world.token).send().await.data();
    read(&world.token).send().await.refused(99991403);
}

/// The first millisecond of March 2026 in UTC+8.
const MARCH: i64 = 1_772_294_400_000;
