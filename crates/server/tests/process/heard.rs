//! A program that is killed under load keeps the events of every write that it acknowledged, and only those of writes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use larkspur_contract::Effect;
use larkspur_store::Driver;
use larkspur_store_sqlite::{Options, Sqlite};
use larkspur_testkit::receiver::Receiver;
use serde_json::{Value, json};

use crate::support::program::{CONTROL_KEY, Program};

const KILLS: usize = 5;
/// How long each program is under load, in milliseconds: some of its events are on their way then.
const LOAD_MS: u64 = 150;

#[test]
fn every_acknowledged_change_has_its_event() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let receiver = Receiver::start();
    let (token, chat) = subscribe(&data, &receiver);
    let mut acknowledged = BTreeSet::new();
    for kill in 0..KILLS {
        let program = Program::start(&data);
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let mut client = program.client();
            let (path, ended, token) = (format!("/im/v1/chats/{chat}"), &ended, &token);
            let writer = scope.spawn(move || {
                let mut named = Vec::new();
                while !ended.load(Ordering::SeqCst) {
                    let name = format!("name {kill}-{}", named.len());
                    if client.call(token, "PUT", &path, &json!({"name": name})).is_none() {
                        break;
                    }
                    named.push(name);
                }
                named
            });
            thread::sleep(Duration::from_millis(LOAD_MS));
            program.kill();
            ended.store(true, Ordering::SeqCst);
            acknowledged.extend(writer.join().expect("a writer"));
        });
    }
    let written = names(&data);
    let lost: Vec<&String> = acknowledged.difference(&written).collect();
    assert!(acknowledged.len() > KILLS && lost.is_empty(), "{lost:?} of {}", acknowledged.len());
    // At most the last write of each load has an event and no answer.
    assert!(written.len() <= acknowledged.len() + KILLS, "{} of {}", written.len(), acknowledged.len());
    assert!(!receiver.events().is_empty(), "some were delivered between the kills");
}

/// Subscribes the app of the demo world, which owns a chat; the app's token and the chat.
fn subscribe(data: &Path, receiver: &Receiver) -> (String, String) {
    let program = Program::start(data);
    let (ready, mut client) = (program.ready.clone(), program.client());
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let body = json!({"app_id": ready["app_id"], "app_secret": ready["app_secret"]});
    let reply = client.call("", "POST", "/auth/v3/tenant_access_token/internal", &body).expect("a token");
    let token = text(&reply["tenant_access_token"]);
    let made = client.call(&token, "POST", "/im/v1/chats", &json!({"name": "heard"})).expect("a chat");
    let world = format!("/worlds/{}", text(&ready["tenant_key"]));
    let events = format!("{world}/apps/{}/events", text(&ready["app_id"]));
    let address = json!({"request_url": receiver.url()});
    let put = client.send(CONTROL_KEY, "PUT", &format!("/larkspur/v1{events}"), &address);
    assert_eq!(put.expect("an answer").0, 200);
    let began = Instant::now();
    while client.control(&events)["verified"] != true {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", client.control(&events));
        thread::sleep(Duration::from_millis(5));
    }
    program.kill();
    (token, text(&made["data"]["chat_id"]))
}

/// The names that the store's events tell.
fn names(data: &Path) -> BTreeSet<String> {
    let driver = Sqlite::open(data, &Options::default()).expect("opens");
    let sql = "SELECT payload FROM event_delivery WHERE event_type = 'im.chat.updated_v1'";
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let rows = runtime.block_on(driver.query(Effect::Reads, sql, Vec::new())).expect("rows");
    let name = |payload: &str| {
        let told: Value = serde_json::from_str(payload).expect("JSON");
        told["after_change"]["name"].as_str().expect("a name").to_owned()
    };
    rows.into_iter().map(|mut row| name(&row.text(0).expect("text"))).collect()
}
