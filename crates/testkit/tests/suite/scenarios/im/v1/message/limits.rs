//! Messages per second and chat, and calls at once.

use std::collections::BTreeSet;

use larkspur_api::Settings;
use larkspur_testkit::{Lab, LabOptions, ManualClock, Request};
use serde_json::{Value, json};

use super::{answer, list, said, say, tell};
use crate::scenarios::{put_member, refused_as, text};

#[tokio::test]
async fn five_in_a_second_by_all_bots_together() {
    let clock = ManualClock::at(1_750_000_000_000);
    let options = LabOptions { settings: Settings::default(), clock: clock.clone(), ..LabOptions::default() };
    let world = Lab::with(options).await.world().await;
    let (app, token) = world.app(json!({"name": "other"})).await;
    put_member(&world, &world.chat_id, &app, false).await;
    let root = said(&world, "1").await;
    said(&world, "2").await;
    say(&world, "3").token(&token).send().await.data();
    clock.advance(900);
    answer(&world, &root, "4", true).send().await.data();
    let uuid = |words: &str| {
        let content = json!({"text": words}).to_string();
        let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": content, "uuid": "u"});
        world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body)
    };
    uuid("5").send().await.data();
    let why = "This operation triggers the frequency limit.";
    refused_as(&say(&world, "6").send().await, 230020, why);
    refused_as(&say(&world, "6").token(&token).send().await, 230020, why);
    refused_as(&answer(&world, &root, "6", false).send().await, 230020, why);
    uuid("6").send().await.data();
    // The user's p2p chat has a count of its own.
    tell(&world, "open_id", &world.users[0].open_id, "x").send().await.data();
    clock.advance(99);
    say(&world, "6").send().await.refused(230020);
    clock.advance(1);
    for words in ["6", "7", "8"] {
        text(&say(&world, words).send().await.data(), "message_id");
    }
    say(&world, "9").send().await.refused(230020);
}

#[tokio::test]
async fn the_limit_can_be_turned_off() {
    let clock = ManualClock::at(1_750_000_000_000);
    let settings = Settings { chat_limit: false, ..Settings::default() };
    let world = Lab::with(LabOptions { settings, clock, ..LabOptions::default() }).await.world().await;
    for _ in 0..20 {
        said(&world, "x").await;
    }
}

/// The answers to calls that start together.
async fn together(requests: Vec<Request>) -> Vec<Value> {
    let calls: Vec<_> = requests.into_iter().map(|request| tokio::spawn(request.send())).collect();
    let mut all = Vec::new();
    for call in calls {
        all.push(call.await.expect("no panic").data());
    }
    all
}

fn ids<'a>(answers: &'a [Value], name: &str) -> BTreeSet<&'a str> {
    answers.iter().map(|answer| answer[name].as_str().expect("an id")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_at_once_are_like_calls_one_after_the_other() {
    let world = Lab::start().await.world().await;
    let sent = together((0..24).map(|number| say(&world, &number.to_string())).collect()).await;
    assert_eq!(ids(&sent, "message_id").len(), 24);
    let content = json!({"text": "once"}).to_string();
    let body = json!({"receive_id": world.chat_id, "msg_type": "text", "content": content, "uuid": "u"});
    let once = world.call("POST", "/im/v1/messages?receive_id_type=chat_id").body(body);
    let repeated = together(vec![once; 12]).await;
    assert_eq!(ids(&repeated, "message_id").len(), 1, "{repeated:?}");
    let first = tell(&world, "open_id", &world.users[0].open_id, "first");
    let private = together(vec![first; 12]).await;
    assert_eq!((ids(&private, "chat_id").len(), ids(&private, "message_id").len()), (1, 12));
    let root = text(&sent[0], "message_id");
    let replies = together(vec![answer(&world, &root, "re", true); 12]).await;
    assert_eq!((ids(&replies, "thread_id").len(), ids(&replies, "message_id").len()), (1, 12));
    let listed = list(&world, "chat", &world.chat_id).send().await.data();
    assert_eq!(listed["items"].as_array().expect("items").len(), 25);
    let thread = ids(&replies, "thread_id").pop_first().expect("a thread").to_owned();
    let listed = list(&world, "thread", &thread).send().await.data();
    assert_eq!(listed["items"].as_array().expect("items").len(), 13);
}
