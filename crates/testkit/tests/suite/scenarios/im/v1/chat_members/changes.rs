//! `im/v1/chats/:chat_id/members`: joining, leaving, and membership.

use larkspur_testkit::{Lab, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{issued_token, isv_app, names, open_id, put_member, refused, set_chat, text, world};

fn members(chat_id: &str) -> String {
    format!("/im/v1/chats/{chat_id}/members")
}

fn add(world: &World, chat_id: &str, query: &str, ids: &[&str]) -> Request {
    world.call("POST", &format!("{}{query}", members(chat_id))).body(json!({"id_list": ids}))
}

fn remove(world: &World, chat_id: &str, query: &str, ids: &[&str]) -> Request {
    world.call("DELETE", &format!("{}{query}", members(chat_id))).body(json!({"id_list": ids}))
}

async fn new_user(world: &World, name: &str) -> Value {
    let made = world.control("POST", "/users").body(json!({"name": name})).send().await.data();
    let seen = made["apps"].as_array().expect("apps").iter().find(|seen| seen["app_id"] == *world.app_id);
    json!({
        "user_id": made["user_id"],
        "union_id": made["union_id"],
        "open_id": seen.expect("the world's app")["open_id"],
    })
}

/// The members of the chat, from the control API.
async fn inside(world: &World, chat_id: &str) -> Vec<String> {
    let chat = world.control("GET", &format!("/chats/{chat_id}")).send().await.data();
    let members = chat["members"].as_array().expect("members");
    members.iter().map(|one| text(one, "member")).collect()
}

/// Removes the app's right to act as the owner of chats that it made.
async fn not_as_owner(world: &World) {
    let all = larkspur_contract::scopes::ALL.iter().copied();
    let scopes: Vec<&str> = all.filter(|scope| *scope != "im:chat:operate_as_owner").collect();
    world.set_app(&world.app_id, json!({"scopes": scopes})).await;
}

/// The counts in the public API.
async fn counts(world: &World, chat_id: &str) -> (String, String) {
    let shown = world.call("GET", &format!("/im/v1/chats/{chat_id}")).send().await.data();
    (text(&shown, "user_count"), text(&shown, "bot_count"))
}

fn nothing() -> Value {
    json!({"invalid_id_list": [], "not_existed_id_list": [], "pending_approval_id_list": []})
}

#[tokio::test]
async fn users_come_in_under_every_kind_of_id() {
    let world = world().await;
    let chat = &world.chat_id;
    for kind in ["open_id", "union_id", "user_id"] {
        let user = new_user(&world, kind).await;
        let query = format!("?member_id_type={kind}");
        let reply = add(&world, chat, &query, &[&text(&user, kind)]).send().await;
        assert_eq!(reply.json()["msg"], "success");
        assert_eq!(reply.data(), nothing());
        assert!(inside(&world, chat).await.contains(&text(&user, "user_id")), "{kind}");
        let again = add(&world, chat, &query, &[&text(&user, kind), &text(&user, kind)]).send().await;
        assert_eq!(again.data(), nothing(), "an existing member is skipped");
    }
    assert_eq!(counts(&world, chat).await, ("6".to_owned(), "1".to_owned()));
    let (bot, _) = world.app(json!({"name": "guest"})).await;
    add(&world, chat, "?member_id_type=app_id", &[&bot]).send().await.data();
    assert_eq!(counts(&world, chat).await, ("6".to_owned(), "2".to_owned()));
    let topic = world.chat(json!({"chat_mode": "topic", "members": [world.app_id]})).await;
    add(&world, &topic, "", &[&world.users[0].open_id]).send().await.data();
    assert_eq!(inside(&world, &topic).await.len(), 2);
}

#[tokio::test]
async fn succeed_type_decides_what_becomes_of_bad_ids() {
    let world = world().await;
    let chat = &world.chat_id;
    let (gone, unseen, good) =
        (new_user(&world, "gone").await, new_user(&world, "unseen").await, new_user(&world, "good").await);
    let path = format!("/users/{}", text(&gone, "user_id"));
    world.control("PATCH", &path).body(json!({"status": "resigned"})).send().await.data();
    let seen: Vec<&str> = world.users.iter().map(|user| user.user_id.as_str()).collect();
    let visible = json!({"visible_to": [seen[0], seen[1], seen[2], good["user_id"], gone["user_id"]]});
    world.set_app(&world.app_id, visible).await;
    let (gone, unseen, good) = (text(&gone, "open_id"), text(&unseen, "open_id"), text(&good, "open_id"));
    let unknown = "ou_00000000000000000000000000000001";

    refused(&add(&world, chat, "", &[&unseen, &good]).send().await, 232024);
    add(&world, chat, "?succeed_type=0", &[unknown, &good]).send().await.refused(99992351);
    refused(&add(&world, chat, "", &[&gone]).send().await, 232027);
    for bad in [unknown, &gone, &unseen] {
        let reply = add(&world, chat, "?succeed_type=2", &[bad, &good]).send().await;
        assert_eq!(refused(&reply, 232043)["error"]["field_violations"][0]["value"], bad);
    }
    assert_eq!(inside(&world, chat).await.len(), 4, "no user joined");
    let none = add(&world, chat, "?succeed_type=1", &[unknown, &gone]).send().await.data();
    assert_eq!((&none["invalid_id_list"], &none["not_existed_id_list"]), (&json!([gone]), &json!([unknown])));

    let listed = add(&world, chat, "?succeed_type=0", &[&gone, &good]).send().await.data();
    assert_eq!(listed["invalid_id_list"], json!([gone]));
    assert_eq!(inside(&world, chat).await.len(), 5);
    // A user invites a user whom the app does not see.
    let user = world.user_token(1, json!({})).await;
    let all =
        add(&world, chat, "?succeed_type=1", &[&unseen, unknown, &gone]).token(&user).send().await.data();
    assert_eq!(all["invalid_id_list"], json!([gone]));
    assert_eq!(all["not_existed_id_list"], json!([unknown]));
    assert_eq!(inside(&world, chat).await.len(), 6);
    let by_bot = add(&world, chat, "?succeed_type=1", &[&unseen]).send().await.data();
    assert_eq!(by_bot["invalid_id_list"], json!([unseen]));
}

#[tokio::test]
async fn unknown_ids_are_the_gateways() {
    let world = world().await;
    let chat = &world.chat_id;
    for (kind, id, code) in [
        ("open_id", "ou_1", 99992351),
        ("open_id", "anna", 99992351),
        ("user_id", "unknown", 99992360),
        ("union_id", "on_00000000000000000000000000000001", 99992364),
    ] {
        let reply = add(&world, chat, &format!("?member_id_type={kind}"), &[id]).send().await;
        let msg = text(&reply.refused(code), "msg");
        assert!(
            msg.contains(&format!("{{{kind}}}")) && msg.contains(&format!("Invalid ids: [{id}]")),
            "{msg}"
        );
    }
    let (other, _) = world.app(json!({"name": "other"})).await;
    let foreign = open_id(&world, 1, &other).await;
    add(&world, chat, "", &[&foreign]).send().await.refused(99992361);
    refused(&add(&world, chat, "?member_id_type=app_id", &["cli_0000000000000001"]).send().await, 232043);
    world.set_app(&other, json!({"bot": false})).await;
    refused(&add(&world, chat, "?member_id_type=app_id", &[&other]).send().await, 232043);
    let listed =
        add(&world, chat, "?member_id_type=app_id&succeed_type=1", &[&other, "x"]).send().await.data();
    assert_eq!(
        (&listed["invalid_id_list"], &listed["not_existed_id_list"]),
        (&json!([other]), &json!(["x"]))
    );

    let fifty_one: Vec<String> = (0..51).map(|n| format!("ou_{n:032x}")).collect();
    let fifty_one: Vec<&str> = fifty_one.iter().map(String::as_str).collect();
    refused(&add(&world, chat, "", &fifty_one).send().await, 232001);
    refused(&add(&world, chat, "?member_id_type=app_id", &fifty_one[..6]).send().await, 232001);
    add(&world, chat, "", &fifty_one[..50]).send().await.refused(99992351);
    for (query, field) in [("?succeed_type=3", "succeed_type"), ("?member_id_type=email", "member_id_type")] {
        let reply = add(&world, chat, query, &[&world.users[0].open_id]).send().await;
        reply.refused(99992402);
        assert_eq!(reply.violated(), [field]);
    }
    refused(&add(&world, chat, "", &[]).send().await, 232027);
    refused(&world.call("POST", &members(chat)).body(json!({})).send().await, 232027);
    refused(&world.call("DELETE", &members(chat)).send().await, 232027);
    refused(&remove(&world, chat, "", &fifty_one).send().await, 232001);
}

#[tokio::test]
async fn people_of_another_tenant_stay_out() {
    let lab = Lab::start().await;
    let (maker, guest) = (lab.world().await, lab.world().await);
    let (app_id, home) = isv_app(&maker).await;
    guest.control("POST", "/installs").body(json!({"app_id": app_id})).send().await.data();
    let away = issued_token(&guest, &app_id).await;
    let chat = maker.chat(json!({"members": [app_id]})).await;
    let stranger = open_id(&guest, 0, &app_id).await;
    refused(&add(&maker, &chat, "", &[&stranger]).token(&home).send().await, 232028);
    let listed = add(&maker, &chat, "?succeed_type=1", &[&stranger]).token(&home).send().await.data();
    assert_eq!(listed["invalid_id_list"], json!([stranger]));
    for (method, path) in [
        ("POST", members(&chat)),
        ("DELETE", members(&chat)),
        ("GET", members(&chat)),
        ("GET", format!("{}/is_in_chat", members(&chat))),
        ("PATCH", format!("{}/me_join", members(&chat))),
    ] {
        refused(&guest.call(method, &path).token(&away).send().await, 232010);
    }
}

#[tokio::test]
async fn every_refusal_that_the_pages_share() {
    let world = world().await;
    let user = world.users[1].open_id.clone();
    let calls = |chat: &str| {
        let path = members(chat);
        [
            ("create", world.call("POST", &path).body(json!({"id_list": [user]}))),
            ("delete", world.call("DELETE", &path).body(json!({"id_list": [user]}))),
            ("get", world.call("GET", &path)),
            ("is_in_chat", world.call("GET", &format!("{path}/is_in_chat"))),
            ("me_join", world.call("PATCH", &format!("{path}/me_join"))),
        ]
    };
    let all = async |chat: &str, code: u32, except: &[&str]| {
        for (name, request) in calls(chat) {
            let reply = request.send().await;
            if except.contains(&name) {
                assert_ne!(reply.code(), i64::from(code), "{name}");
            } else {
                refused(&reply, code);
            }
        }
    };
    for unknown in ["oc_00000000000000000000000000000001", "x"] {
        all(unknown, 232006, &[]).await;
    }
    let without = world.chat(json!({"members": [world.users[1].user_id]})).await;
    all(&without, 232011, &["is_in_chat", "me_join"]).await;
    let gone = world.chat(json!({"members": [world.app_id], "chat_status": "dissolved"})).await;
    all(&gone, 232009, &["is_in_chat"]).await;
    let external = world.chat(json!({"members": [world.app_id], "external": true})).await;
    all(&external, 232033, &["me_join"]).await;
    world.set_app(&world.app_id, json!({"bot": false})).await;
    all(&world.chat_id, 232025, &[]).await;
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    all(&world.chat_id, 232034, &[]).await;
    world.set_app(&world.app_id, json!({"status": "enabled"})).await;

    let p2p =
        world.chat(json!({"chat_mode": "p2p", "members": [world.app_id, world.users[1].user_id]})).await;
    refused(&add(&world, &p2p, "", &[&user]).send().await, 232090);
    refused(&remove(&world, &p2p, "", &[&user]).send().await, 232007);
    refused(&world.call("PATCH", &format!("{}/me_join", members(&p2p))).send().await, 232008);
    let both = world.call("GET", &members(&p2p)).send().await.data();
    assert_eq!(both["items"].as_array().expect("items").len(), 1, "its user; the bot is left out");
}

#[tokio::test]
async fn a_chat_may_leave_adding_to_its_managers() {
    let world = world().await;
    let user = new_user(&world, "new").await;
    let chat = world
        .chat(json!({"owner": world.users[0].user_id, "members": [world.app_id], "creator_app": world.app_id,
        "settings": {"add_member_permission": "only_owner"}}))
        .await;
    let invite = || add(&world, &chat, "", &[user["open_id"].as_str().expect("an id")]);
    // The bot that made the chat acts for its owner.
    invite().send().await.data();
    let out = || remove(&world, &chat, "", &[user["open_id"].as_str().expect("an id")]);
    out().send().await.data();
    not_as_owner(&world).await;
    refused(&invite().send().await, 232017);
    put_member(&world, &chat, &world.app_id, true).await;
    invite().send().await.data();
    let owner = world.user_token(0, json!({})).await;
    out().token(&owner).send().await.data();
    invite().token(&owner).send().await.data();
}

#[tokio::test]
async fn invited_bots_must_be_fit_for_external_chats() {
    let world = world().await;
    world.set_app(&world.app_id, json!({"external_sharing": true})).await;
    let (bot, _) = world.app(json!({"name": "guest"})).await;
    let chat = world.chat(json!({"members": [world.app_id], "external": true})).await;
    refused(&add(&world, &chat, "?member_id_type=app_id", &[&bot]).send().await, 232033);
    world.set_app(&bot, json!({"external_sharing": true})).await;
    add(&world, &chat, "?member_id_type=app_id", &[&bot]).send().await.data();
}

#[tokio::test]
async fn a_chat_has_fifteen_bots_and_what_its_administrators_allow() {
    let world = world().await;
    let chat = &world.chat_id;
    let mut bots = Vec::new();
    for n in 0..15 {
        bots.push(world.app(json!({"name": format!("bot {n}")})).await);
    }
    let ids: Vec<&str> = bots.iter().map(|(id, _)| id.as_str()).collect();
    for five in ids[..10].chunks(5) {
        add(&world, chat, "?member_id_type=app_id", five).send().await.data();
    }
    refused(&add(&world, chat, "?member_id_type=app_id", &ids[10..]).send().await, 232013);
    assert_eq!(inside(&world, chat).await.len(), 14, "all or none");
    add(&world, chat, "?member_id_type=app_id", &ids[10..14]).send().await.data();
    set_chat(&world, chat, json!({"chat_type": "public"})).await;
    let join = world.call("PATCH", &format!("{}/me_join", members(chat)));
    refused(&join.clone().token(&bots[14].1).send().await, 232013);

    world.control("PUT", "/limits").body(json!({"chat_users": 4})).send().await.data();
    let (one, two) = (new_user(&world, "one").await, new_user(&world, "two").await);
    let (one, two) = (text(&one, "open_id"), text(&two, "open_id"));
    refused(&add(&world, chat, "", &[&one, &two]).send().await, 232044);
    add(&world, chat, "", &[&one, &world.users[0].open_id]).send().await.data();
    refused(&add(&world, chat, "", &[&two]).send().await, 232044);
    assert_eq!(world.control("PUT", "/limits").body(json!({})).send().await.data(), json!({}));
    add(&world, chat, "", &[&two]).send().await.data();
    world.control("PUT", "/limits").body(json!({"chat_users": 0})).send().await.refused(5275400);
    let other = "/larkspur/v1/worlds/0000000000000000/limits";
    world
        .lab
        .control("PUT", other.trim_start_matches("/larkspur/v1"))
        .body(json!({}))
        .send()
        .await
        .refused(5275404);
}

#[tokio::test]
async fn members_who_need_approval_wait() {
    let world = world().await;
    let chat = &world.chat_id;
    set_chat(&world, chat, json!({"settings": {"membership_approval": "approval_required"}})).await;
    let (one, two) = (new_user(&world, "one").await, new_user(&world, "two").await);
    let ids = [text(&one, "open_id"), text(&two, "open_id")];
    let invite = || add(&world, chat, "", &[&ids[0], &ids[1], &world.users[1].open_id]);
    for _ in 0..2 {
        let reply = invite().send().await.data();
        assert_eq!(reply["pending_approval_id_list"], json!(ids), "in the order of the request");
    }
    assert_eq!(inside(&world, chat).await.len(), 4);
    let path = format!("/chats/{chat}/pending");
    let waiting = async || world.control("GET", &path).send().await.data()["pending"].clone();
    let list = waiting().await;
    assert_eq!(list.as_array().expect("a list").len(), 2, "{list}");
    assert_eq!(names(&list[0]), ["created_at_ms", "inviter", "member"]);
    assert_eq!(list[0]["inviter"], world.app_id);

    let (one, two) = (text(&one, "user_id"), text(&two, "user_id"));
    world.control("PUT", "/limits").body(json!({"chat_users": 3})).send().await.data();
    world.control("PUT", &format!("{path}/{one}")).send().await.refused(5275400);
    world.control("PUT", "/limits").body(json!({})).send().await.data();
    world.control("PUT", &format!("{path}/{one}")).send().await.data();
    assert!(inside(&world, chat).await.contains(&one));
    assert_eq!(world.control("DELETE", &format!("{path}/{two}")).send().await.data(), json!({}));
    assert_eq!(waiting().await, json!([]));
    for method in ["PUT", "DELETE"] {
        world.control(method, &format!("{path}/{two}")).send().await.refused(5275404);
    }
    world.control("GET", "/chats/oc_1/pending").send().await.refused(5275404);

    // The owner's invitation includes approval; a user who joins in another way no longer waits.
    invite().send().await.data();
    let owner = world.user_token(0, json!({})).await;
    assert_eq!(invite().token(&owner).send().await.data(), nothing());
    assert_eq!(waiting().await, json!([]));
    assert_eq!(counts(&world, chat).await, ("5".to_owned(), "1".to_owned()));
}

#[tokio::test]
async fn a_public_group_is_joined_unasked() {
    let world = world().await;
    let (_, token) = world.app(json!({"name": "joiner"})).await;
    let chat =
        world.chat(json!({"chat_type": "public", "owner": world.users[0].user_id, "name": "public"})).await;
    let join = |chat: &str| world.call("PATCH", &format!("{}/me_join", members(chat))).token(&token);
    let asked = |chat: &str| world.call("GET", &format!("{}/is_in_chat", members(chat))).token(&token);
    assert_eq!(asked(&chat).send().await.data(), json!({"is_in_chat": false}));
    for _ in 0..2 {
        let reply = join(&chat).send().await;
        assert_eq!((reply.data(), reply.json()["msg"].clone()), (json!({}), json!("ok")));
    }
    assert_eq!(asked(&chat).send().await.data(), json!({"is_in_chat": true}));
    let user = world.user_token(1, json!({})).await;
    join(&chat).token(&user).body(json!({})).send().await.data();
    assert_eq!(inside(&world, &chat).await.len(), 3);
    refused(&join(&world.chat_id).send().await, 232008);
    set_chat(&world, &chat, json!({"settings": {"membership_approval": "approval_required"}})).await;
    join(&chat).send().await.data();
    let late = world.user_token(2, json!({})).await;
    refused(&join(&chat).token(&late).send().await, 232075);
    set_chat(&world, &chat, json!({"external": true})).await;
    refused(&join(&chat).token(&late).send().await, 232008);
    set_chat(&world, &chat, json!({"external": false, "chat_status": "dissolved"})).await;
    assert_eq!(asked(&chat).send().await.data(), json!({"is_in_chat": false}));
}

#[tokio::test]
async fn members_go_and_the_owner_stays() {
    let world = world().await;
    let chat = &world.chat_id;
    let [owner, anna, berta] = [0, 1, 2].map(|n| world.users[n].open_id.clone());
    let (outsider, unknown) = (text(&new_user(&world, "outsider").await, "open_id"), "ou_1");
    not_as_owner(&world).await;
    refused(&remove(&world, chat, "", &[&anna]).send().await, 232014);
    refused(&remove(&world, chat, "", &[unknown]).send().await, 232014);
    let token = world.user_token(0, json!({})).await;
    refused(&remove(&world, chat, "", &[&owner, &anna]).token(&token).send().await, 232076);
    refused(&remove(&world, chat, "", &[unknown, &outsider]).token(&token).send().await, 232027);
    assert_eq!(inside(&world, chat).await.len(), 4, "nothing happened");
    let reply = remove(&world, chat, "", &[&anna, unknown, &outsider]).token(&token).send().await;
    assert_eq!(reply.data(), json!({"invalid_id_list": [unknown, outsider]}));
    assert_eq!(counts(&world, chat).await, ("2".to_owned(), "1".to_owned()));

    put_member(&world, chat, &world.app_id, true).await;
    refused(&remove(&world, chat, "", &[&owner]).send().await, 232076);
    remove(&world, chat, "", &[&berta]).send().await.data();
    put_member(&world, chat, &world.app_id, false).await;
    let leave = remove(&world, chat, "?member_id_type=app_id", &[&world.app_id]);
    assert_eq!(leave.clone().send().await.data(), json!({"invalid_id_list": []}));
    refused(&leave.send().await, 232011);
    refused(&remove(&world, chat, "", &[&owner]).token(&token).send().await, 232029);
    assert_eq!(inside(&world, chat).await, [world.users[0].user_id.clone()]);
}

#[tokio::test]
async fn who_removes_a_bot_is_in_the_chat() {
    let world = world().await;
    let (bot, _) = world.app(json!({"name": "guest"})).await;
    let chat = world.chat(json!({"members": [bot], "creator_app": world.app_id})).await;
    let out = |id: &str| remove(&world, &chat, "?member_id_type=app_id", &[id]);
    refused(&out(&bot).send().await, 232011);
    refused(&out(&world.app_id).send().await, 232011);
    put_member(&world, &chat, &world.app_id, false).await;
    assert_eq!(out(&bot).send().await.data(), json!({"invalid_id_list": []}));
}

#[tokio::test]
async fn a_chat_that_its_last_member_leaves_is_dissolved() {
    let world = world().await;
    let chat = world.chat(json!({"members": [world.app_id, world.users[1].user_id]})).await;
    let user = world.user_token(1, json!({})).await;
    remove(&world, &chat, "", &[&world.users[1].open_id]).token(&user).send().await.data();
    let shown = world.control("GET", &format!("/chats/{chat}")).send().await.data();
    assert_eq!(shown["chat_status"], "normal");
    remove(&world, &chat, "?member_id_type=app_id", &[&world.app_id]).send().await.data();
    let shown = world.control("GET", &format!("/chats/{chat}")).send().await.data();
    assert_eq!((&shown["chat_status"], &shown["members"]), (&json!("dissolved"), &json!([])));
}

#[tokio::test]
async fn an_isv_app_never_sees_user_ids() {
    let world = world().await;
    let (app_id, token) = isv_app(&world).await;
    put_member(&world, &world.chat_id, &app_id, false).await;
    let path = format!("{}?member_id_type=user_id", members(&world.chat_id));
    let reply = world.call("GET", &path).token(&token).send().await;
    refused(&reply, 232001);
    assert_eq!(reply.violated(), ["member_id_type"]);
    let reply = world.call("POST", &path).token(&token).body(json!({"id_list": ["a"]})).send().await;
    refused(&reply, 232001);
    let bare = world.user_token(1, json!({"scopes": ["im:chat"]})).await;
    world.call("GET", &path).token(&bare).send().await.refused(99991679);
    world.set_app(&world.app_id, json!({"scopes": ["im:chat"]})).await;
    world.call("GET", &path).send().await.refused(99991672);
}
