//! Searches for words that more chats have than a search reads.

use std::sync::Arc;

use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::{Lab, LabOptions, Recording, World};
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
    // Now the two are not among the operator's thousand most active chats.
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

/// A page looks at a few chats, and together the pages list each chat once, in order, wherever it is found.
#[tokio::test]
async fn pages_of_a_common_word_follow_each_other() {
    let world = Lab::start().await.world().await;
    let (mut expected, mut rare, mut second) = (Vec::new(), Vec::new(), Vec::new());
    // Of every four: one joined, one public, one of other members, and one joined with another name.
    for round in 0..600 {
        world.advance(1).await;
        let name = match round {
            _ if round % 200 == 199 => "common rare",
            _ if round % 3 == 0 => "second common",
            _ => "common",
        };
        let joined = world.chat(json!({"name": name, "members": [world.app_id]})).await;
        rare.extend((name == "common rare").then(|| joined.clone()));
        second.extend((name == "second common").then(|| joined.clone()));
        expected.push(joined);
        world.advance(1).await;
        if round % 60 == 0 {
            expected.push(world.chat(json!({"name": "common", "chat_type": "public"})).await);
        }
        chats(&world, 1, json!({"name": "common second second"})).await;
        chats(&world, 1, json!({"name": "another", "members": [world.app_id]})).await;
    }
    // The oldest ones are no longer among the operator's thousand most active chats, and are found by their names.
    for size in ["7", "64", "100"] {
        let found = pages(&world, "common", size).await;
        assert_eq!(found, expected, "{} found in pages of {size}, of {}", found.len(), expected.len());
    }
    // The page begins after many chats that have only one of the words.
    assert_eq!(pages(&world, "rare common", "2").await, rare);
    // Many chats of other members have both words.
    for size in ["7", "100"] {
        assert_eq!(pages(&world, "common second", size).await, second);
    }
    let body = json!({"query": "common", "sorter": "create_time_desc"});
    let request = world.call("POST", "/im/v2/chats/search").query("page_size", "1").body(body);
    let page = request.send().await.data();
    assert_eq!(page["total"], expected.len(), "all are looked at where they are sorted");
    assert_eq!(page["items"][0]["id"].as_str(), expected.last().map(String::as_str));
}

/// A name with so many word starts that 32 chats with it make the word common.
fn repeated(word: &str) -> String {
    (0..32).map(|number| format!("{word} {number:02} ")).collect()
}

/// A world on SQLite, and the recorder of its statements.
async fn recorded() -> (World, Arc<Recording>) {
    let recording = Recording::over(Arc::new(Sqlite::memory().expect("a store in memory")));
    let options = LabOptions { driver: Some(recording.clone()), ..LabOptions::default() };
    (Lab::with(options).await.world().await, recording)
}

/// Searches for words that no chat has together, and asserts that it takes few statements, which return few rows.
async fn nothing_found_at_little_cost(world: &World, recording: &Recording, query: &str) {
    // The first one fills memory.
    for is_measured in [false, true] {
        let (runs, rows) = (recording.runs(), recording.rows());
        assert_eq!(found(world, query).await, Vec::<String>::new(), "{query:?}");
        let (runs, rows) = (recording.runs() - runs, recording.rows() - rows);
        assert!(!is_measured || (runs <= 40 && rows <= 200), "{query:?}: {runs} statements, {rows} rows");
    }
}

/// Few chats have two common words: a search for both finds these, whichever plan it uses.
#[tokio::test]
async fn common_words_find_the_few_chats_that_have_them_all() {
    let (world, recording) = recorded().await;
    let mut expected = Vec::new();
    for body in [
        json!({"name": "red & blue & gold & silver", "members": [world.app_id]}),
        json!({"name": "Silver Gold", "i18n_names": {"en_us": "Blue-red"}, "chat_type": "public"}),
    ] {
        world.advance(1).await;
        expected.push(world.chat(body).await);
    }
    chats(&world, 5, json!({"name": "red blue gold silver"})).await;
    // The rows of the first two words can all be read, those of the last two cannot.
    for (word, count) in [("red", 35), ("blue", 35), ("gold", 160), ("silver", 160)] {
        chats(&world, count, json!({"name": repeated(word)})).await;
    }
    for joined in [0, 110, 900] {
        world.advance(1).await;
        chats(&world, joined, json!({"name": "another", "members": [world.app_id]})).await;
        for query in ["red blue", "blue red", "gold silver", "gold blue", "red blue gold silver"] {
            assert_eq!(found(&world, query).await, expected, "{query:?} after {joined} more joined chats");
        }
        for query in [r#""red 07" "blue 08" red blue"#, r#""red &" "blue 08""#, r#""gold 1" "silver 1""#] {
            nothing_found_at_little_cost(&world, &recording, query).await;
        }
    }
}

/// Searching for two common words that no chat has together costs no row for each chat that has one of them.
#[tokio::test]
async fn common_words_that_share_no_chat_cost_little() {
    let (world, recording) = recorded().await;
    for word in ["red", "blue"] {
        chats(&world, 40, json!({"name": repeated(word), "members": [world.app_id]})).await;
        chats(&world, 40, json!({"name": repeated(word), "chat_type": "public"})).await;
    }
    chats(&world, 40, json!({"name": "another", "members": [world.app_id]})).await;
    nothing_found_at_little_cost(&world, &recording, "red blue").await;
}
