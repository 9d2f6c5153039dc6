//! `im/v1/chats/:chat_id/members/list` and `…/members/bots`

use larkspur_testkit::{Lab, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{issued_token, isv_app, names, put_member, refused, text, world};

fn list(world: &World, chat_id: &str) -> Request {
    world.call("GET", &format!("/im/v1/chats/{chat_id}/members/list"))
}

fn bots(world: &World, chat_id: &str) -> Request {
    world.call("GET", &format!("/im/v1/chats/{chat_id}/members/bots"))
}

fn each(data: &Value, list: &str, field: &str) -> Vec<String> {
    data[list].as_array().expect("a list").iter().map(|item| text(item, field)).collect()
}

/// A chat of the world's bot, users and another bot, who joined one after another.
async fn peopled(world: &World) -> (String, String) {
    let (other, _) = world.app(json!({"name": "second"})).await;
    let chat = world.chat(json!({"owner": world.users[0].user_id, "members": [world.app_id]})).await;
    for name in ["a", "b", "", "c", "d"] {
        world.advance(1).await;
        let member = match name {
            "" => other.clone(),
            name => {
                let made = world.control("POST", "/users").body(json!({"name": name})).send().await.data();
                text(&made, "user_id")
            }
        };
        put_member(world, &chat, &member, false).await;
    }
    (chat, other)
}

#[tokio::test]
async fn users_are_paged_and_bots_stand_on_the_first_page() {
    let world = world().await;
    let (chat, other) = peopled(&world).await;
    let owner = &world.users[0].name;
    let reply = list(&world, &chat).send().await;
    assert_eq!(reply.json()["msg"], "success");
    let all = reply.data();
    assert_eq!(each(&all, "users", "name"), [owner, "a", "b", "c", "d"]);
    assert_eq!(each(&all, "bots", "app_id"), [world.app_id.as_str(), &other]);
    assert_eq!((&all["user_total"], &all["bot_total"]), (&json!(5), &json!(2)));
    let end = (&json!(false), &json!(""), &json!([]));
    assert_eq!((&all["has_more"], &all["page_token"], &all["truncations"]), end);
    assert_eq!(names(&all["users"][0]), ["member_id", "member_id_type", "name", "tenant_key"]);
    let bot = &all["bots"][1];
    let own = json!({"member_id_type": "open_id", "member_id": bot["member_id"], "name": "second", "app_id": other, "tenant_key": world.tenant_key});
    assert_eq!(*bot, own);
    let me = world.call("GET", "/bot/v3/info").send().await.json();
    assert_eq!(all["bots"][0]["member_id"], me["bot"]["open_id"]);

    let (mut found, mut sizes, mut token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = list(&world, &chat).query("page_size", "2").query("page_token", &token);
        let page = page.send().await.data();
        assert_eq!((&page["user_total"], &page["bot_total"]), (&json!(5), &json!(2)), "on every page");
        sizes.push((each(&page, "users", "name").len(), each(&page, "bots", "name").len()));
        found.extend(each(&page, "users", "name"));
        token = text(&page, "page_token");
        assert_eq!(page["has_more"], !token.is_empty());
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((found, sizes), (each(&all, "users", "name"), vec![(2, 2), (2, 0), (1, 0)]));

    // Members who joined at the same time are paged one by one.
    let many =
        world.chat(json!({"members": [world.app_id, world.users[0].user_id, world.users[1].user_id]})).await;
    let page = list(&world, &many).query("page_size", "1").send().await.data();
    assert_eq!((each(&page, "users", "name").len(), &page["has_more"]), (1, &json!(true)));
}

#[tokio::test]
async fn member_types_and_forms_of_ids() {
    let world = world().await;
    let (chat, _) = peopled(&world).await;
    let count = async |query: &str| {
        let path = format!("/im/v1/chats/{chat}/members/list?{query}");
        let data = world.call("GET", &path).send().await.data();
        assert_eq!((&data["user_total"], &data["bot_total"]), (&json!(5), &json!(2)), "{query}");
        (each(&data, "users", "name").len(), each(&data, "bots", "name").len())
    };
    for (query, expected) in [
        ("member_types=user", (5, 0)),
        ("member_types=bot", (0, 2)),
        ("member_types=user,bot", (5, 2)),
        ("member_types=bot&member_types=user", (5, 2)),
        ("member_types=", (5, 2)),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    for (form, id) in [("union_id", &world.users[0].union_id), ("user_id", &world.users[0].user_id)] {
        let data = list(&world, &chat).query("member_id_type", form).send().await.data();
        assert_eq!(
            (&data["users"][0]["member_id"], &data["users"][0]["member_id_type"]),
            (&json!(id), &json!(form))
        );
        assert_eq!(data["bots"][0]["member_id_type"], "open_id", "a bot has no other id");
    }
    for (name, value) in [
        ("member_types", "user,robot"),
        ("member_id_type", "app_id"),
        ("page_size", "0"),
        ("page_size", "101"),
    ] {
        let reply = list(&world, &chat).query(name, value).send().await;
        refused(&reply, 99992402);
        assert_eq!(reply.violated(), [name]);
    }
    let other = list(&world, &world.chat_id).query("page_size", "1").send().await.data();
    for wrong in ["x", &text(&other, "page_token")] {
        refused(&list(&world, &chat).query("page_token", wrong).send().await, 232001);
    }
}

#[tokio::test]
async fn a_chat_may_hide_who_is_in_it() {
    let world = world().await;
    let settings = json!({"hide_member_count_setting": "only_owner"});
    let body = json!({"owner": world.users[0].user_id, "members": [world.app_id, world.users[1].user_id], "settings": settings});
    let chat = world.chat(body).await;
    let hidden = list(&world, &chat).send().await.data();
    assert_eq!((&hidden["user_total"], &hidden["users"]), (&json!(-1), &json!([])));
    assert_eq!((&hidden["has_more"], &hidden["bot_total"]), (&json!(false), &json!(1)));
    assert_eq!(each(&hidden, "bots", "app_id"), [world.app_id.as_str()]);
    let owner = world.user_token(0, json!({})).await;
    let told = list(&world, &chat).token(&owner).send().await.data();
    assert_eq!((&told["user_total"], each(&told, "users", "name").len()), (&json!(2), 2));
    put_member(&world, &chat, &world.app_id, true).await;
    assert_eq!(list(&world, &chat).send().await.data()["user_total"], 2, "a manager may know");
}

#[tokio::test]
async fn all_bots_stand_on_one_page() {
    let world = world().await;
    let (chat, other) = peopled(&world).await;
    let reply = bots(&world, &chat).send().await;
    assert_eq!(reply.json()["msg"], "success");
    let data = reply.data();
    assert_eq!(names(&data), ["items"]);
    assert_eq!(each(&data, "items", "bot_name").len(), 2);
    assert_eq!(names(&data["items"][0]), ["bot_id", "bot_name"]);
    let me = world.call("GET", "/bot/v3/info").send().await.json();
    assert_eq!(data["items"][0]["bot_id"], me["bot"]["open_id"]);

    // Each app sees the same bots under its own ids.
    let theirs = issued_token(&world, &other).await;
    let seen = bots(&world, &chat).token(&theirs).send().await.data();
    assert_eq!(each(&seen, "items", "bot_name"), each(&data, "items", "bot_name"));
    for (ours, theirs) in each(&data, "items", "bot_id").iter().zip(each(&seen, "items", "bot_id")) {
        assert_ne!(*ours, theirs);
    }
    let themselves = world.call("GET", "/bot/v3/info").token(&theirs).send().await.json();
    assert_eq!(seen["items"][1]["bot_id"], themselves["bot"]["open_id"]);
    let user = world.user_token(0, json!({})).await;
    assert_eq!(bots(&world, &chat).token(&user).send().await.data(), data, "the user's app sees");
}

#[tokio::test]
async fn both_lists_share_their_refusals() {
    let lab = Lab::start().await;
    let world = lab.world().await;
    let all = async |chat: &str, code: u32| {
        for path in ["list", "bots"] {
            let request = world.call("GET", &format!("/im/v1/chats/{chat}/members/{path}"));
            refused(&request.send().await, code);
        }
    };
    for unknown in ["oc_00000000000000000000000000000001", "x"] {
        all(unknown, 232006).await;
    }
    all(&world.chat(json!({"members": [world.users[1].user_id]})).await, 232011).await;
    all(&world.chat(json!({"members": [world.app_id], "chat_status": "dissolved"})).await, 232009).await;
    all(&world.chat(json!({"members": [world.app_id], "external": true})).await, 232033).await;
    let guest = lab.world().await;
    let (app_id, _) = isv_app(&world).await;
    guest.control("POST", "/installs").body(json!({"app_id": app_id})).send().await.data();
    let away = issued_token(&guest, &app_id).await;
    let chat = world.chat(json!({"members": [app_id]})).await;
    for request in [list(&guest, &chat), bots(&guest, &chat)] {
        refused(&request.token(&away).send().await, 232010);
    }
    world.set_app(&world.app_id, json!({"bot": false})).await;
    all(&world.chat_id, 232025).await;
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    all(&world.chat_id, 232034).await;
}
