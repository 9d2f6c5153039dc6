//! `GET /im/v1/messages`

use std::sync::Arc;

use larkspur_testkit::Random;
use larkspur_testkit::{Lab, LabOptions, ManualClock};
use serde_json::{Value, json};

use super::{answer, invalid, list, recall, said, texts};
use crate::scenarios::{text, world};

const START: i64 = 1_750_000_000;

async fn at_a_time() -> (larkspur_testkit::World, Arc<ManualClock>) {
    let clock = ManualClock::at(START * 1000);
    let lab = Lab::with(LabOptions { clock: clock.clone(), ..LabOptions::default() }).await;
    (lab.world().await, clock)
}

#[tokio::test]
async fn times_are_seconds_and_included() {
    let (world, clock) = at_a_time().await;
    for words in ["0", "1", "2"] {
        said(&world, words).await;
        clock.advance(1500);
    }
    let between = async |from: i64, to: i64| {
        let request = list(&world, "chat", &world.chat_id);
        let request = request.query("start_time", &(START + from).to_string());
        texts(&request.query("end_time", &(START + to).to_string()).send().await.data())
    };
    assert_eq!(between(0, 3).await, ["0", "1", "2"]);
    assert_eq!(between(1, 1).await, ["1"]);
    assert_eq!(between(2, 2).await, [""; 0]);
    assert_eq!(between(3, 9).await, ["2"]);
    let ask = |name: &str, value: &str| list(&world, "chat", &world.chat_id).query(name, value);
    invalid(&ask("start_time", "x").send().await, "invalid start_time: x");
    invalid(&ask("end_time", "-1").send().await, "invalid end_time: -1");
    let both = ask("start_time", "10").query("end_time", "9");
    invalid(&both.send().await, "The end_time is earlier than the start_time");
    let all = ask("start_time", "").query("end_time", "99999999999999999").send().await.data();
    assert_eq!(texts(&all), ["0", "1", "2"]);
}

#[tokio::test]
async fn pages_in_both_orders() {
    let world = world().await;
    let mut all = Vec::new();
    for number in 0..7 {
        all.push(number.to_string());
        said(&world, &number.to_string()).await;
    }
    for order in ["ByCreateTimeAsc", "ByCreateTimeDesc"] {
        let page = |size: &str| {
            let request = world.call("GET", "/im/v1/messages").query("container_id_type", "chat");
            let request = request.query("container_id", &world.chat_id).query("sort_type", order);
            request.query("page_size", size)
        };
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let data = page("3").query("page_token", &token).send().await.data();
            found.extend(texts(&data));
            let more = data["has_more"] == true;
            assert_eq!(data.get("page_token").is_some(), more, "{data}");
            if !more {
                break;
            }
            token = text(&data, "page_token");
        }
        assert_eq!(found, all, "{order}");
        let changed = page("3").query("page_token", &token).query("start_time", "1");
        invalid(&changed.send().await, "the request parameters have changed, page_token is invalid");
        let forged = page("3").query("page_token", "x");
        invalid(&forged.send().await, "the request parameters have changed, page_token is invalid");
        all.reverse();
    }
    for (name, value) in
        [("page_size", "0"), ("page_size", "51"), ("sort_type", "x"), ("container_id_type", "x")]
    {
        let reply = list(&world, "chat", &world.chat_id).query(name, value).send().await;
        assert_eq!(reply.code(), 99992402, "{name}={value}: {}", reply.text());
    }
}

#[tokio::test]
async fn containers_that_do_not_exist() {
    let world = world().await;
    let other = world.lab.world().await;
    let root = said(&other, "x").await;
    let thread = text(&answer(&other, &root, "y", true).send().await.data(), "thread_id");
    for (kind, id) in [
        ("chat", "x"),
        ("chat", other.chat_id.as_str()),
        ("chat", thread.as_str()),
        ("thread", "omt_0000000000000000"),
        ("thread", thread.as_str()),
        ("thread", other.chat_id.as_str()),
    ] {
        invalid(&list(&world, kind, id).send().await, "invalid container_id");
    }
}

/// Whatever is sent, replied to and recalled, a chat lists it in the order of its times, and each thread its own.
#[tokio::test]
async fn lists_are_in_order_whatever_happens() {
    let (world, clock) = at_a_time().await;
    let mut random = Random::seeded("lists_are_in_order_whatever_happens");
    // What was said, with the thread that it is in, whether the chat lists it, and whether it was recalled.
    let mut said: Vec<(String, Option<String>, bool, bool)> = Vec::new();
    for _ in 0..60 {
        if random.below(3) == 0 {
            clock.advance(i64::try_from(random.below(2000)).expect("small"));
        }
        let last = u64::try_from(said.len()).expect("small");
        let pick = (last > 0).then(|| usize::try_from(random.below(last)).expect("small"));
        match (random.below(5), pick) {
            (0, Some(at)) if !said[at].3 => {
                recall(&world, &said[at].0).send().await.data();
                said[at].3 = true;
            }
            (1 | 2, Some(at)) if !said[at].3 => {
                let in_thread = random.below(2) == 0;
                let made = answer(&world, &said[at].0, "re", in_thread).send().await.data();
                let thread = made["thread_id"].as_str().map(str::to_owned);
                if in_thread && said[at].1.is_none() {
                    said[at].1.clone_from(&thread);
                }
                assert_eq!(thread, said[at].1, "a reply is in the thread of what it replies to");
                let listed = thread.is_none();
                said.push((text(&made, "message_id"), thread, listed, false));
            }
            _ => said.push((super::said(&world, "new").await, None, true, false)),
        }
    }
    let ids = async |kind: &str, id: &str, order: &str| {
        let (mut found, mut token): (Vec<Value>, String) = (Vec::new(), String::new());
        loop {
            let request = list(&world, kind, id).query("page_size", "7").query("sort_type", order);
            let data = request.query("page_token", &token).send().await.data();
            found.extend(data["items"].as_array().expect("items").iter().cloned());
            match data["page_token"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
        }
        found
    };
    let mut threads: Vec<&String> = said.iter().filter_map(|one| one.1.as_ref()).collect();
    threads.sort();
    threads.dedup();
    assert!(!threads.is_empty(), "some threads were opened");
    let mut containers = vec![("chat", world.chat_id.as_str())];
    containers.extend(threads.iter().map(|thread| ("thread", thread.as_str())));
    for (kind, id) in containers {
        let belongs = |one: &&(String, Option<String>, bool, bool)| match kind {
            "chat" => one.2,
            _ => one.1.as_deref() == Some(id),
        };
        let expected: Vec<(Value, Value)> =
            said.iter().filter(belongs).map(|one| (json!(one.0), json!(one.3))).collect();
        let up = ids(kind, id, "ByCreateTimeAsc").await;
        let seen: Vec<(Value, Value)> =
            up.iter().map(|item| (item["message_id"].clone(), item["deleted"].clone())).collect();
        assert_eq!(seen, expected, "{kind} {id}");
        let mut down = ids(kind, id, "ByCreateTimeDesc").await;
        down.reverse();
        assert_eq!(down, up);
    }
}
