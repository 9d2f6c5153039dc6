//! What people do with the tabs of chats: `chats/:chat_id/tabs`.

use larkspur_testkit::{Reply, Request, World};
use serde_json::{Value, json};

use super::declined;
use crate::scenarios::{set_chat, text, world};

/// A user of the world adds a tab; `body` adds to the request.
fn add(world: &World, chat: &str, user: usize, body: &Value) -> Request {
    let mut all = json!({"as": world.users[user].user_id, "target": "https://example.com"});
    all.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
    world.control("POST", &format!("/chats/{chat}/tabs")).body(all)
}

fn sort(world: &World, user: usize, tab_ids: &[String]) -> Request {
    let body = json!({"as": world.users[user].user_id, "tab_ids": tab_ids});
    world.control("PATCH", &format!("/chats/{}/tabs", world.chat_id)).body(body)
}

fn delete(world: &World, user: usize, tab_id: &str) -> Request {
    let path = format!("/chats/{}/tabs/{tab_id}", world.chat_id);
    world.control("DELETE", &path).query("as", &world.users[user].user_id)
}

fn ids(data: &Value) -> Vec<String> {
    data["tabs"].as_array().expect("tabs").iter().map(|tab| text(tab, "tab_id")).collect()
}

/// The tabs of the chat as the platform lists them.
async fn listed(world: &World) -> Vec<String> {
    let path = format!("/im/v1/chats/{}/chat_tabs/list_tabs", world.chat_id);
    let data = world.call("GET", &path).send().await.data();
    data["chat_tabs"].as_array().expect("tabs").iter().map(|tab| text(tab, "tab_id")).collect()
}

#[tokio::test]
async fn people_add_sort_and_delete_tabs() {
    let world = world().await;
    let chat = &world.chat_id;
    let first = add(&world, chat, 1, &json!({"tab_name": "Wiki"})).send().await.data();
    let added = first["tabs"].as_array().expect("tabs").last().expect("a tab");
    assert_eq!(
        (&added["tab_type"], &added["tab_name"], &added["target"]),
        (&json!("url"), &json!("Wiki"), &json!("https://example.com"))
    );
    let document = json!({"tab_type": "doc", "target": world.document_url});
    let all = add(&world, chat, 0, &document).send().await.data();
    let mut order = ids(&all);
    assert_eq!(order, listed(&world).await, "{all}");
    let last = order.len() - 1;
    order.swap(last, last - 1);
    assert_eq!(ids(&sort(&world, 1, &order).send().await.data()), order);
    assert_eq!(listed(&world).await, order);
    let left = ids(&delete(&world, 1, &order[last]).send().await.data());
    assert_eq!(left, order[..last]);
    assert_eq!(listed(&world).await, left);
}

#[tokio::test]
async fn people_follow_the_rules_of_the_platform() {
    let world = world().await;
    let chat = &world.chat_id;
    let none = json!({});
    let before = listed(&world).await;
    let first = before[0].clone();
    let custom = text(
        add(&world, chat, 1, &none).send().await.data()["tabs"]
            .as_array()
            .expect("tabs")
            .last()
            .expect("a tab"),
        "tab_id",
    );
    add(&world, chat, 1, &json!({"tab_name": "x".repeat(61)})).send().await.refused(232047);
    add(&world, chat, 1, &json!({"target": "example.com"})).send().await.refused(232048);
    add(&world, chat, 1, &json!({"tab_type": "doc"})).send().await.refused(232048);
    let unknown = json!({"tab_type": "doc", "target": "https://x.feishu.cn/docx/unknown"});
    add(&world, chat, 1, &unknown).send().await.refused(232051);
    delete(&world, 1, &first).send().await.refused(232049);

    // Only owner and managers.
    set_chat(&world, chat, json!({"manage_widgets": "only_owner"})).await;
    let every: [fn(&World, &str, &str) -> Request; 3] = [
        |world, chat, _| add(world, chat, 1, &json!({})),
        |world, _, _| sort(world, 1, &[]),
        |world, _, tab| delete(world, 1, tab),
    ];
    for call in every {
        call(&world, chat, &custom).send().await.refused(232055);
    }
    set_chat(&world, chat, json!({"manage_widgets": "all_members"})).await;

    // Only members, in chats that are in use and have tabs.
    let path = format!("/chats/{chat}/members/{}", world.users[1].user_id);
    world.control("DELETE", &path).send().await.data();
    for call in every {
        call(&world, chat, &custom).send().await.refused(232011);
    }
    world.control("PUT", &path).body(json!({})).send().await.data();
    for (change, code) in [
        (json!({"chat_status": "dissolved"}), 232009),
        (json!({"chat_status": "normal", "chat_mode": "topic"}), 232050),
    ] {
        set_chat(&world, chat, change).await;
        for call in every {
            call(&world, chat, &custom).send().await.refused(code);
        }
    }
    set_chat(&world, chat, json!({"chat_mode": "group"})).await;
    assert_eq!(listed(&world).await.len(), before.len() + 1, "a refused call had an effect");
}

#[tokio::test]
async fn twenty_tabs_and_no_more() {
    let world = world().await;
    let chat = world.chat(json!({"owner": world.users[0].user_id})).await;
    for number in 0..20 {
        add(&world, &chat, 0, &json!({"tab_name": number.to_string()})).send().await.data();
    }
    add(&world, &chat, 0, &json!({})).send().await.refused(232046);
}

#[tokio::test]
async fn what_tabs_cannot_be() {
    let world = world().await;
    let chat = &world.chat_id;
    let refused = |reply: Reply, code, field| declined(&reply, code, field);
    refused(add(&world, chat, 1, &json!({"tab_type": "message"})).send().await, 5275400, "tab_type");
    refused(add(&world, chat, 1, &json!({"as": "unknown"})).send().await, 5275404, "as");
    refused(add(&world, "oc_x", 1, &json!({})).send().await, 5275404, "chat_id");
    refused(delete(&world, 1, "7").send().await, 5275404, "tab_id");
    let all = listed(&world).await;
    for order in [&[][..], &[all[0].clone(), all[0].clone()], &["x".to_owned()]] {
        refused(sort(&world, 1, order).send().await, 5275400, "tab_ids");
    }
}
