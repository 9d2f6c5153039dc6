//! The round trips of calls: their cost if PostgreSQL is far away.

use std::sync::Arc;
use std::time::Duration;

use larkspur_store_postgres::{Options, Postgres};
use larkspur_testkit::postgres::Server;
use larkspur_testkit::{Lab, LabOptions, Request, World};
use serde_json::json;

async fn lab(server: &Server, stale_ms: u32) -> (Arc<Postgres>, World) {
    let driver = Arc::new(Postgres::open(&server.url("postgres"), &Options::default()).await.expect("opens"));
    let options = LabOptions { driver: Some(driver.clone()), stale_ms, ..LabOptions::default() };
    (driver, Lab::with(options).await.world().await)
}

/// The round trips of a call whose statements are prepared.
async fn cost(driver: &Postgres, request: impl Fn(u32) -> Request) -> u64 {
    for number in 0..2 {
        request(number).send().await.data();
    }
    // In the millisecond of the call before, a chat's activity would not be written again.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let before = driver.stats().round_trips;
    request(2).send().await.data();
    driver.stats().round_trips - before
}

#[tokio::test]
async fn calls_wait_for_postgres_as_seldom_as_they_can() {
    calls_cost(0, [2, 4, 3, 8]).await;
}

/// Cached reads cost nothing; writes use no cache.
#[tokio::test]
async fn old_answers_save_reads_their_round_trips() {
    calls_cost(60_000, [0, 3, 3, 8]).await;
}

async fn calls_cost(stale_ms: u32, [getting, listing, creating, adding]: [u64; 4]) {
    let server = Server::start(&["fsync=off"]);
    let (driver, world) = lab(&server, stale_ms).await;
    let tag = world.tag("a tag").await;
    let user = world.user_token(1, json!({})).await;
    let get = |_| world.call("GET", &format!("/im/v2/tags?ids={tag}"));
    let tabs =
        |_| world.call("GET", &format!("/im/v1/chats/{}/chat_tabs/list_tabs", world.chat_id)).token(&user);
    let create = |number| {
        let body = json!({"create_tag": {"tag_type": "tenant", "name": format!("tag {number}")}});
        world.call("POST", "/im/v2/tags").body(body)
    };
    let add = |number| {
        let tab = json!({"tab_type": "url", "tab_name": format!("tab {number}"), "tab_content": {"url": "https://a"}});
        let path = format!("/im/v1/chats/{}/chat_tabs", world.chat_id);
        world.call("POST", &path).token(&user).body(json!({"chat_tabs": [tab]}))
    };
    // One finds tenant, installation and grant. One begins and reads; the end of a read is not awaited.
    assert_eq!(cost(&driver, get).await, getting, "GET a tag");
    // The chat with its member, and its tabs.
    assert_eq!(cost(&driver, tabs).await, listing, "list tabs as a user");
    // One begins and inserts, one commits.
    assert_eq!(cost(&driver, create).await, creating, "create a tag");
    // The chat, its member and its tabs; the row; the activity of the chat and of its members; the commit.
    assert_eq!(cost(&driver, add).await, adding, "add a tab");
}
