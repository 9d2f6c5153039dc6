//! `GET /im/v1/chats`

use larkspur_testkit::{Lab, Request, World};
use serde_json::{Value, json};

fn list(world: &World) -> Request {
    world.call("GET", "/im/v1/chats")
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| item["chat_id"].as_str().expect("a chat_id").to_owned()).collect()
}

/// Every page of a list, in order.
async fn pages(request: Request, size: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut token = String::new();
    loop {
        let page = request.clone().query("page_size", &size.to_string()).query("page_token", &token);
        let page = page.send().await.data();
        let found = ids(&page);
        token = page["page_token"].as_str().expect("a token").to_owned();
        assert_eq!(page["has_more"].as_bool().expect("a flag"), !token.is_empty());
        assert!(found.len() == size || token.is_empty(), "only the last page is short");
        all.extend(found);
        if token.is_empty() {
            return all;
        }
    }
}

async fn made(world: &World, names: &[&str]) -> Vec<String> {
    let mut chats = vec![world.chat_id.clone()];
    for name in names {
        world.advance(10).await;
        chats.push(world.chat(json!({"name": name, "owner": world.app_id})).await);
    }
    chats
}

#[tokio::test]
async fn both_orders_in_pages() {
    let world = Lab::start().await.world().await;
    let mut chats = made(&world, &["one", "two", "three", "four"]).await;
    let by_creation = list(&world).query("sort_type", "ByCreateTimeAsc");
    assert_eq!(ids(&list(&world).send().await.data()), chats);
    let by_activity = list(&world).query("sort_type", "ByActiveTimeDesc");
    for size in [1, 2, 5, 100] {
        assert_eq!(pages(by_creation.clone(), size).await, chats);
        let newest_first: Vec<String> = chats.iter().rev().cloned().collect();
        assert_eq!(pages(by_activity.clone(), size).await, newest_first);
    }
    world.advance(10).await;
    let path = format!("/im/v1/chats/{}", chats[1]);
    world.call("PUT", &path).body(json!({"description": "new"})).send().await.data();
    chats.reverse();
    let changed = chats.remove(3);
    chats.insert(0, changed);
    assert_eq!(pages(by_activity.clone(), 2).await, chats, "a change makes it the most active");
    world.advance(10).await;
    world
        .add_tabs(&json!([{"tab_type": "url", "tab_content": {"url": "https://example.com"}}]))
        .send()
        .await
        .data();
    assert_eq!(pages(by_activity, 3).await[0], world.chat_id, "a new tab does too");
}

#[tokio::test]
async fn what_is_listed_and_how() {
    let world = Lab::start().await.world().await;
    let owned = world.chat(json!({"owner": world.app_id, "description": "ours", "external": true})).await;
    let kept = world.chat(json!({"chat_status": "dissolved_save", "members": [world.app_id]})).await;
    let topic = world.chat(json!({"chat_mode": "topic", "members": [world.app_id]})).await;
    let parties = json!({"chat_mode": "p2p", "members": [world.app_id, world.users[0].user_id]});
    world.chat(parties).await;
    world.chat(json!({"members": [world.users[0].user_id]})).await;
    let gone = world.chat(json!({"owner": world.app_id})).await;
    world.call("DELETE", &format!("/im/v1/chats/{gone}")).send().await.data();
    let left = world.chat(json!({"members": [world.app_id]})).await;
    world.control("DELETE", &format!("/chats/{left}/members/{}", world.app_id)).send().await.data();

    let page = list(&world).send().await.data();
    let mut expected = vec![world.chat_id.clone(), owned.clone(), kept.clone(), topic];
    let mut found = ids(&page);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let of = |chat: &str| {
        page["items"]
            .as_array()
            .expect("items")
            .iter()
            .find(|item| item["chat_id"] == chat)
            .expect("it")
            .clone()
    };
    assert_eq!(of(&world.chat_id)["owner_id"], world.users[0].open_id);
    assert_eq!(of(&world.chat_id)["owner_id_type"], "open_id");
    let own = of(&owned);
    assert!(own.get("owner_id").is_none() && own.get("owner_id_type").is_none(), "{own}");
    assert_eq!((&own["external"], &own["description"]), (&json!(true), &json!("ours")));
    assert_eq!(own["tenant_key"], world.tenant_key);
    assert!(own["avatar"].as_str().expect("a url").starts_with("https://"));
    assert_eq!(of(&kept)["chat_status"], "dissolved_save");

    let user = world.user_token(0, json!({})).await;
    let theirs = list(&world).query("user_id_type", "user_id").token(&user).send().await.data();
    let theirs = theirs["items"].as_array().expect("items");
    assert_eq!(theirs.len(), 2);
    // The order of two chats created in one millisecond is that of their drawn ids.
    assert!(theirs.iter().any(|chat| chat["owner_id"] == world.users[0].user_id.as_str()), "{theirs:?}");

    // To a p2p chat and back: the list follows.
    let path = format!("/chats/{}", world.chat_id);
    world.control("PATCH", &path).body(json!({"chat_status": "dissolved"})).send().await.data();
    assert!(!ids(&list(&world).send().await.data()).contains(&world.chat_id));
    world.control("PATCH", &path).body(json!({"chat_status": "normal"})).send().await.data();
    assert!(ids(&list(&world).send().await.data()).contains(&world.chat_id));
}

#[tokio::test]
async fn a_page_token_is_valid_for_its_own_list_only() {
    let world = Lab::start().await.world().await;
    made(&world, &["one", "two"]).await;
    let first = list(&world).query("page_size", "1").send().await.data();
    let token = first["page_token"].as_str().expect("a token");
    list(&world).query("page_token", token).send().await.data();
    list(&world)
        .query("page_token", token)
        .query("sort_type", "ByActiveTimeDesc")
        .send()
        .await
        .refused(232001);
    let user = world.user_token(0, json!({})).await;
    list(&world).query("page_token", token).token(&user).send().await.refused(232001);
    let other = if token.ends_with('0') { '1' } else { '0' };
    let forged = format!("{}{other}", &token[..token.len() - 1]);
    for wrong in ["x", "00", &forged, &token[2..]] {
        list(&world).query("page_token", wrong).send().await.refused(232001);
    }
    for size in ["0", "101", "-1"] {
        list(&world).query("page_size", size).send().await.refused(99992402);
    }
    list(&world).query("sort_type", "ByName").send().await.refused(99992402);
    world.set_app(&world.app_id, json!({"bot": false})).await;
    list(&world).send().await.refused(232025);
    world.set_app(&world.app_id, json!({"bot": true, "status": "disabled"})).await;
    list(&world).send().await.refused(232034);
}
