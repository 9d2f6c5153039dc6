//! The commands that show and change a world of a running server: each as a table and as JSON, and refused.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use larkspur_testkit::receiver::{Manner, Receiver};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::commands::{longest, on_terminal, path, uncolored, with};
use crate::support::program::{Program, binary};

const PATIENCE: Duration = Duration::from_secs(20);

/// A running server, and the commands on its demo world.
struct Bench {
    program: Program,
    home: TempDir,
}

impl Bench {
    fn start() -> Bench {
        let home = TempDir::new().expect("a directory");
        Bench { program: Program::start(&home.path().join("data")), home }
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn ready(&self, name: &str) -> &str {
        self.program.ready[name].as_str().expect("in the ready file")
    }

    /// The output of a command, or its error.
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        with(&[arguments, &["--data", path(&self.data())]].concat(), &[], b"")
    }

    /// The output of a command that succeeds.
    fn good(&self, arguments: &[&str]) -> String {
        self.run(arguments).unwrap_or_else(|why| panic!("{arguments:?}: {why}"))
    }

    /// The output of a command that succeeds, as JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.good(arguments);
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?}: {text}"))
    }

    /// A command that fails with one line that has this part.
    fn refused(&self, arguments: &[&str], part: &str) {
        let why = self.run(arguments).expect_err(part);
        assert!(why.contains(part) && why.lines().count() == 1, "{arguments:?}: {why}");
    }

    /// The `data` of a call.
    fn call(&self, operation: &str, more: &[&str]) -> Value {
        self.json(&[&["call", operation], more].concat())["data"].clone()
    }

    /// A command that goes on, and what it prints.
    fn follow(&self, arguments: &[&str]) -> Follower {
        let file = self.home.path().join(format!("followed-{}", arguments.join("-").replace('/', "-")));
        let child = Command::new(binary())
            .args(arguments)
            .args(["--data", path(&self.data())])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(File::create(&file).expect("a file"))
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it runs");
        Follower { child, file }
    }
}

/// A command that goes on. Dropping it kills it.
struct Follower {
    child: Child,
    file: PathBuf,
}

impl Follower {
    fn said(&self) -> String {
        fs::read_to_string(&self.file).unwrap_or_default()
    }

    fn lines(&self) -> Vec<Value> {
        let said = self.said();
        // The last line may be written by halves.
        said.split_inclusive('\n')
            .filter_map(|line| serde_json::from_str(line.strip_suffix('\n')?).ok())
            .collect()
    }

    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "{what}: never; it printed {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

const MADE_UP: &str = "test.made_up_v1";

#[test]
fn events() {
    let bench = Bench::start();
    let app = bench.ready("app_id").to_owned();
    assert_eq!(bench.good(&["event", "list"]), "");
    // Standard output stays empty for programs; people are told.
    let empty = Command::new(binary())
        .args(["event", "list", "--data", path(&bench.data())])
        .output()
        .expect("it runs");
    assert_eq!((empty.status.success(), &*empty.stderr), (true, &b"no events\n"[..]));
    let id = bench.good(&["event", "send", MADE_UP, r#"{"n":1}"#, "--raw"]).trim().to_owned();
    let listed = bench.good(&["event", "list"]);
    assert!(listed.starts_with(&id) && listed.contains(&app) && listed.lines().count() == 1, "{listed}");
    let shown = bench.json(&["event", "list", "--json", "--app", &app]);
    assert_eq!((&shown["event_id"], &shown["payload"]), (&json!(id), &json!({"n": 1})));
    assert_eq!(bench.good(&["event", "list", "--state", "dropped"]), "");
    let none = bench.good(&["event", "list", "--type", "im.message.receive_v1"]);
    assert!(
        none.starts_with(&format!("not sent to {app}: no_connection")) && none.lines().count() == 1,
        "{none}"
    );
    bench.refused(&["event", "list", "--type", MADE_UP], "5275400");
    bench.refused(&["event", "list", "--app", "cli_x"], "5275404");
    bench.refused(&["event", "send", MADE_UP, "{}"], "5275400");
    bench.refused(&["event", "send", MADE_UP, "{"], "the event is not JSON");

    let again = bench.good(&["event", "resend", &id, "--times", "3", "--fresh-id", "--app", &app]);
    assert_eq!(again.lines().filter(|line| *line != id).count(), 3, "{again}");
    assert_eq!(bench.good(&["event", "resend", &id]).trim(), id);
    assert_eq!(bench.good(&["event", "list", "--limit", "4"]).lines().count(), 4);
    bench.refused(&["event", "resend", "unknown"], "5275404");

    // It is not among the events of the first page.
    let older = bench.good(&["event", "send", "im.message.receive_v1", "{}", "--raw"]);
    for _ in 0..6 {
        bench.good(&["event", "resend", &id, "--times", "100", "--fresh-id"]);
    }
    let found = bench.good(&["event", "list", "--type", "im.message.receive_v1"]);
    assert!(found.starts_with(older.trim()), "{found}");

    let receiver = Receiver::start();
    listen_by_webhook(&bench, &receiver);
    let steps = bench.good(&["event", "challenge"]);
    assert!(
        steps.starts_with(&receiver.url()) && steps.lines().skip(1).all(|line| line.ends_with(" ok")),
        "{steps}"
    );
    receiver.answer(Manner::With("500 Internal Server Error", String::new()));
    bench.refused(&["event", "challenge", "--app", &app], "the URL is not verified");
    bench.refused(&["event", "challenge", "--app", "cli_x"], "5275404");
}

/// Has the demo app receive events by webhook.
fn listen_by_webhook(bench: &Bench, receiver: &Receiver) {
    let app = format!("app_id={}", bench.ready("app_id"));
    let body = json!({"mode": "webhook", "request_url": receiver.url()}).to_string();
    bench.call("larkspur.v1.app.events.put", &["--path", &app, "--body", &body]);
}

#[test]
fn events_are_followed() {
    let bench = Bench::start();
    let poor = bench.call("larkspur.v1.app.create", &["--body", r#"{"scopes":["im:chat"]}"#]);
    let poor = poor["app_id"].as_str().expect("an app").to_owned();
    // Before there is an event, the apps that are not told are named once.
    let silent = bench.follow(&["event", "list", "--follow", "--type", "im.message.receive_v1"]);
    let first = bench.good(&["event", "send", MADE_UP, r#"{"n":0}"#, "--raw"]).trim().to_owned();
    let waits = || bench.json(&["event", "list", "--json"])["attempt_count"] == 1;
    let began = Instant::now();
    while !waits() {
        assert!(began.elapsed() < PATIENCE, "it is not tried");
    }
    let all = bench.follow(&["event", "list", "--follow", "--json", "--limit", "1"]);
    let delivered = bench.follow(&["event", "list", "--follow", "--json", "--state", "delivered"]);
    all.until("the event that was there", || all.lines().len() == 1);
    assert_eq!((&all.lines()[0]["event_id"], &all.lines()[0]["state"]), (&json!(first), &json!("waiting")));
    // More than the last 50 at once.
    for _ in 0..2 {
        bench.good(&["event", "resend", &first, "--times", "100", "--fresh-id"]);
    }
    let ids = || {
        let mut ids: Vec<String> = all.lines().iter().map(|event| event["event_id"].to_string()).collect();
        ids.sort();
        ids.dedup();
        ids.len()
    };
    all.until("a burst of 200", || ids() == 201);
    // The first one is far from the last ones, and has another state now.
    let receiver = Receiver::start();
    listen_by_webhook(&bench, &receiver);
    let is_told = |follower: &Follower| {
        follower
            .lines()
            .iter()
            .any(|event| event["event_id"] == first.as_str() && event["state"] == "delivered")
    };
    // Later than any retry that it may wait for.
    bench.good(&["world", "clock", "+2h"]);
    all.until("an older event that changed", || is_told(&all));
    delivered.until("an older event that came into the state", || is_told(&delivered));
    assert!(delivered.lines().iter().all(|event| event["state"] == "delivered"), "{}", delivered.said());
    let said = silent.said();
    assert_eq!(said.matches("not sent to ").count(), said.lines().count(), "{said}");
    assert_eq!(said.matches(&format!("not sent to {poor}: no_scope")).count(), 1, "{said}");
}

#[test]
fn calls_and_scopes() {
    let bench = Bench::start();
    let tag = |name: &str| {
        let body = json!({"create_tag": {"tag_type": "tenant", "name": name}}).to_string();
        bench.call("im.v2.tag.create", &["--body", &body]);
    };
    tag("one");
    tag("two");
    let tail = |more: &[&str]| bench.good(&[&["traffic", "tail", "--no-follow"], more].concat());
    let ids: Vec<String> = tail(&["--json", "--operation", "im.v2.tag.*"])
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("JSON")["log_id"].as_str().expect("an id").to_owned()
        })
        .collect();
    let table = tail(&["--filter", "body.create_tag.name=two", "--outcome", "ok", "--code", "0"]);
    assert!(ids.len() == 2 && table.starts_with(&ids[1]) && table.lines().count() == 1, "{ids:?} {table}");
    assert_eq!(tail(&["--last", "1"]).lines().count(), 1);
    bench.refused(&["traffic", "tail", "--no-follow", "--filter", "x"], "\"x\" is not NAME=VALUE");
    bench.refused(&["traffic", "tail", "--no-follow", "--filter", "x=y"], "5275400");
    let changes = bench.good(&["traffic", "diff", &ids[0], &ids[1]]);
    assert!(changes.contains("create_tag.name: \"one\" -> \"two\""), "{changes}");
    assert_eq!(bench.good(&["traffic", "diff", &ids[0], &ids[0]]), "no difference\n");
    bench.refused(&["traffic", "diff", &ids[0], "unknown"], "5275404");
    let follower = bench.follow(&["traffic", "tail", "--operation", "im.v2.tag.create", "--json"]);
    follower.until("the last calls", || follower.lines().len() == 2);
    tag("three");
    follower.until("a new call", || follower.lines().len() == 3);

    let app = bench.ready("app_id").to_owned();
    let table = bench.good(&["scopes"]);
    assert!(table.lines().any(|line| line.starts_with("used ") && line.contains("im:tag:write")), "{table}");
    assert!(table.contains("minimal for tenant: im:tag:write"), "{table}");
    assert_eq!(bench.good(&["scopes", &app]), table);
    let manifest = bench.json(&["scopes", &app, "--manifest"]);
    assert_eq!(manifest, json!({"scopes": {"tenant": ["im:tag:write"], "user": []}}));
    assert!(bench.json(&["scopes", "--json"])["scopes"].is_array());
    bench.refused(&["scopes", "cli_x"], "5275404");
}

#[test]
fn faults() {
    let bench = Bench::start();
    assert_eq!(bench.good(&["fault", "list"]), "");
    let added =
        bench.good(&["fault", "add", r#"{"match":{"operation":"im.v2.*"},"effect":{"delay":{"ms":1}}}"#]);
    let id = added.split_whitespace().next().expect("an id").to_owned();
    assert!(added.contains(r#"{"operation":"im.v2.*"}"#) && added.ends_with("0 of 0 calls\n"), "{added}");
    let preset = bench.good(&["fault", "preset", "token-dropped", "--times", "1"]);
    let list = bench.good(&["fault", "list"]);
    assert_eq!(list, format!("{preset}{added}"), "the last one is the first");
    bench.refused(&["fault", "add", "{"], "the rule is not JSON");
    bench.refused(&["fault", "add", r#"{"effect":{}}"#], "5275400");
    bench.refused(&["fault", "preset", "unheard-of"], "5275400");
    bench.refused(&["fault", "clear", "unknown"], "5275404");
    assert_eq!(bench.good(&["fault", "clear", &id]), "");
    assert_eq!(bench.good(&["fault", "list"]), preset);
    assert_eq!(bench.good(&["fault", "clear"]), "");
    assert_eq!(bench.good(&["fault", "list"]), "");
    bench.refused(&["fault", "list", "--tenant", "unknown"], "5275404");
}

#[test]
fn worlds() {
    let bench = Bench::start();
    let own = bench.ready("tenant_key").to_owned();
    let list = bench.good(&["world", "list"]);
    assert!(list.starts_with(&own) && list.contains("+0:00:00"), "{list}");
    bench.refused(&["world", "list", "--token", "wrong"], "refused with HTTP");

    let made = bench.good(&["world", "new", "second"]);
    for name in ["tenant_key", "app_id", "app_secret", "chat_id"] {
        assert!(made.lines().any(|line| line.starts_with(name)), "{made}");
    }
    let empty = bench.json(&["world", "new", "third", "--empty", "--json"]);
    let empty = empty["tenant_key"].as_str().expect("a tenant").to_owned();
    bench.refused(&["world", "new", &"x".repeat(1000)], "5275400");
    let cloned = bench.good(&["world", "clone", "copy"]);
    assert!(cloned.contains(" IDs are new: --json lists them"), "{cloned}");
    let cloned = bench.json(&["world", "clone", "--json"]);
    assert!(cloned["ids"][&own].is_string(), "{cloned}");
    bench.refused(&["world", "clone", "--snapshot", "unknown"], "5275404");
    let names = bench.json(&["world", "list", "--json"]);
    let names: Vec<&str> = names["worlds"]
        .as_array()
        .expect("worlds")
        .iter()
        .filter_map(|world| world["name"].as_str())
        .collect();
    assert!(["second", "third", "copy", "world"].iter().all(|name| names.contains(name)), "{names:?}");
    assert_eq!(bench.good(&["world", "delete", &empty]), "");
    bench.refused(&["world", "delete", &empty], "5275404");
    bench.refused(&["world", "clock", "--world", &empty], "5275404");

    assert_eq!(bench.good(&["world", "clock"]), "+0:00:00\n");
    assert_eq!(bench.good(&["world", "clock", "+2h"]), "+2:00:00\n");
    assert_eq!(bench.json(&["world", "clock", "-30m", "--json"])["clock_offset_ms"], 5_400_000);
    assert_eq!(bench.good(&["world", "clock", "0"]), "+0:00:00\n");
    bench.refused(&["world", "clock", "soon"], "soon is not a span of time");
}

#[test]
fn states_of_worlds() {
    let bench = Bench::start();
    let tag = |name: &str| {
        let body = json!({"create_tag": {"tag_type": "tenant", "name": name}}).to_string();
        bench.call("im.v2.tag.create", &["--body", &body]);
    };
    let differs =
        |from: &str| bench.good(&["world", "diff", from]).lines().any(|line| line.starts_with("+ tag "));
    let saved = bench.good(&["world", "snapshot", "one", "--note", "a note"]);
    assert!(saved.starts_with("one") && saved.contains(" rows") && saved.ends_with("a note\n"), "{saved}");
    assert_eq!(bench.json(&["world", "snapshot", "two", "--json"])["name"], "two");
    let list = bench.good(&["world", "snapshot"]);
    assert!(["one", "two"].iter().all(|name| list.lines().any(|line| line.starts_with(name))), "{list}");
    bench.refused(&["world", "snapshot", "@x"], "5275400");
    let file = bench.home.path().join("one.snapshot");
    assert_eq!(bench.good(&["world", "snapshot", "one", "--to", path(&file)]), "");
    assert!(bench.good(&["world", "snapshot", "three", "--from", path(&file)]).starts_with("three"));
    bench.refused(&["world", "snapshot", "four", "--from", path(Path::new("/nowhere"))], "/nowhere");
    assert_eq!(bench.good(&["world", "snapshot", "two", "--delete"]), "");
    bench.refused(&["world", "snapshot", "two", "--delete"], "5275404");

    assert!(!differs("one"));
    tag("later");
    bench.good(&["world", "clock", "+1h"]);
    assert!(differs("one"));
    assert!(bench.json(&["world", "diff", "one", "now", "--json"])["tables"].is_array());
    bench.refused(&["world", "diff", "two"], "5275404");
    let done = bench.good(&["world", "restore", "one", "--keep-clock"]);
    assert!(done.starts_with("one: ") && done.contains(" rows written, "), "{done}");
    assert!(!differs("one"));
    assert!(bench.good(&["world", "clock"]).starts_with("+1:"), "it is kept");
    assert_eq!(bench.json(&["world", "restore", "three", "--json"])["name"], "three");
    assert!(bench.good(&["world", "clock"]).starts_with("+0:00"), "it is put back");
    bench.refused(&["world", "restore", "two"], "5275404");
    tag("later");
    let done = bench.good(&["world", "reset"]);
    assert!(done.contains(" rows written, ") && !differs("one"), "{done}");
    assert!(bench.json(&["world", "reset", "--to", "one", "--json"])["deleted"].is_number());
    bench.refused(&["world", "reset", "--to", "two"], "5275404");
    assert_eq!(bench.good(&["world", "reset", "--to", "empty"]).lines().count(), 1);
}

/// Commands that list what a world has, each with a text that its list has.
const LISTS: [(&str, &str); 7] = [
    ("traffic tail --no-follow", "im.v2.tag"),
    ("event list", "waiting"),
    ("fault list", "0 of 0 calls"),
    ("scopes", "im:tag"),
    ("world list", "+0:00:00"),
    ("world snapshot", "saved"),
    ("chat show", "a long text"),
];

#[test]
fn lists_fit_the_terminal_and_have_colors_there_alone() {
    let bench = Bench::start();
    let chat = bench.ready("chat_id").to_owned();
    bench.call("im.v2.tag.create", &["--body", r#"{"create_tag":{"tag_type":"tenant","name":"one"}}"#]);
    let refused = bench.run(&["call", "im.v2.tag.create", "--body", "{}"]);
    assert!(refused.is_err(), "{refused:?}");
    bench.good(&["event", "send", MADE_UP, r#"{"n":1}"#, "--raw"]);
    let long = r#"{"match":{"operation":"im.v1.message.create","path":"/open-apis/im/v1/messages"},"effect":{"refuse":{"code":99991400,"reset_s":7}}}"#;
    bench.good(&["fault", "add", long]);
    bench.good(&["world", "snapshot", "saved", "--note", &"a long note ".repeat(8)]);
    bench.good(&["chat", "say", &chat, &"a long text ".repeat(12), "--as", "ada"]);
    let (program, data) = (binary(), bench.data());
    for (list, part) in LISTS {
        let list = if list == "chat show" { format!("{list} {chat}") } else { list.to_owned() };
        let command = format!("{} {list} --data {}", path(&program), path(&data));
        for columns in [60, 100] {
            let shown = on_terminal(columns, &command);
            assert!(longest(&shown) <= columns, "{list}: {} of {columns}: {shown}", longest(&shown));
            assert!(shown.contains("\u{1b}["), "{list}: {shown:?}");
            for gray in ["NO_COLOR=1", "TERM=dumb"] {
                let shown = on_terminal(columns, &format!("{gray} {command}"));
                assert!(!shown.contains('\u{1b}') && longest(&shown) <= columns, "{gray} {list}: {shown:?}");
            }
        }
        let shown = uncolored(&on_terminal(160, &command));
        assert!(shown.contains(part), "{list}: {shown}");
        let piped = bench.good(&list.split(' ').collect::<Vec<_>>());
        assert!(piped.contains(part), "{list}: {piped}");
        assert!(!piped.contains(['\u{1b}', '…']), "{list}: {piped}");
    }
    // Whole, and without the heads that a terminal gets.
    let piped = bench.good(&["fault", "list"]);
    assert!(piped.contains(r#""path":"/open-apis/im/v1/messages"}  {"refuse":{"#), "{piped}");
    let narrow = on_terminal(100, &format!("{} fault list --data {}", path(&program), path(&data)));
    assert!(narrow.contains('…') && narrow.contains("0 of 0 calls"), "{narrow}");
    assert!(bench.good(&["world", "list"]).starts_with(bench.ready("tenant_key")));
    let shown =
        on_terminal(160, &format!("{} traffic tail --no-follow --data {}", path(&program), path(&data)));
    for colored in ["\u{1b}[32mok", "\u{1b}[31mrefused"] {
        assert!(shown.contains(colored), "{colored:?}: {shown:?}");
    }
}

#[test]
fn answers_as_json() {
    let bench = Bench::start();
    for name in ["one", "two"] {
        let body = json!({"create_tag": {"tag_type": "tenant", "name": name}}).to_string();
        bench.call("im.v2.tag.create", &["--body", &body]);
    }
    let lines = |arguments: &[&str]| -> Vec<Value> {
        let text = bench.good(arguments);
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    };
    let calls = lines(&["traffic", "tail", "--no-follow", "--json", "--operation", "im.v2.tag.create"]);
    let ids: Vec<&str> = calls.iter().filter_map(|call| call["log_id"].as_str()).collect();
    let rule = r#"{"name":"slow","match":{"operation":"im.v2.*"},"effect":{"delay":{"ms":1}}}"#;
    let receiver = Receiver::start();
    listen_by_webhook(&bench, &receiver);
    let sent = bench.json(&["event", "send", MADE_UP, r#"{"n":1}"#, "--raw", "--json"]);
    let event = sent["event_id"].as_str().expect("an id").to_owned();
    let added = bench.json(&["fault", "add", rule, "--json"]);
    assert_eq!(added["name"], "slow");
    let fault = added["id"].as_str().expect("an id").to_owned();
    for (arguments, member) in [
        (&["traffic", "show", ids[0]][..], "request"),
        (&["traffic", "diff", ids[0], ids[1]], "changes"),
        (&["traffic", "replay", ids[0]], "changes"),
        (&["traffic", "export", ids[0], "--as", "curl"], "text"),
        (&["event", "resend", &event], "event_ids"),
        (&["event", "challenge"], "steps"),
        (&["fault", "preset", "token-dropped"], "effect"),
        (&["fault", "list"], "faults"),
        (&["fault", "clear", &fault], ""),
        (&["fault", "clear"], ""),
        (&["scopes"], "scopes"),
        (&["world", "list"], "worlds"),
        (&["world", "snapshot", "saved"], "rows"),
        (&["world", "snapshot"], "snapshots"),
        (&["world", "diff", "saved"], "tables"),
        (&["world", "snapshot", "saved", "--delete"], ""),
    ] {
        let answer = bench.json(&[arguments, &["--json"]].concat());
        assert!(
            answer.is_object() && (member.is_empty() || !answer[member].is_null()),
            "{arguments:?}: {answer}"
        );
    }
    let world = bench.json(&["world", "new", "--empty", "--json"]);
    let key = world["tenant_key"].as_str().expect("a tenant").to_owned();
    assert!(bench.json(&["world", "delete", &key, "--json"]).is_object());
    assert!(!lines(&["event", "list", "--json"]).is_empty());
    let chat = bench.ready("chat_id").to_owned();
    bench.good(&["chat", "say", &chat, "hello", "--as", "ada"]);
    assert_eq!(lines(&["chat", "show", &chat, "--json"]).len(), 1);
    bench.refused(&["traffic", "show", "unknown", "--json"], "5275404");
}
