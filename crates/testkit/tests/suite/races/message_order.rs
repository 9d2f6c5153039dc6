//! The order of messages that are sent over two servers whose clocks differ.

use larkspur_api::Settings;
use larkspur_testkit::postgres::{Tables, database};
use larkspur_testkit::{Lab, LabOptions, ManualClock, Request, World};
use serde_json::{Value, json};

const NOW: i64 = 1_750_000_000_000;

/// Two servers on one database; the clock of the second one is behind.
async fn two(behind_ms: i64) -> (World, Lab) {
    let driver = database(Tables::Plain).await;
    let options = |now: i64| LabOptions {
        driver: Some(driver.clone()),
        clock: ManualClock::at(now),
        settings: Settings { chat_limit: false, ..Settings::default() },
        ..LabOptions::default()
    };
    let world = Lab::with(options(NOW)).await.world().await;
    (world, Lab::with(options(NOW - behind_ms)).await)
}

fn text(words: &str) -> Value {
    json!({"msg_type": "text", "content": json!({"text": words}).to_string()})
}

/// A message to the world's chat, over a server.
fn say(world: &World, lab: &Lab, words: &str) -> Request {
    let mut body = text(words);
    body["receive_id"] = json!(world.chat_id);
    lab.request("POST", "/open-apis/im/v1/messages?receive_id_type=chat_id").token(&world.token).body(body)
}

/// The texts of a chat or a thread by pages of two, and their times, as the first server lists them.
async fn listed(world: &World, kind: &str, container: &str) -> Vec<(String, i64)> {
    listed_by(&world.lab, world, kind, container).await
}

/// As [`listed`], by any server.
async fn listed_by(lab: &Lab, world: &World, kind: &str, container: &str) -> Vec<(String, i64)> {
    let (mut found, mut token) = (Vec::new(), String::new());
    for _ in 0..100 {
        let path = format!(
            "/open-apis/im/v1/messages?container_id_type={kind}&container_id={container}&page_size=2"
        );
        let page =
            lab.request("GET", &path).token(&world.token).query("page_token", &token).send().await.data();
        for item in page["items"].as_array().expect("items") {
            let content = item["body"]["content"].as_str().expect("content");
            let content: Value = serde_json::from_str(content).expect("JSON");
            let time = item["create_time"].as_str().and_then(|time| time.parse().ok()).expect("a time");
            found.push((content["text"].as_str().expect("a text").to_owned(), time));
        }
        match page["page_token"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => return found,
        }
    }
    panic!("the list of {container} has no end");
}

/// A message that is sent after another one was answered is listed after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_follows_its_question() {
    let (world, behind) = two(700).await;
    let ahead = world.lab.clone();
    let mut sent = Vec::new();
    for number in 0..3 {
        for (lab, name) in [(&ahead, "ahead"), (&behind, "behind"), (&behind, "again")] {
            let words = format!("{name} {number}");
            say(&world, lab, &words).send().await.data();
            sent.push(words);
        }
    }
    let found = listed(&world, "chat", &world.chat_id).await;
    assert_eq!(found.iter().map(|(words, _)| words.clone()).collect::<Vec<_>>(), sent);
    assert!(found.iter().all(|(_, time)| (NOW..NOW + 10).contains(time)), "{found:?}");

    let root = say(&world, &ahead, "root").send().await.data()["message_id"].clone();
    let path = format!("/open-apis/im/v1/messages/{}/reply", root.as_str().expect("an id"));
    let (mut sent, mut thread) = (vec!["root".to_owned()], Value::Null);
    for (number, lab) in [&ahead, &behind, &behind, &ahead].into_iter().enumerate() {
        let mut body = text(&number.to_string());
        body["reply_in_thread"] = json!(true);
        let reply = lab.request("POST", &path).token(&world.token).body(body).send().await.data();
        thread = reply["thread_id"].clone();
        sent.push(number.to_string());
    }
    let found = listed(&world, "thread", thread.as_str().expect("an id")).await;
    assert_eq!(found.into_iter().map(|(words, _)| words).collect::<Vec<_>>(), sent);
}

/// A clock that a test has moved back is not one that is behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_moved_back_counts() {
    let (world, _behind) = two(0).await;
    let ahead = world.lab.clone();
    say(&world, &ahead, "late").send().await.data();
    world.advance(-60).await;
    say(&world, &ahead, "early").send().await.data();
    let found = listed(&world, "chat", &world.chat_id).await;
    let expected = [("early".to_owned(), NOW - 60_000), ("late".to_owned(), NOW)];
    assert_eq!(found, expected);
}

/// Both servers list one order of messages that are sent at the same time over both of them, and each sender's own in the order in
/// which it sent them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_list_one_order() {
    let (world, behind) = two(300).await;
    let send_all = async |lab: &Lab, name: &str| {
        for number in 10..30 {
            say(&world, lab, &format!("{name} {number}")).send().await.data();
        }
    };
    tokio::join!(send_all(&world.lab, "a"), send_all(&behind, "b"), send_all(&behind, "c"));
    let found = listed(&world, "chat", &world.chat_id).await;
    assert_eq!(listed_by(&behind, &world, "chat", &world.chat_id).await, found);
    assert_eq!(found.len(), 60);
    assert!(found.is_sorted_by_key(|(_, time)| *time), "{found:?}");
    for name in ["a ", "b ", "c "] {
        let own: Vec<&String> =
            found.iter().map(|(words, _)| words).filter(|words| words.starts_with(name)).collect();
        assert!(own.len() == 20 && own.is_sorted(), "{own:?}");
    }
}

/// Messages of a chat are limited over all servers together, threads included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_in_a_second_over_two_servers() {
    let driver = database(Tables::Plain).await;
    let clock = ManualClock::at(NOW);
    let options = || LabOptions {
        driver: Some(driver.clone()),
        clock: clock.clone(),
        settings: Settings::default(),
        ..LabOptions::default()
    };
    let world = Lab::with(options()).await.world().await;
    let (first, second) = (world.lab.clone(), Lab::with(options()).await);
    let root = say(&world, &first, "root").send().await.data()["message_id"].clone();
    say(&world, &second, "b").send().await.data();
    let path = format!("/open-apis/im/v1/messages/{}/reply", root.as_str().expect("an id"));
    let mut body = text("in the thread");
    body["reply_in_thread"] = json!(true);
    let answer = |lab: &Lab| lab.request("POST", &path).token(&world.token).body(body.clone());
    answer(&second).send().await.data();
    // A person at a client counts for nothing.
    let said = json!({"as": world.users[0].user_id, "text": "hello"});
    world.control("POST", &format!("/chats/{}/messages", world.chat_id)).body(said).send().await.data();
    clock.advance(900);
    say(&world, &first, "d").send().await.data();
    answer(&first).send().await.data();
    for lab in [&first, &second] {
        say(&world, lab, "too many").send().await.refused(230020);
        answer(lab).send().await.refused(230020);
    }
    clock.advance(100);
    for lab in [&second, &first, &second] {
        say(&world, lab, "again").send().await.data();
    }
    say(&world, &first, "too many").send().await.refused(230020);
}
