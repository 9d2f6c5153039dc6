//! Searches for words that so many chats have that not all of them are looked at.

use larkspur_testkit::{Lab, World};
use serde_json::{Value, json};

async fn chats(world: &World, count: usize, body: Value) {
    for _ in 0..count {
        world.chat(body.clone()).await;
    }
}

async fn found(world: &World, query: &str) -> Vec<String> {
    let request = world.call("GET", "/im/v1/chats/search").query("query", query).query("page_size", "100");
    let page = request.send().await.data();
    assert_eq!(page["has_more"], false);
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| item["chat_id"].as_str().expect("a chat_id").to_owned()).collect()
}

#[tokio::test]
async fn a_common_word_still_finds_the_joined_chats() {
    let world = Lab::start().await.world().await;
    let old = world.chat(json!({"name": "common old", "members": [world.app_id]})).await;
    world.advance(1).await;
    let new = world.chat(json!({"name": "common new", "members": [world.app_id]})).await;
    world.advance(1).await;
    chats(&world, 498, json!({"name": "common"})).await;
    assert_eq!(found(&world, "common").await, [old.clone(), new.clone()], "each of 500 is looked at");
    chats(&world, 2, json!({"name": "common"})).await;
    assert_eq!(
        found(&world, "common").await,
        [old.clone(), new.clone()],
        "the operator's chats are looked at"
    );
    world.advance(1).await;
    // Now the two are not among the operator's thousand most active ones.
    chats(&world, 1000, json!({"name": "another", "members": [world.app_id]})).await;
    assert_eq!(
        found(&world, "common").await,
        [old.clone(), new.clone()],
        "those with the word are looked at"
    );
    assert_eq!(found(&world, "old common").await, [old]);
}

#[tokio::test]
async fn more_public_chats_than_are_given_leave_the_joined_ones() {
    let world = Lab::start().await.world().await;
    chats(&world, 1000, json!({"name": "square a", "chat_type": "public"})).await;
    let joined = json!({"name": "square z", "chat_type": "public", "members": [world.app_id]});
    let joined = world.chat(joined).await;
    let request = world.call("GET", "/im/v1/chats/search").query("query", "square").query("page_size", "100");
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = request.clone().query("page_token", &token).send().await.data();
        let items = page["items"].as_array().expect("items").iter();
        all.extend(items.map(|item| item["chat_id"].as_str().expect("a chat_id").to_owned()));
        token = page["page_token"].as_str().expect("a token").to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(all.len(), 1001);
    assert!(all.contains(&joined));
}
