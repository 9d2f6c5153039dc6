//! A program that is killed under load keeps every message, edit, recall, reaction and pin that it acknowledged.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use larkspur_testkit::Random;
use serde_json::{Value, json};

use crate::support::program::{Client, Program};

const WRITERS: usize = 3;
const KILLS: usize = 12;
/// The platform's limit of messages per second and chat would slow the load down.
const UNLIMITED: &str = "export LARKSPUR_BEHAVIOURS_CHAT_LIMIT=false;";

/// A message that was acknowledged.
struct Said {
    id: String,
    /// What the last acknowledged write made of it.
    text: String,
    recalled: bool,
    reacted: bool,
    pinned: bool,
    /// Whether a later write got no answer: it may have happened or not.
    open: bool,
}

/// The writes of one connection.
#[derive(Default)]
struct Writer {
    number: usize,
    serial: usize,
    said: Vec<Said>,
    /// The uuid and text of a message that got no answer.
    unanswered: Option<String>,
}

impl Writer {
    /// Sends a message, or does something with the last one; false if it got no answer.
    fn write(&mut self, client: &mut Client, token: &str, chat: &str) -> bool {
        self.serial += 1;
        let Some(last) = self.said.last_mut().filter(|_| !self.serial.is_multiple_of(5)) else {
            return self.send(client, token, chat);
        };
        let message = format!("/im/v1/messages/{}", last.id);
        let text = format!("edited {}", self.serial);
        let (method, path, body) = match self.serial % 5 {
            1 => ("PUT", message, json!({"msg_type": "text", "content": json!({"text": text}).to_string()})),
            2 => ("POST", message + "/reactions", json!({"reaction_type": {"emoji_type": "OK"}})),
            3 => ("POST", "/im/v1/pins".to_owned(), json!({"message_id": last.id})),
            _ if self.number == 0 => ("DELETE", message, Value::Null),
            _ => return self.send(client, token, chat),
        };
        let Some(reply) = client.call(token, method, &path, &body) else {
            last.open = true;
            return false;
        };
        assert_eq!(reply["code"], 0, "{reply}");
        match self.serial % 5 {
            1 => last.text = text,
            2 => last.reacted = true,
            3 => last.pinned = true,
            _ => (last.recalled, last.pinned) = (true, false),
        }
        true
    }

    fn send(&mut self, client: &mut Client, token: &str, chat: &str) -> bool {
        let text = format!("said {}-{}", self.number, self.serial);
        let done = self.send_again(client, token, chat, &text);
        if !done {
            self.unanswered = Some(text);
        }
        done
    }

    /// The text is the uuid, too: one message, however often it is sent.
    fn send_again(&mut self, client: &mut Client, token: &str, chat: &str, text: &str) -> bool {
        let content = json!({"text": text}).to_string();
        let body = json!({"receive_id": chat, "msg_type": "text", "content": content, "uuid": text});
        let path = "/im/v1/messages?receive_id_type=chat_id";
        let Some(reply) = client.call(token, "POST", path, &body) else { return false };
        let id = reply["data"]["message_id"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned();
        let text = text.to_owned();
        self.said.push(Said { id, text, recalled: false, reacted: false, pinned: false, open: false });
        true
    }

    /// Checks what was acknowledged, and sends again what got no answer.
    fn verify(&mut self, client: &mut Client, token: &str, chat: &str, pins: &[String]) {
        for said in &self.said {
            let path = format!("/im/v1/messages/{}", said.id);
            let found = client.call(token, "GET", &path, &Value::Null).expect("an answer");
            let shown = &found["data"]["items"][0];
            assert_eq!(shown["message_id"], said.id, "an acknowledged message is lost: {found}");
            assert!(!said.recalled || shown["deleted"] == true, "an acknowledged recall is lost: {found}");
            if said.open {
                continue;
            }
            assert_eq!(shown["deleted"], said.recalled, "{found}");
            if !said.recalled {
                let content = json!({"text": said.text}).to_string();
                assert_eq!(shown["body"]["content"], content, "an acknowledged text is lost");
                let reactions = client.call(token, "GET", &(path + "/reactions"), &Value::Null);
                let reactions = reactions.expect("an answer")["data"]["items"].as_array().map_or(0, Vec::len);
                assert_eq!(reactions, usize::from(said.reacted), "an acknowledged reaction is lost");
            }
            assert_eq!(pins.contains(&said.id), said.pinned, "an acknowledged pin is lost: {found}");
        }
        if let Some(text) = self.unanswered.take() {
            assert!(self.send_again(client, token, chat, &text), "no answer after the restart");
        }
    }
}

/// The ids of the messages that are pinned in a chat.
fn pins(client: &mut Client, token: &str, chat: &str) -> Vec<String> {
    let (mut all, mut page) = (Vec::new(), String::new());
    loop {
        let path = format!("/im/v1/pins?chat_id={chat}&page_size=50{page}");
        let found = client.call(token, "GET", &path, &Value::Null).expect("an answer");
        let items = found["data"]["items"].as_array().unwrap_or_else(|| panic!("{found}"));
        all.extend(items.iter().filter_map(|pin| pin["message_id"].as_str().map(str::to_owned)));
        let Some(token) = found["data"]["page_token"].as_str() else { return all };
        page = format!("&page_token={token}");
    }
}

#[test]
fn no_acknowledged_message_is_lost_when_the_program_is_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let program = Program::start_with(&data, UNLIMITED);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let body = json!({"app_id": program.ready["app_id"], "app_secret": program.ready["app_secret"]});
    let path = "/auth/v3/tenant_access_token/internal";
    let token =
        text(&program.client().call("", "POST", path, &body).expect("a token")["tenant_access_token"]);
    let chats: Vec<String> = (0..WRITERS)
        .map(|_| {
            let made = program.client().call(&token, "POST", "/im/v1/chats", &json!({"name": "said"}));
            text(&made.expect("a chat")["data"]["chat_id"])
        })
        .collect();
    program.kill();
    let mut writers: Vec<Writer> =
        (0..WRITERS).map(|number| Writer { number, ..Writer::default() }).collect();
    let (mut random, acknowledged) = (Random::seeded("said"), AtomicUsize::new(0));
    for kill in 0..=KILLS {
        let program = Program::start_with(&data, UNLIMITED);
        for (writer, chat) in writers.iter_mut().zip(&chats) {
            let mut client = program.client();
            let pins = pins(&mut client, &token, chat);
            writer.verify(&mut client, &token, chat, &pins);
        }
        if kill == KILLS {
            break;
        }
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            for (writer, chat) in writers.iter_mut().zip(&chats) {
                let (mut client, ended, token, acknowledged) =
                    (program.client(), &ended, &token, &acknowledged);
                scope.spawn(move || {
                    while !ended.load(Ordering::SeqCst) && writer.write(&mut client, token, chat) {
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            thread::sleep(Duration::from_micros(5_000 + random.below(150_000)));
            program.kill();
            ended.store(true, Ordering::SeqCst);
        });
    }
    let written = acknowledged.load(Ordering::SeqCst);
    println!("{KILLS} kills, {written} writes acknowledged, 0 lost");
    assert!(written > KILLS * WRITERS, "only {written} writes between {KILLS} kills: this tested nothing");
}
