//! `im/v1/chats/:chat_id/menu_tree` and `menu_items`.

use larkspur_testkit::{Reply, Request, World};
use serde_json::{Value, json};

use crate::scenarios::{names, put_member, refused, set_chat, text, upload, world};

const UNKNOWN: &str = "oc_00000000000000000000000000000000";

fn link(name: &str) -> Value {
    let url = format!("https://example.com/{name}");
    json!({"action_type": "REDIRECT_LINK", "name": name, "redirect_link": {"common_url": url}})
}

fn plain(name: &str) -> Value {
    json!({"action_type": "NONE", "name": name})
}

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn top(item: Value) -> Value {
    json!({"chat_menu_item": item})
}

fn parent(name: &str, children: &[Value]) -> Value {
    let children: Vec<Value> = children.iter().cloned().map(top).collect();
    json!({"chat_menu_item": plain(name), "children": children})
}

fn path(chat: &str) -> String {
    format!("/im/v1/chats/{chat}/menu_tree")
}

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn add(world: &World, chat: &str, tops: Value) -> Request {
    world.call("POST", &path(chat)).body(json!({"menu_tree": {"chat_menu_top_levels": tops}}))
}

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn remove(world: &World, chat: &str, ids: Value) -> Request {
    world.call("DELETE", &path(chat)).body(json!({"chat_menu_top_level_ids": ids}))
}

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn sort(world: &World, chat: &str, ids: Value) -> Request {
    world.call("POST", &format!("{}/sort", path(chat))).body(json!({"chat_menu_top_level_ids": ids}))
}

#[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
fn change(world: &World, chat: &str, id: &str, fields: Value, item: Value) -> Request {
    let body = json!({"update_fields": fields, "chat_menu_item": item});
    world.call("PATCH", &format!("/im/v1/chats/{chat}/menu_items/{id}")).body(body)
}

#[track_caller]
fn tops(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.json()["msg"], "success", "{}", reply.text());
    let data = reply.data();
    assert_eq!(names(&data), ["menu_tree"]);
    data["menu_tree"]["chat_menu_top_levels"].as_array().expect("a list").clone()
}

fn ids(tops: &[Value]) -> Vec<String> {
    tops.iter().map(|top| text(top, "chat_menu_top_level_id")).collect()
}

async fn menu(world: &World) -> Vec<Value> {
    tops(&world.call("GET", &path(&world.chat_id)).send().await)
}

/// A world whose chat has two links and an item with a child; their ids, and the child's.
async fn three() -> (World, Vec<String>, String) {
    let world = world().await;
    let chat = world.chat_id.clone();
    let new = json!([top(link("a")), top(link("b")), parent("c", &[link("d")])]);
    let made = tops(&add(&world, &chat, new).send().await);
    let child = text(&made[2]["children"][0], "chat_menu_second_level_id");
    let ids = ids(&made);
    (world, ids, child)
}

#[tokio::test]
async fn items_are_added_behind_the_others_and_shown_whole() {
    let world = world().await;
    let chat = world.chat_id.clone();
    assert_eq!(menu(&world).await, Vec::<Value>::new(), "a chat begins without a menu");
    let image = upload(&world, &world.token, "message").await;
    let full = json!({
        "action_type": "REDIRECT_LINK", "name": "名".repeat(120), "image_key": image,
        "redirect_link": {"common_url": "https://open.feishu.cn/", "ios_url": "http://i.example", "android_url": "https://a.example",
            "pc_url": "https://p.example", "web_url": "HTTPS://w.example"},
        "i18n_names": {"zh_cn": "菜单", "en_us": "Menu", "ja_jp": "メニュー"},
    });
    let first = tops(&add(&world, &chat, json!([top(full.clone())])).send().await);
    assert_eq!(first.len(), 1);
    assert_eq!(names(&first[0]), ["chat_menu_item", "chat_menu_top_level_id", "children"]);
    assert_eq!(first[0]["chat_menu_item"], full, "shown as it was sent");
    assert_eq!(first[0]["children"], json!([]));
    let id = text(&first[0], "chat_menu_top_level_id");
    assert!(id.len() == 19 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");

    let own = json!({"ios_url": "http://i.example", "android_url": "https://a.example", "pc_url": "https://p.example", "web_url": "https://w.example"});
    let children = [
        json!({"action_type": "REDIRECT_LINK", "name": "1", "redirect_link": own}),
        json!({"action_type": "NONE", "name": "2", "image_key": image, "redirect_link": {"common_url": ""}}),
        link("3"),
        link("4"),
        link("5"),
    ];
    let both = tops(&add(&world, &chat, json!([parent("p", &children), top(plain("last"))])).send().await);
    assert_eq!(both[0], first[0], "what was there stays first");
    let below = both[1]["children"].as_array().expect("children");
    assert_eq!(names(&below[0]), ["chat_menu_item", "chat_menu_second_level_id"]);
    let shown: Vec<String> = below.iter().map(|child| text(&child["chat_menu_item"], "name")).collect();
    assert_eq!(shown, ["1", "2", "3", "4", "5"]);
    assert_eq!(below[0]["chat_menu_item"]["redirect_link"], own);
    assert_eq!(
        names(&below[1]["chat_menu_item"]),
        ["action_type", "image_key", "name"],
        "empty texts are absent"
    );
    assert_eq!(both[2]["chat_menu_item"], plain("last"));
    assert_eq!(menu(&world).await, both);
}

#[tokio::test]
async fn an_illegal_item_refuses_them_all() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let avatar = upload(&world, &world.token, "avatar").await;
    let (_, other) = world.app(json!({})).await;
    let foreign = upload(&world, &other, "message").await;
    let with = |name: &str, value: Value| {
        let mut item = link("bad");
        item[name] = value;
        item
    };
    for (bad, code) in [
        (top(json!({"name": "no action"})), 232001),
        (top(json!({"action_type": "NONE"})), 232001),
        (top(json!({"action_type": "OPEN", "name": "x"})), 232001),
        (top(with("name", json!(""))), 232001),
        (top(with("name", json!("名".repeat(121)))), 232001),
        (json!({"children": []}), 232001),
        (top(json!({"action_type": "REDIRECT_LINK", "name": "x"})), 232078),
        (top(with("redirect_link", json!({}))), 232078),
        (top(with("redirect_link", json!({"common_url": ""}))), 232078),
        (top(with("redirect_link", json!({"common_url": "ftp://a.example"}))), 232078),
        (
            top(with("redirect_link", json!({"common_url": "https://a.example", "pc_url": "a.example"}))),
            232078,
        ),
        (top(with("redirect_link", json!({"ios_url": "https://a.example"}))), 232078),
        (top(json!({"action_type": "NONE", "name": "x", "redirect_link": {"pc_url": "a.example"}})), 232078),
        (parent("p", &[json!({"redirect_link": {"common_url": "a.example"}})]), 232078),
        (parent("p", &[json!({"name": ""})]), 232001),
        (parent("p", &[json!({"action_type": "OPEN"})]), 232001),
        (top(with("i18n_names", json!({"ja_jp": "名".repeat(121)}))), 232078),
        (top(with("i18n_names", json!({"ja_jp": ""}))), 232078),
        (json!({"chat_menu_item": link("p"), "children": [top(link("c"))]}), 232078),
        (
            json!({"chat_menu_item": {"action_type": "NONE", "name": "p", "image_key": avatar}, "children": [top(link("c"))]}),
            232056,
        ),
        (parent("p", &[json!({"action_type": "REDIRECT_LINK", "name": "c"})]), 232078),
        (top(with("image_key", json!("img_unknown"))), 232056),
        (top(with("image_key", json!(avatar))), 232056),
        (parent("p", &[with("image_key", json!(foreign))]), 232056),
        (parent("p", &[link("1"), link("2"), link("3"), link("4"), link("5"), link("6")]), 232071),
    ] {
        let reply = add(&world, &chat, json!([top(link("good")), bad])).send().await;
        refused(&reply, code);
        assert_eq!(menu(&world).await.len(), 0, "nothing was added: {bad}");
    }
    refused(&add(&world, &chat, json!([])).send().await, 232001);
    refused(&world.call("POST", &path(&chat)).body(json!({})).send().await, 232001);
    let four: Vec<Value> = (0..4).map(|n| top(link(&n.to_string()))).collect();
    refused(&add(&world, &chat, json!(four)).send().await, 232070);
    add(&world, &chat, json!(four[..2])).send().await.data();
    refused(&add(&world, &chat, json!(four[2..])).send().await, 232070);
    assert_eq!(tops(&add(&world, &chat, json!(four[2..3])).send().await).len(), 3);
    refused(&add(&world, &chat, json!(four[3..])).send().await, 232070);
}

#[tokio::test]
async fn only_the_top_level_is_deleted_and_takes_its_children_along() {
    let (world, id, child) = three().await;
    let chat = world.chat_id.clone();
    for bad in [json!([]), json!(["7"]), json!([""]), json!([id[0], "x"]), json!([id[0], child])] {
        refused(&remove(&world, &chat, bad).send().await, 232001);
    }
    refused(&world.call("DELETE", &path(&chat)).send().await, 232001);
    assert_eq!(ids(&menu(&world).await), id, "nothing was deleted");
    let left = tops(&remove(&world, &chat, json!([id[2], id[0], id[2]])).send().await);
    assert_eq!(ids(&left), [id[1].clone()]);
    refused(&change(&world, &chat, &child, json!(["NAME"]), plain("gone")).send().await, 232001);
    refused(&remove(&world, &chat, json!([id[0]])).send().await, 232001);
    let two = tops(&add(&world, &chat, json!([top(link("new"))])).send().await);
    assert_eq!(two[1]["chat_menu_item"]["name"], "new", "behind the one that stayed");
}

#[tokio::test]
async fn an_order_names_the_whole_top_level() {
    let (world, id, child) = three().await;
    let chat = world.chat_id.clone();
    let order = [&id[2], &id[0], &id[1]];
    let sorted = tops(&sort(&world, &chat, json!(order)).send().await);
    assert_eq!(ids(&sorted), order.map(Clone::clone));
    assert_eq!(text(&sorted[0]["children"][0], "chat_menu_second_level_id"), child, "children go along");
    for bad in [
        json!([]),
        json!([id[0], id[1]]),
        json!([id[0], id[1], id[1]]),
        json!([id[0], id[1], id[2], child]),
        json!([id[0], id[1], id[2], id[2]]),
        json!([id[0], id[1], "x"]),
    ] {
        refused(&sort(&world, &chat, bad).send().await, 232072);
    }
    refused(&world.call("POST", &format!("{}/sort", path(&chat))).send().await, 232001);
    assert_eq!(menu(&world).await, sorted);
    remove(&world, &chat, json!(id)).send().await.data();
    assert_eq!(tops(&sort(&world, &chat, json!([])).send().await).len(), 0, "no order of nothing");
}

#[tokio::test]
async fn a_change_touches_what_it_names() {
    let (world, id, child) = three().await;
    let chat = world.chat_id.clone();
    let image = upload(&world, &world.token, "message").await;
    let other = json!({"action_type": "NONE", "name": "new", "image_key": image,
        "redirect_link": {"common_url": "https://new.example"}, "i18n_names": {"en_us": "New"}});
    let mut expected = link("a");
    for (field, name, part) in [
        ("NAME", "name", "name"),
        ("ICON", "image_key", "image_key"),
        ("I18N_NAME", "i18n_names", "i18n_names"),
    ] {
        expected[name] = other[part].clone();
        let reply = change(&world, &chat, &id[0], json!([field]), other.clone()).send().await;
        assert_eq!(reply.json()["msg"], "success");
        assert_eq!(reply.data(), json!({"chat_menu_item": expected}), "{field}");
    }
    expected["redirect_link"] = other["redirect_link"].clone();
    let reply = change(&world, &chat, &id[0], json!(["REDIRECT_LINK", "REDIRECT_LINK"]), other).send().await;
    assert_eq!(reply.data()["chat_menu_item"], expected);
    assert_eq!(menu(&world).await[0]["chat_menu_item"], expected);

    let bare = change(&world, &chat, &id[0], json!(["ICON", "I18N_NAME"]), plain("unread")).send().await;
    assert_eq!(names(&bare.data()["chat_menu_item"]), ["action_type", "name", "redirect_link"], "cleared");
    let renamed = change(&world, &chat, &child, json!(["NAME"]), plain("e")).send().await;
    assert_eq!(renamed.data()["chat_menu_item"]["name"], "e", "of the second level too");
    assert_eq!(menu(&world).await[2]["children"][0]["chat_menu_item"]["name"], "e");
}

#[tokio::test]
async fn the_sample_of_the_create_page_passes() {
    let world = world().await;
    let chat = world.chat_id.clone();
    let image = upload(&world, &world.token, "message").await;
    let address = "https://open.feishu.cn/";
    let everywhere = json!({"common_url": address, "ios_url": address, "android_url": address, "pc_url": address,
        "web_url": address});
    let item = |action: &str| {
        json!({"action_type": action, "redirect_link": everywhere, "image_key": image, "name": "评审报名",
            "i18n_names": {"zh_cn": "评审报名", "en_us": "Sign up", "ja_jp": "サインアップ"}})
    };
    let sample = json!([{"chat_menu_item": item("NONE"), "children": [top(item("NONE"))]}]);
    let made = tops(&add(&world, &chat, sample).send().await);
    assert_eq!(made[0]["chat_menu_item"], item("NONE"), "shown as it was sent");
    assert_eq!(made[0]["children"][0]["chat_menu_item"], item("NONE"));

    // In the second level, type and name may be omitted.
    let bare = [json!({"redirect_link": {"common_url": address}}), json!({"image_key": image}), json!({})];
    let more = tops(&add(&world, &chat, json!([parent("p", &bare)])).send().await);
    let shown = |n: usize| more[1]["children"][n]["chat_menu_item"].clone();
    let links = json!({"action_type": "REDIRECT_LINK", "redirect_link": {"common_url": address}});
    assert_eq!(shown(0), links, "it leads where its link does");
    assert_eq!(shown(1), json!({"action_type": "NONE", "image_key": image}));
    assert_eq!(shown(2), json!({"action_type": "NONE"}));
    assert_eq!(menu(&world).await, more);
}

#[tokio::test]
async fn a_change_checks_nothing_else() {
    let (world, id, child) = three().await;
    let chat = world.chat_id.clone();
    let image = upload(&world, &world.token, "message").await;
    let named = change(&world, &chat, &id[0], json!(["NAME"]), json!({"name": "b"})).send().await.data();
    assert_eq!(named["chat_menu_item"]["name"], "b");
    // Whatever is wrong with the others.
    let wrong = json!({"action_type": "NONE", "name": "x".repeat(121), "image_key": "img_unknown",
        "redirect_link": {"common_url": "nowhere"}, "i18n_names": {"en_us": "New"}});
    let reply = change(&world, &chat, &id[0], json!(["I18N_NAME"]), wrong).send().await.data();
    let mut expected = link("a");
    expected["name"] = json!("b");
    expected["i18n_names"] = json!({"en_us": "New"});
    assert_eq!(reply["chat_menu_item"], expected);
    let icon = change(&world, &chat, &child, json!(["ICON"]), json!({"name": "", "image_key": image}));
    assert_eq!(icon.send().await.data()["chat_menu_item"]["image_key"], image.as_str());
    let icon = change(&world, &chat, &id[2], json!(["ICON"]), json!({"image_key": image})).send().await;
    assert_eq!(icon.data()["chat_menu_item"]["image_key"], image.as_str(), "also above others");
}

#[tokio::test]
async fn a_change_is_refused() {
    let (world, id, _) = three().await;
    let chat = world.chat_id.clone();
    let avatar = upload(&world, &world.token, "avatar").await;
    let icon = |key: &str| json!({"action_type": "NONE", "name": "x", "image_key": key});
    let before = menu(&world).await;
    for (target, fields, item, code) in [
        (&id[0], json!([]), plain("x"), 232001),
        (&id[0], json!(["COLOR"]), plain("x"), 232001),
        (&id[0], json!(["NAME"]), json!({"action_type": "NONE"}), 232078),
        (&id[0], json!(["NAME"]), plain(""), 232001),
        (&id[0], json!(["NAME"]), plain(&"x".repeat(121)), 232001),
        (&"7".to_owned(), json!(["NAME"]), plain("x"), 232001),
        (&"x".to_owned(), json!(["NAME"]), plain("x"), 232001),
        (&id[0], json!(["REDIRECT_LINK"]), plain("x"), 232078),
        (&id[2], json!(["REDIRECT_LINK"]), json!({"redirect_link": {"common_url": "x"}}), 232078),
        (&id[0], json!(["NAME", "ICON"]), icon(&avatar), 232078),
        (&id[0], json!(["ICON"]), icon("img_unknown"), 232078),
        (
            &id[0],
            json!(["I18N_NAME"]),
            json!({"action_type": "NONE", "name": "x", "i18n_names": {"zh_cn": ""}}),
            232078,
        ),
    ] {
        let reply = change(&world, &chat, target, fields.clone(), item.clone()).send().await;
        refused(&reply, code);
    }
    assert_eq!(menu(&world).await, before, "nothing changed");
    let missing = json!({"update_fields": ["NAME"]});
    let path = format!("/im/v1/chats/{chat}/menu_items/{}", id[0]);
    refused(&world.call("PATCH", &path).body(missing).send().await, 232001);
}

/// The calls that change a menu, each with a body that is valid except for the chat, and the read at the end.
fn calls(world: &World, chat: &str) -> [Request; 5] {
    [
        add(world, chat, json!([top(link("x"))])),
        remove(world, chat, json!(["7"])),
        sort(world, chat, json!(["7"])),
        change(world, chat, "7", json!(["NAME"]), plain("x")),
        world.call("GET", &path(chat)),
    ]
}

/// Checks the codes of [`calls`], in order.
async fn answers(world: &World, chat: &str, codes: [u32; 5]) {
    for (call, code) in calls(world, chat).into_iter().zip(codes) {
        let reply = call.send().await;
        if code == 0 {
            reply.data();
        } else {
            refused(&reply, code);
        }
    }
}

/// Starts with everything wrong about a chat, and fixes one thing at a time: the order of the refusals.
#[tokio::test]
async fn every_refusal_of_a_chat() {
    let world = world().await;
    let other = world.lab.world().await;
    let app = world.app_id.clone();
    let state = json!({"chat_mode": "topic", "external": true, "chat_status": "dissolved", "manage_widgets": "only_owner"});
    let chat = world.chat(state).await;
    world.set_app(&app, json!({"bot": false, "status": "disabled"})).await;
    answers(&world, UNKNOWN, [232001; 5]).await;
    answers(&world, "x", [232001; 5]).await;
    answers(&world, &chat, [232025; 5]).await;
    world.set_app(&app, json!({"bot": true})).await;
    answers(&world, &other.chat_id, [232034; 5]).await;
    answers(&world, &chat, [232034; 5]).await;
    world.set_app(&app, json!({"status": "enabled"})).await;
    answers(&world, &other.chat_id, [232014; 5]).await;
    answers(&world, &chat, [232033; 5]).await;
    world.set_app(&app, json!({"external_sharing": true})).await;
    answers(&world, &chat, [232009, 232009, 232009, 232009, 232011]).await;
    set_chat(&world, &chat, json!({"chat_status": "normal"})).await;
    answers(&world, &chat, [232011; 5]).await;
    put_member(&world, &chat, &app, false).await;
    answers(&world, &chat, [232008, 232008, 232001, 232001, 232001]).await;
    set_chat(&world, &chat, json!({"chat_mode": "group"})).await;
    answers(&world, &chat, [232055, 232055, 232055, 232055, 0]).await;
    put_member(&world, &chat, &app, true).await;
    answers(&world, &chat, [0, 232001, 232072, 232001, 0]).await;

    let p2p = world.chat(json!({"chat_mode": "p2p", "members": [world.users[0].user_id, app]})).await;
    answers(&world, &p2p, [232008, 232008, 232001, 232001, 232001]).await;
    world.set_app(&app, json!({"visible_to": []})).await;
    answers(&world, &p2p, [232024; 5]).await;
}
