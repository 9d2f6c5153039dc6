//! A program that is killed under load keeps the events of every write that it acknowledged: bots hear each of them, the
//! same event with the same ID.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use larkspur_testkit::receiver::Receiver;
use serde_json::{Value, json};

use crate::support::program::{CONTROL_KEY, Client, Program};

const KILLS: usize = 5;
/// How long each program is under load, in milliseconds: some of its events are on their way then.
const LOAD_MS: u64 = 150;
/// How long the last program may take. The claims of a killed one would last 30 s; they are taken back.
const PATIENCE: Duration = Duration::from_secs(25);

/// A chat with two bots and a person.
struct Scene {
    /// The token of the app that owns the chat.
    token: String,
    chat: String,
    world: String,
    /// The person's user_id.
    person: String,
}

/// The IDs of the events that tell something, by what they tell.
type Heard = BTreeMap<String, BTreeSet<String>>;

#[test]
fn every_acknowledged_change_and_message_is_heard() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let bots = [Receiver::start(), Receiver::start()];
    let scene = scene(&data, &bots);
    let (mut named, mut said) = (BTreeSet::new(), BTreeSet::new());
    for kill in 0..KILLS {
        let program = Program::start(&data);
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let (scene, ended) = (&scene, &ended);
            let (mut names, mut texts) = (program.client(), program.client());
            let renaming = scope.spawn(move || {
                let name = |number| format!("name {kill}-{number}");
                written(ended, name, |name| scene.rename(&mut names, name))
            });
            let speaking = scope.spawn(move || {
                let text = |number| format!("text {kill}-{number}");
                written(ended, text, |text| scene.say(&mut texts, text))
            });
            thread::sleep(Duration::from_millis(LOAD_MS));
            program.kill();
            ended.store(true, Ordering::SeqCst);
            named.extend(renaming.join().expect("a writer"));
            said.extend(speaking.join().expect("a writer"));
        });
    }
    assert!(named.len() > KILLS && said.len() > KILLS, "{} and {}", named.len(), said.len());
    let before: usize = bots.iter().map(|bot| bot.events().len()).sum();
    assert!(before > 0, "some were delivered between the kills");
    let program = Program::start(&data);
    for bot in &bots {
        all_heard(bot, "im.chat.updated_v1", &named, new_name);
        all_heard(bot, "im.message.receive_v1", &said, text_said);
    }
    program.kill();
}

/// What is written until the server is gone or `ended`: only what it acknowledged.
fn written(
    ended: &AtomicBool,
    what: impl Fn(usize) -> String,
    mut write: impl FnMut(&str) -> bool,
) -> Vec<String> {
    let mut all = Vec::new();
    while !ended.load(Ordering::SeqCst) {
        let one = what(all.len());
        if !write(&one) {
            break;
        }
        all.push(one);
    }
    all
}

impl Scene {
    /// Renames the chat; returns whether that was acknowledged.
    fn rename(&self, client: &mut Client, name: &str) -> bool {
        let path = format!("/im/v1/chats/{}", self.chat);
        let reply = client.call(&self.token, "PUT", &path, &json!({"name": name}));
        reply.is_some_and(|reply| reply["code"] == 0)
    }

    /// The person says something; returns whether that was acknowledged.
    fn say(&self, client: &mut Client, text: &str) -> bool {
        let path = format!("/larkspur/v1{}/chats/{}/messages", self.world, self.chat);
        let reply = client.send(CONTROL_KEY, "POST", &path, &json!({"as": self.person, "text": text}));
        reply.is_some_and(|(status, reply)| status == 200 && reply["code"] == 0)
    }
}

/// Waits until a bot has heard everything that was acknowledged, and asserts that it can tell repeated events by their IDs.
fn all_heard(bot: &Receiver, event_type: &str, acknowledged: &BTreeSet<String>, told: fn(&Value) -> String) {
    let began = Instant::now();
    loop {
        let heard = heard(bot, event_type, told);
        let lost: Vec<&String> = acknowledged.iter().filter(|one| !heard.contains_key(*one)).collect();
        if lost.is_empty() {
            let twice: Vec<_> = heard.iter().filter(|(_, ids)| ids.len() != 1).collect();
            assert!(twice.is_empty(), "{event_type} with several IDs: {twice:?}");
            // At most the last write of each load has an event and no answer.
            assert!(heard.len() <= acknowledged.len() + KILLS, "{} of {}", heard.len(), acknowledged.len());
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{event_type}: {lost:?} of {}", acknowledged.len());
        thread::sleep(Duration::from_millis(50));
    }
}

fn heard(bot: &Receiver, event_type: &str, told: fn(&Value) -> String) -> Heard {
    let mut heard = Heard::new();
    for event in bot.events().iter().filter(|event| event["header"]["event_type"] == event_type) {
        heard.entry(told(&event["event"])).or_default().insert(text(&event["header"]["event_id"]));
    }
    heard
}

fn new_name(event: &Value) -> String {
    text(&event["after_change"]["name"])
}

fn text_said(event: &Value) -> String {
    let content: Value = serde_json::from_str(&text(&event["message"]["content"])).expect("JSON");
    text(&content["text"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A call of the control API that succeeds: its data.
fn control(client: &mut Client, method: &str, path: &str, body: &Value) -> Value {
    let reply = client.send(CONTROL_KEY, method, &format!("/larkspur/v1{path}"), body);
    let (status, reply) = reply.expect("an answer");
    assert_eq!(status, 200, "{method} {path}: {reply}");
    reply["data"].clone()
}

/// Puts the apps of two bots and a person into a chat, and subscribes the apps.
fn scene(data: &Path, bots: &[Receiver; 2]) -> Scene {
    let program = Program::start(data);
    let (ready, mut client) = (program.ready.clone(), program.client());
    let body = json!({"app_id": ready["app_id"], "app_secret": ready["app_secret"]});
    let reply = client.call("", "POST", "/auth/v3/tenant_access_token/internal", &body).expect("a token");
    let token = text(&reply["tenant_access_token"]);
    let world = format!("/worlds/{}", text(&ready["tenant_key"]));
    let person = text(&ready["users"][0]["user_id"]);
    let other = control(&mut client, "POST", &format!("{world}/apps"), &json!({}));
    let apps = [text(&ready["app_id"]), text(&other["app_id"])];
    let chat = json!({"name": "heard", "owner": apps[0], "members": [apps[1], person]});
    let chat = text(&control(&mut client, "POST", &format!("{world}/chats"), &chat)["chat_id"]);
    for (app, bot) in apps.iter().zip(bots) {
        let events = format!("{world}/apps/{app}/events");
        control(&mut client, "PUT", &events, &json!({"request_url": bot.url()}));
        let began = Instant::now();
        while client.control(&events)["verified"] != true {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", client.control(&events));
            thread::sleep(Duration::from_millis(5));
        }
    }
    program.kill();
    Scene { token, chat, world, person }
}
