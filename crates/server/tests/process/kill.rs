//! The program is killed under write load, stopped, started twice, and starved: no acknowledged write is lost, none is
//! torn.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use larkspur_testkit::Random;
use larkspur_testkit::run;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{Client, Program};

const WRITERS: usize = 4;
const KILLS: usize = 60;

/// A store with a demo world, and the acknowledged writes that must be in it.
struct Bench {
    _directory: TempDir,
    data: PathBuf,
    /// Issued at the first start and used after every other.
    token: String,
    tenant: String,
    people: [String; 2],
    writers: Vec<Writer>,
}

impl Bench {
    fn new() -> Bench {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("data");
        let program = Program::start(&data);
        let ready = &program.ready;
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let people = [1, 2].map(|n| text(&ready["users"][n]["open_id"]));
        let body = json!({"app_id": ready["app_id"], "app_secret": ready["app_secret"]});
        let path = "/auth/v3/tenant_access_token/internal";
        let reply = program.client().call("", "POST", path, &body).expect("a token");
        let (token, tenant) = (text(&reply["tenant_access_token"]), text(&ready["tenant_key"]));
        program.kill();
        let writers = (0..WRITERS).map(|number| Writer { number, ..Writer::default() }).collect();
        Bench { _directory: directory, data, token, tenant, people, writers }
    }

    /// Writes on several connections until each of them gets no answer, or `ending` becomes true.
    fn load(
        &mut self,
        program: &Program,
        acknowledged: &AtomicUsize,
        ending: &AtomicBool,
        end: impl FnOnce(),
    ) {
        let (token, people) = (&self.token, &self.people);
        thread::scope(|scope| {
            for writer in &mut self.writers {
                let client = program.client();
                scope.spawn(move || {
                    let mut by = By { client, token, people };
                    while !ending.load(Ordering::SeqCst) && writer.write(&mut by) {
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            end();
        });
    }

    /// Checks the acknowledged writes: all of them with `all`, else those since the last check.
    fn verify(&mut self, program: &Program, all: bool) {
        let mut by = By { client: program.client(), token: &self.token, people: &self.people };
        for writer in &mut self.writers {
            writer.verify(&mut by, &self.tenant, all);
        }
    }
}

struct By<'a> {
    client: Client,
    token: &'a str,
    people: &'a [String; 2],
}

impl By<'_> {
    fn call(&mut self, method: &str, path: &str, body: &Value) -> Option<Value> {
        self.client.call(self.token, method, path, body).map(|json| json["data"].clone())
    }

    fn get(&mut self, path: &str) -> Value {
        self.call("GET", path, &Value::Null).unwrap_or_else(|| panic!("no answer to GET {path}"))
    }
}

/// The writes of one connection. A write without an answer is `pending`: it may have happened, as a whole.
#[derive(Default)]
struct Writer {
    number: usize,
    serial: usize,
    tags: Vec<Tag>,
    chats: Vec<Chat>,
    pending: Option<Write>,
    looked: (usize, usize),
}

struct Tag {
    id: String,
    name: String,
}

#[derive(Default)]
struct Chat {
    id: String,
    tabs: Vec<String>,
    tags: Vec<String>,
}

#[derive(Clone)]
enum Write {
    Tag(String),
    Rename(String),
    Chat(String),
    Tabs(String),
    Bind(String),
}

impl Writer {
    /// The next write: a tag, its new name, a chat with two people, three pairs of tabs in it, the tag bound to it.
    fn next(&mut self) -> Write {
        let name = format!("w{}-{}", self.number, self.serial);
        self.serial += 1;
        match self.serial % 7 {
            1 => Write::Tag(name),
            2 => Write::Chat(name),
            3 => Write::Bind(self.tags.last().map(|tag| tag.id.clone()).unwrap_or_default()),
            4 => Write::Rename(name),
            _ => Write::Tabs(name),
        }
    }

    /// Does the next write; false if it got no answer.
    fn write(&mut self, by: &mut By<'_>) -> bool {
        let write = self.next();
        let done = self.attempt(by, &write);
        self.pending = (!done).then_some(write);
        done
    }

    fn attempt(&mut self, by: &mut By<'_>, write: &Write) -> bool {
        let answer = by.call_for(write, self.tags.last(), self.chats.last());
        let Some(data) = answer else { return false };
        self.acknowledge(write, &data);
        true
    }

    fn acknowledge(&mut self, write: &Write, data: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no id in {data}")).to_owned();
        match write {
            Write::Tag(name) => self.tags.push(Tag { id: text(&data["id"]), name: name.clone() }),
            Write::Rename(name) => self.tags.last_mut().expect("a tag").name.clone_from(name),
            Write::Chat(_) => self.chats.push(Chat { id: text(&data["chat_id"]), ..Chat::default() }),
            Write::Tabs(name) => self.chats.last_mut().expect("a chat").tabs.push(name.clone()),
            Write::Bind(tag) => self.chats.last_mut().expect("a chat").tags.push(tag.clone()),
        }
    }

    /// Finds out whether the unanswered write happened, repeats it if not, and checks the acknowledged ones.
    fn verify(&mut self, by: &mut By<'_>, tenant: &str, all: bool) {
        if all {
            self.looked = (0, 0);
        }
        let pending = self.pending.take();
        self.verify_tags(by, pending.as_ref());
        for index in self.looked.1..self.chats.len() {
            let last = index + 1 == self.chats.len();
            verify_chat(by, tenant, &mut self.chats[index], pending.as_ref().filter(|_| last));
        }
        // Tags have unique names and chats a uuid, so both can be repeated; binding twice is binding once.
        let again = pending.filter(|write| !matches!(write, Write::Tabs(_)));
        match again {
            Some(Write::Tag(name)) => {
                let body = json!({"create_tag": {"tag_type": "tenant", "name": name}});
                let data = by.call("POST", "/im/v2/tags", &body).expect("an answer");
                let taken = &data["create_tag_fail_reason"]["duplicate_id"];
                let id = data["id"].as_str().or(taken.as_str()).expect("an id").to_owned();
                self.tags.push(Tag { id, name });
            }
            Some(write) => assert!(self.attempt(by, &write), "no answer after the restart"),
            None => {}
        }
        // The last of each is still being written.
        self.looked = (self.tags.len().saturating_sub(1), self.chats.len().saturating_sub(1));
    }

    fn verify_tags(&mut self, by: &mut By<'_>, pending: Option<&Write>) {
        let newest = self.tags.len().saturating_sub(1);
        for chunk in self.tags[self.looked.0..].chunks_mut(40) {
            let ids: Vec<String> = chunk.iter().map(|tag| format!("ids={}", tag.id)).collect();
            let found = by.get(&format!("/im/v2/tags?{}", ids.join("&")));
            let found = found["tag_infos"].as_array().expect("a list");
            assert_eq!(found.len(), chunk.len(), "an acknowledged tag is lost");
            for (tag, found) in chunk.iter_mut().zip(found) {
                let name = found["name"].as_str().expect("a name");
                if let (Some(Write::Rename(new)), true) = (pending, name != tag.name) {
                    assert_eq!(name, new, "tag {} has neither name", tag.id);
                    tag.name.clone_from(new);
                }
                assert_eq!(name, tag.name, "an acknowledged name is lost, of the tags up to {newest}");
            }
        }
    }
}

fn verify_chat(by: &mut By<'_>, tenant: &str, chat: &mut Chat, pending: Option<&Write>) {
    let shown = by.client.control(&format!("/worlds/{tenant}/chats/{}", chat.id));
    assert_eq!(shown["members"].as_array().map(Vec::len), Some(3), "the bot and both people: {shown}");
    let mut names: Vec<&str> = Vec::new();
    for tab in shown["tabs"].as_array().expect("tabs").iter().filter(|tab| tab["tab_type"] == "url") {
        names.push(tab["tab_name"].as_str().expect("a name"));
    }
    assert_eq!(names.len() % 2, 0, "half of a call: {shown}");
    assert!(names.chunks(2).all(|pair| pair[0] == pair[1]), "half of a call: {shown}");
    let pairs: Vec<String> = names.chunks(2).map(|pair| pair[0].to_owned()).collect();
    if let Some(Write::Tabs(name)) = pending
        && pairs.last() == Some(name)
        && chat.tabs.last() != Some(name)
    {
        // It happened, and the answer was lost.
        chat.tabs.push(name.clone());
    }
    assert_eq!(pairs, chat.tabs, "acknowledged tabs of {}", chat.id);
    let path = format!("/im/v2/biz_entity_tag_relation?tag_biz_type=chat&biz_entity_id={}", chat.id);
    let bound = by.get(&path);
    let bound: HashSet<&str> = bound["tag_info_with_bind_versions"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|bound| bound["tag_info"]["id"].as_str())
        .collect();
    for tag in &chat.tags {
        assert!(bound.contains(tag.as_str()), "an acknowledged binding of {} is lost", chat.id);
    }
}

impl By<'_> {
    /// Sends a write about the writer's newest tag or chat.
    fn call_for(&mut self, write: &Write, tag: Option<&Tag>, chat: Option<&Chat>) -> Option<Value> {
        let chat = chat.map_or("", |chat| &chat.id);
        match write {
            Write::Tag(name) => {
                let body = json!({"create_tag": {"tag_type": "tenant", "name": name}});
                self.call("POST", "/im/v2/tags", &body)
            }
            Write::Rename(name) => {
                let path = format!("/im/v2/tags/{}", tag.map_or("", |tag| &tag.id));
                self.call("PATCH", &path, &json!({"patch_tag": {"name": name}}))
            }
            Write::Chat(name) => {
                let body = json!({"name": name, "user_id_list": self.people});
                self.call("POST", &format!("/im/v1/chats?uuid={name}"), &body)
            }
            Write::Tabs(name) => {
                let content = json!({"url": "https://example.com"});
                let tab = json!({"tab_type": "url", "tab_name": name, "tab_content": content});
                self.call(
                    "POST",
                    &format!("/im/v1/chats/{chat}/chat_tabs"),
                    &json!({"chat_tabs": [tab, tab]}),
                )
            }
            Write::Bind(tag) => {
                let body = json!({"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": [tag]});
                self.call("POST", "/im/v2/biz_entity_tag_relation", &body)
            }
        }
    }
}

#[test]
fn no_acknowledged_write_is_lost_when_the_program_is_killed() {
    let mut random = Random::seeded("kill");
    let mut bench = Bench::new();
    let (acknowledged, never) = (AtomicUsize::new(0), AtomicBool::new(false));
    for kill in 0..KILLS {
        if kill % 6 == 5 {
            // While it opens the store.
            let early = Program::spawn(&bench.data, "");
            thread::sleep(Duration::from_micros(random.below(25_000)));
            early.kill();
            continue;
        }
        let program = Program::start(&bench.data);
        bench.verify(&program, false);
        let moment = Duration::from_micros(2_000 + random.below(200_000));
        let id = program.id();
        bench.load(&program, &acknowledged, &never, || {
            thread::sleep(moment);
            run("sh", &["-c", &format!("kill -KILL {id}")]);
        });
        program.kill();
    }
    let program = Program::start(&bench.data);
    bench.verify(&program, true);
    let written = acknowledged.load(Ordering::SeqCst);
    println!("{KILLS} kills, {written} writes acknowledged, 0 lost");
    assert!(written > KILLS * WRITERS, "only {written} writes between {KILLS} kills: this tested nothing");
}

#[test]
fn a_program_that_is_told_to_end_loses_nothing_and_exits_with_0() {
    let mut bench = Bench::new();
    let (acknowledged, never) = (AtomicUsize::new(0), AtomicBool::new(false));
    for _ in 0..3 {
        let program = Program::start(&bench.data);
        bench.verify(&program, false);
        bench.load(&program, &acknowledged, &never, || {
            thread::sleep(Duration::from_millis(150));
            program.terminate();
        });
        let (status, log) = program.wait();
        assert!(status.success(), "{status}: {log}");
    }
    let program = Program::start(&bench.data);
    bench.verify(&program, true);
    assert!(acknowledged.load(Ordering::SeqCst) > WRITERS);
}

#[test]
fn a_second_program_on_the_same_data_is_refused_in_one_line() {
    let bench = Bench::new();
    let first = Program::start(&bench.data);
    let (status, log) = Program::spawn(&bench.data, "").wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("is in use by another larkspur process"), "{log}");
    let data = first.client().call(&bench.token, "GET", "/bot/v3/info", &Value::Null);
    assert!(data.is_some(), "the first one serves on");
}

/// Mounting a small disk or filling a large one is not possible everywhere; limiting file sizes is.
#[test]
fn a_full_disk_is_a_503_and_passes() {
    let mut bench = Bench::new();
    // Without the trap, the first write beyond the limit would kill the process.
    let program = Program::start_with(&bench.data, "trap '' XFSZ; ulimit -S -f 6000;");
    let (mut written, mut refused) = (0, 0);
    let (token, people) = (bench.token.clone(), bench.people.clone());
    for writer in &mut bench.writers {
        let mut by = By { client: program.client(), token: &token, people: &people };
        for _ in 0..6 {
            assert!(writer.write(&mut by), "there is room yet");
        }
    }
    let mut client = program.client();
    let filler = "字".repeat(250);
    while refused < 20 {
        let name = format!("{written} {filler}");
        let names: Vec<Value> = (0..40).map(|n| json!({"locale": format!("l{n}"), "name": filler})).collect();
        let body = json!({"create_tag": {"tag_type": "tenant", "name": name.chars().take(255).collect::<String>(), "i18n_names": names}});
        let (status, json) = client.send(&token, "POST", "/open-apis/im/v2/tags", &body).expect("an answer");
        match (status, json["code"].as_i64()) {
            (200, Some(0)) => written += 1,
            (503, _) => refused += 1,
            _ => panic!("after {written} writes and {refused} refusals: {status} {json}"),
        }
        assert!(written < 1000, "the limit on file sizes is not in force");
    }
    assert!(written > 0, "there was room at first");
    // Reads continue, and so do writes once there is space again.
    bench.verify(&program, true);
    run("prlimit", &[&format!("--pid={}", program.id()), "--fsize=unlimited"]);
    let (acknowledged, ending) = (AtomicUsize::new(0), AtomicBool::new(false));
    bench.load(&program, &acknowledged, &ending, || {
        thread::sleep(Duration::from_millis(100));
        ending.store(true, Ordering::SeqCst);
    });
    assert!(acknowledged.load(Ordering::SeqCst) > 0);
    bench.verify(&program, true);
    program.kill();
    let program = Program::start(&bench.data);
    bench.verify(&program, true);
    check(&bench.data);
}

/// `larkspur check` finds no damage.
fn check(data: &Path) {
    assert_eq!(larkspur_store_sqlite::Sqlite::check(data).expect("readable"), Vec::<String>::new());
}
