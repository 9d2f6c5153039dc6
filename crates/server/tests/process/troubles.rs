//! Conditions that alert operators: a log that cannot be written, an unavailable store, a process that is told to stop.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use larkspur_testkit::disk::SmallDisk;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::cluster::NO_SERVER;
use crate::support::cluster::{Cluster, sign_in};
use crate::support::program::{CONTROL_KEY, Client, Program, binary};

const PATIENCE: Duration = Duration::from_secs(20);
const READY: &str = "/larkspur/health/ready";
const LIVE: &str = "/larkspur/health/live";

/// Status and text of a status page.
fn ask(client: &mut Client, path: &str) -> (u16, String) {
    let (status, bytes) = client
        .send_bytes("", "GET", path, "text/plain", b"")
        .unwrap_or_else(|| panic!("no answer to {path}"));
    (status, String::from_utf8(bytes).expect("text"))
}

/// Waits until a condition is true.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: never");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A value of the metrics.
fn metric(client: &mut Client, name: &str) -> u64 {
    let text = client.text("/larkspur/metrics");
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    found.unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Every call is answered, refused ones too, and the process exits with 0.
fn serves_as_ever(program: Program, calls: usize, expects_loss: bool) {
    let mut client = program.client();
    let token = sign_in(&mut client, &program.ready);
    for number in 0..calls {
        let path = format!("/open-apis/im/v2/tags?ids={number}");
        let (status, answer) = client.send("t-nothing", "GET", &path, &Value::Null).expect("an answer");
        assert_eq!(status, 400, "{answer}");
    }
    // No server listens there; this is logged before it is recorded.
    let of = |name: &str| program.ready[name].as_str().expect("text").to_owned();
    let events = format!("/larkspur/v1/worlds/{}/apps/{}/events", of("tenant_key"), of("app_id"));
    let address = json!({"request_url": "http://127.0.0.1:1/"});
    assert_eq!(client.send(CONTROL_KEY, "PUT", &events, &address).expect("an answer").0, 200);
    until("what came of the event is written down", || {
        metric(&mut client, "larkspur_deliveries_total{outcome=\"dropped\"}") == 1
    });
    let tag = json!({"create_tag": {"tag_type": "tenant", "name": "a tag"}});
    client.call(&token, "POST", "/im/v2/tags", &tag).expect("done");
    assert_eq!(ask(&mut client, READY), (200, "ready\n".to_owned()));
    if expects_loss {
        until("lines are lost", || metric(&mut client, "larkspur_log_lines_dropped_total") > 0);
    }
    drop(client);
    let mut client = program.client();
    until("the others have left", || metric(&mut client, "larkspur_connections") == 1);
    program.terminate();
    let (status, _) = program.wait();
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn a_log_that_cannot_be_written_costs_no_answer() {
    for (redirection, expects_loss) in [("exec 2>/dev/full;", true), ("exec 2>&-;", false)] {
        let directory = TempDir::new().expect("a directory");
        serves_as_ever(Program::start_with(&directory.path().join("data"), redirection), 50, expects_loss);
    }
}

#[test]
fn nor_does_a_log_that_is_not_read_or_whose_reader_is_gone() {
    for reads in [true, false] {
        let directory = TempDir::new().expect("a directory");
        let pipe = directory.path().join("log");
        larkspur_testkit::run("mkfifo", &[pipe.to_str().expect("text")]);
        // Opened for reading and writing, so that opening does not block.
        let end = OpenOptions::new().read(true).write(true).open(&pipe).expect("a pipe");
        let redirection = format!("exec 2>{};", pipe.display());
        let program = Program::start_with(&directory.path().join("data"), &redirection);
        if reads {
            drop(end);
            serves_as_ever(program, 50, true);
        } else {
            // The pipe takes 64 KiB, and the queue four thousand lines.
            serves_as_ever(program, 5000, true);
            drop(end);
        }
    }
}

#[test]
fn a_full_disk_that_has_both_log_and_data_costs_no_answer_and_readiness_says_so() {
    let directory = TempDir::new().expect("a directory");
    let disk = SmallDisk::new(6000);
    let (data, log) = (disk.folder().join("data"), disk.folder().join("log"));
    let place = ["--data".as_ref(), data.as_os_str()];
    let shell = format!("exec 2>{};", log.display());
    let program = Program::spawn_by(disk.command("sh"), directory.path(), &place, &shell).until_ready();
    let full = disk.of(program.id());
    let mut client = program.client();
    let token = sign_in(&mut client, &program.ready);
    let write = |client: &mut Client, name: &str| {
        let filler = "字".repeat(250);
        let names: Vec<Value> = (0..40).map(|n| json!({"locale": format!("l{n}"), "name": filler})).collect();
        let tag = json!({"tag_type": "tenant", "name": name, "i18n_names": names});
        let body = json!({"create_tag": tag});
        client.send(&token, "POST", "/open-apis/im/v2/tags", &body).expect("an answer").0
    };
    assert_eq!(write(&mut client, "before"), 200);
    assert_eq!(ask(&mut client, READY).0, 200);
    assert!(full.fill() > 0);
    let mut number = 0;
    until("there is no room", || {
        number += 1;
        write(&mut client, &format!("tag {number}")) == 503
    });
    for call in 0..200 {
        let path = format!("/open-apis/im/v2/tags?ids={call}");
        assert_eq!(client.send("t-nothing", "GET", &path, &Value::Null).expect("an answer").0, 400);
    }
    let (status, text) = ask(&mut client, READY);
    assert_eq!((status, text.as_str()), (503, "the store cannot be read and written\n"));
    assert_eq!(metric(&mut client, "larkspur_store_available"), 0);
    assert!(metric(&mut client, "larkspur_log_lines_dropped_total") > 0);
    assert_eq!(ask(&mut client, LIVE).0, 200);
    full.make_room();
    until("it is ready again", || ask(&mut client, READY).0 == 200);
    assert_eq!(write(&mut client, "after"), 200);
    assert!(full.fill() > 0);
    drop(client);
    program.terminate();
    let (status, _) = program.wait();
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn readiness_sees_files_that_are_gone_cut_off_or_locked() {
    let directory = TempDir::new().expect("a directory");
    let data = directory.path().join("data");
    let program = Program::start(&data);
    let mut client = program.client();
    assert_eq!(ask(&mut client, READY).0, 200);
    let (file, aside) = (data.join("larkspur.db"), data.join("aside.db"));
    fs::rename(&file, &aside).expect("moved");
    assert_eq!(ask(&mut client, READY).0, 503, "the file is gone");
    assert_eq!(ask(&mut client, LIVE).0, 200);
    fs::copy(&aside, &file).expect("copied");
    assert_eq!(ask(&mut client, READY).0, 503, "it is another file");
    fs::rename(&aside, &file).expect("moved");
    assert_eq!(ask(&mut client, READY).0, 200);
    let mut holder = Locking::of(&file);
    until("another program holds the database", || ask(&mut client, READY).0 == 503);
    holder.let_go();
    until("it is ready again", || ask(&mut client, READY).0 == 200);
    OpenOptions::new().write(true).open(&file).expect("opened").set_len(100).expect("cut off");
    assert_eq!(ask(&mut client, READY).0, 503, "it was cut off");
    let log = program.log();
    for why in ["is gone", "another file", "has become shorter"] {
        assert!(log.contains(why), "{why}: {log}");
    }
}

/// Another process that holds the write lock.
struct Locking(Child);

impl Locking {
    fn of(file: &Path) -> Self {
        let child = Command::new("sqlite3").arg(file).stdin(Stdio::piped()).spawn();
        let mut child = child.expect("this test needs the program `sqlite3`");
        let begin = b"PRAGMA busy_timeout = 5000;\nBEGIN IMMEDIATE;\n";
        child.stdin.as_mut().expect("a pipe").write_all(begin).expect("it listens");
        Locking(child)
    }

    fn let_go(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("it ends");
    }
}

impl Drop for Locking {
    fn drop(&mut self) {
        self.let_go();
    }
}

#[test]
fn a_second_signal_ends_the_lame_duck_time() {
    let directory = TempDir::new().expect("a directory");
    let settings = directory.path().join("settings.toml");
    fs::write(&settings, "[drain]\nlame_duck_seconds = 600\n").expect("written");
    let data = directory.path().join("data");
    let place = ["--data".as_ref(), data.as_os_str(), "--config".as_ref(), settings.as_os_str()];
    let mut program = Program::spawn_at(directory.path(), &place, "").until_ready();
    let mut client = program.client();
    let token = sign_in(&mut client, &program.ready);
    assert_eq!(ask(&mut client, READY), (200, "ready\n".to_owned()));
    program.terminate();
    until("it is not ready", || ask(&mut client, READY) == (503, "draining\n".to_owned()));
    client.call(&token, "GET", "/bot/v3/info", &Value::Null).expect("calls are answered");
    let mut other = program.client();
    other.call(&token, "GET", "/bot/v3/info", &Value::Null).expect("new connections, too");
    assert!(program.is_running());
    program.terminate();
    let (status, log) = program.wait();
    assert!(status.success() && log.contains("second signal: stopping at once"), "{status}: {log}");
}

#[test]
fn too_few_open_files_are_reported_at_start() {
    let directory = TempDir::new().expect("a directory");
    let program = Program::start_with(&directory.path().join("data"), "ulimit -n 400;");
    let mut idle = Vec::new();
    // More than may be open: health is answered all the same.
    for _ in 0..500 {
        idle.push(program.client());
        let _ = idle.last_mut().expect("just pushed").connect();
    }
    assert_eq!(ask(&mut program.client(), LIVE).0, 200);
    let log = program.log();
    assert!(log.contains("limit of open files is too low for limits.connections"), "{log}");
    assert!(!log.contains("cannot accept a connection"), "{log}");
}

/// A server that waits for a database, once it has reported where it listens.
fn waiting(place: &Path, url: &str) -> (Program, Client) {
    let program = Program::spawn_at(place, &["--store".as_ref(), url.as_ref()], "");
    let mut address = None;
    until("it says that it waits", || {
        let log = program.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut waits = lines.filter(|line| {
            line["message"].as_str().is_some_and(|message| message.starts_with("waiting for the store"))
        });
        address = waits.next().and_then(|line| Some(line["address"].as_str()?.to_owned()));
        address.is_some()
    });
    (program, Client::at(&format!("http://{}", address.expect("just found"))))
}

#[test]
fn a_server_waits_for_its_database_and_says_so() {
    let directory = TempDir::new().expect("a directory");
    let (program, mut client) = waiting(directory.path(), NO_SERVER);
    assert_eq!(ask(&mut client, LIVE), (200, "live\n".to_owned()));
    assert_eq!(ask(&mut client, READY), (503, "waiting for the store\n".to_owned()));
    assert_eq!(metric(&mut client, "larkspur_store_available"), 0);
    let (status, answer) =
        client.send("t-x", "GET", "/open-apis/bot/v3/info", &Value::Null).expect("an answer");
    assert_eq!((status, answer), (503, json!({"code": 5000, "msg": "internal error"})));
    assert_eq!(client.outcome.as_deref(), Some("none"));
    let log = program.log();
    assert!(log.contains("cannot connect to PostgreSQL") && !log.contains("hunter2"), "{log}");
    program.terminate();
    let (status, log) = program.wait();
    assert!(status.success(), "{status}: {log}");
}

#[test]
fn what_waiting_does_not_help_is_refused_at_once() {
    let output = Command::new(binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--store", "postgres://me@h1:port/x"])
        .env_clear()
        .output()
        .expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("not a PostgreSQL URL"), "{text}");
}

#[test]
fn migrating_waits_for_the_given_time() {
    let began = Instant::now();
    let output = Command::new(binary())
        .args(["migrate", "--wait", "2", "--store", NO_SERVER])
        .env_clear()
        .output()
        .expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("cannot connect to PostgreSQL"), "{text}");
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn a_server_comes_up_with_its_database() {
    let cluster = Cluster::new();
    cluster.database().stop();
    let directory = TempDir::new().expect("a directory");
    let (program, mut client) = waiting(directory.path(), &cluster.url());
    assert_eq!(ask(&mut client, READY).0, 503);
    let url = cluster.url();
    let migrating = thread::spawn(move || {
        Command::new(binary()).args(["migrate", "--wait", "60", "--store", &url]).env_clear().output()
    });
    thread::sleep(Duration::from_millis(500));
    cluster.database().restart();
    let output = migrating.join().expect("no panic").expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let program = program.until_ready();
    let mut client = program.client();
    assert_eq!(ask(&mut client, READY), (200, "ready\n".to_owned()));
    sign_in(&mut client, &program.ready);
    cluster.database().stop();
    until("it is not ready", || ask(&mut client, READY).0 == 503);
    cluster.database().restart();
    until("it is ready again", || ask(&mut client, READY).0 == 200);
}
