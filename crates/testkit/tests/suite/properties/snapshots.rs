//! Snapshots: whatever is written after one, a restore leaves no difference; and calls are wholly before or after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use larkspur_testkit::{Lab, LabOptions, Random, Request, World, racing_store};
use serde_json::{Value, json};

/// Random writes after a snapshot.
const WRITES: usize = 1000;
/// Restores that race with calls, and the tasks that call.
const RESTORES: usize = 12;
const TASKS: usize = 4;

/// What random writes refer to.
#[derive(Default)]
struct Made {
    tags: Vec<String>,
    messages: Vec<String>,
    chats: Vec<String>,
}

impl Made {
    fn one<'a>(random: &mut Random, of: &'a [String], fallback: &'a str) -> &'a str {
        match of.len() {
            0 => fallback,
            length => &of[usize::try_from(random.below(length as u64)).expect("small")],
        }
    }
}

/// A random call that writes; it may be refused.
fn write(world: &World, made: &Made, random: &mut Random, step: usize) -> Request {
    let chat = Made::one(random, &made.chats, &world.chat_id).to_owned();
    let tag = Made::one(random, &made.tags, "1").to_owned();
    let message = Made::one(random, &made.messages, "om_x").to_owned();
    let user = &world.users[usize::try_from(random.below(3)).expect("small")];
    let content = json!({"text": format!("{step} <at user_id=\"{}\"></at>", user.open_id)}).to_string();
    let name = format!("name {}", random.below(400));
    match random.below(22) {
        0..4 => world.call("POST", "/im/v2/tags").body(json!({"create_tag": {"tag_type": "tenant", "name": name}})),
        4 => world.call("PATCH", &format!("/im/v2/tags/{tag}")).body(json!({"patch_tag": {"name": name}})),
        5 => world
            .call("POST", "/im/v2/biz_entity_tag_relation")
            .body(json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": [tag]})),
        6..10 => world
            .call("POST", "/im/v1/messages")
            .query("receive_id_type", "chat_id")
            .body(json!({"receive_id": chat, "msg_type": "text", "content": content})),
        10 => world.call("DELETE", &format!("/im/v1/messages/{message}")),
        11 => world
            .call("PUT", &format!("/im/v1/messages/{message}"))
            .body(json!({"msg_type": "text", "content": content})),
        12 => world
            .call("POST", &format!("/im/v1/messages/{message}/reactions"))
            .body(json!({"reaction_type": {"emoji_type": "SMILE"}})),
        13 => world.call("POST", "/im/v1/pins").body(json!({"message_id": message})),
        14 => world
            .call("POST", "/im/v1/chats")
            .body(json!({"name": name, "user_id_list": [user.open_id], "chat_mode": "group"})),
        15 => world.call("PUT", &format!("/im/v1/chats/{chat}")).body(json!({"name": name})),
        16 if chat != world.chat_id => world.call("DELETE", &format!("/im/v1/chats/{chat}")),
        17 => world.call("POST", &format!("/im/v1/chats/{chat}/members")).body(json!({"id_list": [user.open_id]})),
        18 => world.call("DELETE", &format!("/im/v1/chats/{chat}/members")).body(json!({"id_list": [user.open_id]})),
        19 => world
            .call("POST", &format!("/im/v1/chats/{chat}/chat_tabs"))
            .body(json!({"chat_tabs": [{"tab_name": name, "tab_type": "url", "tab_content": {"url": "https://a"}}]})),
        20 => world
            .control("POST", &format!("/chats/{chat}/messages"))
            .body(json!({"as": user.user_id, "text": "hello"})),
        _ => control(world, random, &name, &user.user_id),
    }
}

/// A random change by the control API.
fn control(world: &World, random: &mut Random, name: &str, user: &str) -> Request {
    match random.below(8) {
        0 => world.control("PUT", "/clock").body(json!({"advance_seconds": random.below(5)})),
        1 => world.control("POST", "/users").body(json!({"name": name})),
        2 => world.control("PATCH", &format!("/users/{user}")).body(json!({"name": name})),
        3 => world
            .control("POST", "/faults")
            .body(json!({"match": {"operation": "im.v1.file.get"}, "effect": {"refuse": {"code": 234001}}})),
        4 => world.control("PUT", "/settings").body(json!({"forbidden_words": ["unheard of"]})),
        5 => world.control("POST", "/documents").body(json!({"title": name, "owner": user})),
        6 => world.control("POST", &format!("/users/{user}/tokens")).body(json!({"app_id": world.app_id})),
        _ => world.control("PUT", "/limits").body(json!({"chat_users": 50})),
    }
}

/// Keeps what an answer made.
fn keep(made: &mut Made, answer: &Value) {
    let data = &answer["data"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    made.messages.extend(text(&data["message_id"]));
    made.chats.extend(text(&data["chat_id"]).filter(|_| data["message_id"].is_null()));
    made.tags.extend(text(&data["id"]));
}

async fn wander(world: &World, made: &mut Made, random: &mut Random, steps: usize) -> usize {
    let mut written = 0;
    for step in 0..steps {
        let reply = write(world, made, random, step).send().await;
        assert!(reply.status() < 500, "{}", reply.text());
        let answer = reply.json();
        written += usize::from(answer["code"] == 0);
        keep(made, &answer);
    }
    written
}

async fn save(world: &World, name: &str) {
    world.control("POST", "/snapshots").body(json!({"name": name})).send().await.data();
}

async fn restore(world: &World, name: &str) -> Value {
    world.control("POST", &format!("/snapshots/{name}/restore")).body(json!({})).send().await.data()
}

async fn is_same(world: &World, name: &str) {
    let request = world.control("GET", "/snapshots/diff").query("a", name).query("limit", "5");
    let found = request.send().await.data();
    assert_eq!(found["tables"], json!([]), "{found}");
}

#[tokio::test]
async fn a_thousand_random_writes_and_a_restore_leave_no_difference() {
    let mut random = Random::seeded("snapshots");
    let world = Lab::start().await.world().await;
    let mut made = Made { chats: vec![world.chat_id.clone()], ..Made::default() };
    wander(&world, &mut made, &mut random, 150).await;
    save(&world, "one").await;
    let written = wander(&world, &mut made, &mut random, WRITES).await;
    assert!(written > WRITES / 4, "{written} of {WRITES} calls wrote");
    save(&world, "two").await;
    assert!(restore(&world, "one").await["written"].as_u64() > Some(0));
    is_same(&world, "one").await;
    // What came between is put back as well.
    restore(&world, "two").await;
    is_same(&world, "two").await;
    restore(&world, "one").await;
    is_same(&world, "one").await;
    world.control("POST", "/reset").body(json!({})).send().await.data();
    is_same(&world, "@start").await;
    // And it works.
    wander(&world, &mut Made::default(), &mut random, 50).await;
}

/// Each task gives a tag two names, one after the other, and binds it to a chat that it made: all of it is before or after each
/// restore. The chat is in the snapshot, and its tags are not.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_that_race_with_a_restore_are_before_or_after_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let driver = racing_store(directory.path()).await;
    let lab = Lab::with(LabOptions { driver: Some(driver), ..LabOptions::default() }).await;
    let world = lab.world().await;
    let other = match lab.beside().await {
        Some(beside) => World { lab: beside, ..world.clone() },
        None => world.clone(),
    };
    save(&world, "one").await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let (world, stop) = (if task % 2 == 0 { world.clone() } else { other.clone() }, stop.clone());
        tasks.push(tokio::spawn(async move {
            let mut calls = 0;
            while !stop.load(Ordering::Relaxed) {
                calls += race(&world, task, calls).await;
            }
            calls
        }));
    }
    for _ in 0..RESTORES {
        tokio::time::sleep(std::time::Duration::from_millis(15)).await;
        restore(&world, "one").await;
        sound(&world).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut calls = 0;
    for task in tasks {
        calls += task.await.expect("a task");
    }
    assert!(calls > RESTORES, "{calls} calls");
    // What was written since the last restore is there or not, and both servers agree.
    sound(&world).await;
    restore(&other, "one").await;
    is_same(&world, "one").await;
    let tags = |of: &World| of.call("GET", "/im/v2/biz_entity_tag_relation");
    for of in [&world, &other] {
        let found = tags(of).query("tag_biz_type", "chat").query("biz_entity_id", &of.chat_id).send().await;
        assert_eq!(found.data()["tag_info_with_bind_versions"].as_array().map_or(0, Vec::len), 0);
    }
}

/// A chat with a member, a message and a tag, in a few calls that may be refused after a restore; returns how many.
async fn race(world: &World, task: usize, round: usize) -> usize {
    let name = format!("race {task} {round}");
    let body = json!({"name": name, "user_id_list": [world.users[0].open_id]});
    let chat = world.call("POST", "/im/v1/chats").body(body).send().await;
    assert!(chat.status() < 500, "{}", chat.text());
    let Some(chat) = chat.json()["data"]["chat_id"].as_str().map(str::to_owned) else { return 1 };
    let tag =
        world.call("POST", "/im/v2/tags").body(json!({"create_tag": {"tag_type": "tenant", "name": name}}));
    let tag = tag.send().await;
    assert!(tag.status() < 500, "{}", tag.text());
    let tag = tag.json()["data"]["id"].as_str().unwrap_or("1").to_owned();
    let content = json!({"text": name}).to_string();
    for request in [
        world
            .call("POST", "/im/v2/biz_entity_tag_relation")
            .body(json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": [tag]})),
        world
            .call("POST", "/im/v1/messages")
            .query("receive_id_type", "chat_id")
            .body(json!({"receive_id": chat, "msg_type": "text", "content": content})),
        world
            .call("POST", &format!("/im/v1/chats/{chat}/members"))
            .body(json!({"id_list": [world.users[1].open_id]})),
    ] {
        let reply = request.send().await;
        assert!(reply.status() < 500, "{}", reply.text());
    }
    5
}

/// Rows that belong together are together: no part of a call is left of one that a restore undid.
async fn sound(world: &World) {
    let engine = world.lab.app.engine().clone();
    let (tenant, _) = world.keys();
    let orphans = [
        "SELECT 1 FROM message m LEFT JOIN chat c ON c.tenant = m.tenant AND c.chat_id = m.chat_id WHERE m.tenant = $1 AND c.chat_id IS NULL",
        "SELECT 1 FROM chat_member m LEFT JOIN chat c ON c.tenant = m.tenant AND c.chat_id = m.chat_id WHERE m.tenant = $1 AND c.chat_id IS NULL",
        "SELECT 1 FROM chat_tab m LEFT JOIN chat c ON c.tenant = m.tenant AND c.chat_id = m.chat_id WHERE m.tenant = $1 AND c.chat_id IS NULL",
        "SELECT 1 FROM chat_term m LEFT JOIN chat c ON c.tenant = m.tenant AND c.chat_id = m.chat_id WHERE m.tenant = $1 AND c.chat_id IS NULL",
        "SELECT 1 FROM chat_tag_binding b LEFT JOIN chat c ON c.tenant = b.tenant AND c.chat_id = b.chat_id WHERE b.tenant = $1 AND c.chat_id IS NULL",
        "SELECT 1 FROM chat_tag_binding b LEFT JOIN tag t ON t.tenant = b.tenant AND t.tag_id = b.tag_id WHERE b.tenant = $1 AND t.tag_id IS NULL",
        "SELECT 1 FROM chat c WHERE c.tenant = $1 AND c.user_count <> (SELECT COUNT(*) FROM chat_member m WHERE m.tenant = c.tenant AND m.chat_id = c.chat_id AND m.kind = 'user')",
    ];
    for sql in orphans {
        let found =
            larkspur_testkit::reading::rows(&engine.driver, sql.to_owned(), vec![tenant.into()]).await;
        assert!(found.is_empty(), "{} rows: {sql}", found.len());
    }
}

/// Prints how long restores take: `cargo test --release -p larkspur-testkit --test suite -- --ignored --nocapture how_long`.
#[tokio::test]
#[ignore = "it measures"]
async fn how_long_restores_take() {
    let world = Lab::start().await.world().await;
    let timed = async |what: &str, name: &str| {
        let begun = std::time::Instant::now();
        let done = restore(&world, name).await;
        println!("{what}: {:?}, {} written, {} deleted", begun.elapsed(), done["written"], done["deleted"]);
    };
    save(&world, "demo").await;
    for _ in 0..5 {
        world.tag("a tag").await;
        timed("a demo world with one more tag", "demo").await;
    }
    for number in 0..10_000 {
        world.tag(&format!("tag {number}")).await;
    }
    save(&world, "tags").await;
    for _ in 0..3 {
        world.tag("another tag").await;
        timed("10,000 tags, with one more", "tags").await;
    }
    timed("back to the demo world", "demo").await;
    is_same(&world, "demo").await;
    timed("10,000 tags, all of which were gone", "tags").await;
    is_same(&world, "tags").await;
}
