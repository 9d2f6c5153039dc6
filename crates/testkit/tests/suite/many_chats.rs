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

/// Everything that a query finds, page by page.
async fn pages(world: &World, query: &str, size: &str) -> Vec<String> {
    let request = world.call("GET", "/im/v1/chats/search").query("query", query).query("page_size", size);
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = request.clone().query("page_token", &token).send().await.data();
        let items = page["items"].as_array().expect("items").iter();
        all.extend(items.map(|item| item["chat_id"].as_str().expect("a chat_id").to_owned()));
        token = page["page_token"].as_str().expect("a token").to_owned();
        assert_eq!(page["has_more"], !token.is_empty());
        if token.is_empty() {
            return all;
        }
    }
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
    let all = pages(&world, "square", "100").await;
    assert_eq!(all.len(), 1001);
    assert!(all.contains(&joined));
}

/// Pages look at a few chats each, and together they give each chat once, in order, wherever it is found.
#[tokio::test]
async fn pages_of_a_common_word_follow_each_other() {
    let world = Lab::start().await.world().await;
    let (mut expected, mut rare) = (Vec::new(), Vec::new());
    // Of every four: one that is joined, one that is public, one of others, and one that is joined and named otherwise.
    for round in 0..600 {
        world.advance(1).await;
        let name = if round % 200 == 199 { "common rare" } else { "common" };
        let joined = world.chat(json!({"name": name, "members": [world.app_id]})).await;
        rare.extend((round % 200 == 199).then(|| joined.clone()));
        expected.push(joined);
        world.advance(1).await;
        if round % 60 == 0 {
            expected.push(world.chat(json!({"name": "common", "chat_type": "public"})).await);
        }
        chats(&world, 1, json!({"name": "common"})).await;
        chats(&world, 1, json!({"name": "another", "members": [world.app_id]})).await;
    }
    // The oldest ones are no longer among the operator's thousand most active chats, and are found by their name.
    for size in ["7", "64", "100"] {
        let found = pages(&world, "common", size).await;
        assert_eq!(found, expected, "{} found in pages of {size}, of {}", found.len(), expected.len());
    }
    // The page begins behind many chats that have one of the words alone.
    assert_eq!(pages(&world, "rare common", "2").await, rare);
    let body = json!({"query": "common", "sorter": "create_time_desc"});
    let request = world.call("POST", "/im/v2/chats/search").query("page_size", "1").body(body);
    let page = request.send().await.data();
    assert_eq!(page["total"], expected.len(), "all are looked at where they are sorted");
    assert_eq!(page["items"][0]["id"].as_str(), expected.last().map(String::as_str));
}
