//! Changing, deleting and sorting tabs.

use larkspur_testkit::{Lab, Reply, Request, World};
use serde_json::{Value, json};

fn url(name: &str) -> Value {
    json!({"tab_type": "url", "tab_name": name, "tab_content": {"url": format!("https://example.com/{name}")}})
}

fn change(world: &World, chat: &str, tabs: &Value) -> Request {
    world.call("POST", &format!("/im/v1/chats/{chat}/chat_tabs/update_tabs")).body(json!({"chat_tabs": tabs}))
}

fn remove(world: &World, chat: &str, ids: &Value) -> Request {
    world.call("DELETE", &format!("/im/v1/chats/{chat}/chat_tabs/delete_tabs")).body(json!({"tab_ids": ids}))
}

fn sort(world: &World, chat: &str, ids: &Value) -> Request {
    world.call("POST", &format!("/im/v1/chats/{chat}/chat_tabs/sort_tabs")).body(json!({"tab_ids": ids}))
}

fn tabs(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.json()["msg"], "ok", "{}", reply.text());
    reply.data()["chat_tabs"].as_array().expect("tabs").clone()
}

fn ids(tabs: &[Value]) -> Vec<String> {
    tabs.iter().map(|tab| tab["tab_id"].as_str().expect("an id").to_owned()).collect()
}

/// A world whose chat has a message tab and three url tabs.
async fn three() -> (World, Vec<String>) {
    let world = Lab::start().await.world().await;
    let all = tabs(&world.add_tabs(&json!([url("a"), url("b"), url("c")])).send().await);
    (world, ids(&all))
}

#[tokio::test]
async fn a_change_keeps_what_it_leaves_out() {
    let (world, id) = three().await;
    let chat = world.chat_id.clone();
    let icon = world
        .call("POST", "/im/v1/images")
        .multipart(&[("image_type", "message")], ("image", &larkspur_testkit::png(1, 1)));
    let icon = icon.send().await.data()["image_key"].clone();

    let item = json!([{"tab_id": id[1], "tab_type": "url", "tab_name": "renamed", "tab_config": {"icon_key": icon}}]);
    let all = tabs(&change(&world, &chat, &item).send().await);
    let expected = json!({"tab_id": id[1], "tab_type": "url", "tab_name": "renamed",
        "tab_content": {"url": "https://example.com/a"}, "tab_config": {"icon_key": icon, "is_built_in": false}});
    assert_eq!(all[1], expected);

    let item = json!([{"tab_id": id[1], "tab_type": "url", "tab_content": {"url": "http://other.example"}}]);
    let all = tabs(&change(&world, &chat, &item).send().await);
    assert_eq!(all[1]["tab_name"], "renamed");
    assert_eq!(all[1]["tab_config"]["icon_key"], icon);
    assert_eq!(all[1]["tab_content"], json!({"url": "http://other.example"}));

    let item = json!([{"tab_id": id[1], "tab_type": "doc", "tab_content": {"doc": world.document_url}}]);
    let all = tabs(&change(&world, &chat, &item).send().await);
    assert_eq!(all[1]["tab_content"], json!({"doc": world.document_url}));
    assert!(all[1].get("tab_config").is_none(), "a doc tab has none: {}", all[1]);
    assert_eq!(ids(&all), id, "order stays");

    for nothing in [json!({}), json!({"chat_tabs": []})] {
        let path = format!("/im/v1/chats/{chat}/chat_tabs/update_tabs");
        assert_eq!(tabs(&world.call("POST", &path).body(nothing).send().await), all);
    }
}

#[tokio::test]
async fn a_change_is_refused_whole() {
    let (world, id) = three().await;
    let chat = world.chat_id.clone();
    let path = format!("/im/v1/chats/{chat}/chat_tabs/list_tabs");
    let before = tabs(&world.call("GET", &path).send().await);
    let good = json!({"tab_id": id[1], "tab_type": "url", "tab_name": "never"});
    for (bad, code) in [
        (json!({"tab_type": "url"}), 232001),
        (json!({"tab_id": id[2]}), 232001),
        (json!({"tab_id": "7", "tab_type": "url"}), 232001),
        (json!({"tab_id": "x", "tab_type": "url"}), 232001),
        (json!({"tab_id": id[2], "tab_type": "pin"}), 232001),
        (json!({"tab_id": id[0], "tab_type": "url", "tab_content": {"url": "https://a.example"}}), 232049),
        (json!({"tab_id": id[0], "tab_type": "message"}), 232049),
        (json!({"tab_id": id[2], "tab_type": "url", "tab_name": "字".repeat(61)}), 232047),
        (json!({"tab_id": id[2], "tab_type": "url", "tab_content": {"url": "ftp://a"}}), 232048),
        (json!({"tab_id": id[2], "tab_type": "url", "tab_content": {}}), 232048),
        (json!({"tab_id": id[2], "tab_type": "doc"}), 232048),
        (
            json!({"tab_id": id[2], "tab_type": "doc", "tab_content": {"doc": "https://x.feishu.cn/docx/none"}}),
            232051,
        ),
        (json!({"tab_id": id[2], "tab_type": "url", "tab_config": {"icon_key": "img_none"}}), 232056),
    ] {
        let reply = change(&world, &chat, &json!([good, bad])).send().await;
        reply.refused(code);
        assert_eq!(tabs(&world.call("GET", &path).send().await), before, "{bad}: nothing changed");
    }
    let swapped = change(&world, &chat, &json!([{"tab_id": id[0], "tab_type": "url"}])).send().await;
    assert_eq!(swapped.json()["msg"], "The chat tab content is illegal.");
}

#[tokio::test]
async fn tabs_are_deleted_together_or_not_at_all() {
    let (world, id) = three().await;
    let chat = world.chat_id.clone();
    for (bad, code) in [
        (json!([]), 232001),
        (json!([id[1], "7"]), 232001),
        (json!([id[1], ""]), 232001),
        (json!([id[1], id[0]]), 232049),
    ] {
        remove(&world, &chat, &bad).send().await.refused(code);
    }
    let path = format!("/im/v1/chats/{chat}/chat_tabs/delete_tabs");
    world.call("DELETE", &path).send().await.refused(232001);
    let built_in = remove(&world, &chat, &json!([id[0]])).send().await;
    assert_eq!(built_in.json()["msg"], "Operate chat tab unsupported chat type.", "as the page has it");

    let left = tabs(&remove(&world, &chat, &json!([id[2], id[1], id[2]])).send().await);
    assert_eq!(ids(&left), [id[0].clone(), id[3].clone()]);
    let all = tabs(&world.add_tabs(&json!([url("d")])).send().await);
    assert_eq!(all.last().expect("a tab")["tab_name"], "d", "new ones stand at the end");
}

#[tokio::test]
async fn an_order_names_every_tab_once() {
    let (world, id) = three().await;
    let chat = world.chat_id.clone();
    let order = [&id[0], &id[3], &id[1], &id[2]].map(Clone::clone);
    assert_eq!(ids(&tabs(&sort(&world, &chat, &json!(order)).send().await)), order);
    for bad in [
        json!([]),
        json!([id[0], id[1], id[2]]),
        json!([id[1], id[0], id[2], id[3]]),
        json!([id[0], id[1], id[1], id[3]]),
        json!([id[0], id[1], id[2], "x"]),
    ] {
        sort(&world, &chat, &bad).send().await.refused(232001);
    }
    let path = format!("/im/v1/chats/{chat}/chat_tabs/sort_tabs");
    world.call("POST", &path).send().await.refused(232001);
    let kept = world.call("GET", &format!("/im/v1/chats/{chat}/chat_tabs/list_tabs")).send().await;
    assert_eq!(ids(&tabs(&kept)), order);
}

/// The three operations share their refusals; each is called with an otherwise valid body.
#[tokio::test]
async fn every_refusal_of_a_chat() {
    let world = Lab::start().await.world().await;
    let other = world.lab.world().await;
    let [owner, member] = [0, 1].map(|n| world.users[n].user_id.clone());
    let base = json!({"chat_mode": "group", "owner": owner, "members": [member, world.app_id]});
    let with = |more: Value| {
        let mut body = base.clone();
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    let chats = [
        (other.chat_id.clone(), 232010),
        ("oc_00000000000000000000000000000000".to_owned(), 232006),
        ("x".to_owned(), 232006),
        (world.chat(with(json!({"chat_status": "dissolved"}))).await, 232009),
        (world.chat(with(json!({"members": [member]}))).await, 232011),
        (world.chat(with(json!({"external": true}))).await, 232033),
        (world.chat(with(json!({"chat_mode": "topic"}))).await, 232050),
        (world.chat(with(json!({"manage_widgets": "only_owner"}))).await, 232055),
    ];
    let calls = |chat: &str| {
        [
            change(&world, chat, &json!([{"tab_id": "7", "tab_type": "url"}])),
            remove(&world, chat, &json!(["7"])),
            sort(&world, chat, &json!(["7"])),
        ]
    };
    for (chat, code) in &chats {
        for call in calls(chat) {
            call.send().await.refused(*code);
        }
    }
    let private = world.chat(json!({"chat_mode": "p2p", "members": [owner, world.app_id]})).await;
    world.set_app(&world.app_id, json!({"visible_to": []})).await;
    for call in calls(&private) {
        call.send().await.refused(232024);
    }
    for (setting, code) in
        [(json!({"bot": false}), 232025), (json!({"bot": true, "status": "disabled"}), 232034)]
    {
        world.set_app(&world.app_id, setting).await;
        for call in calls(&world.chat_id) {
            call.send().await.refused(code);
        }
    }
}
