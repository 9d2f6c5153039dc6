//! Damaged stores, stores that cannot be written, and a database that is restarted under load.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::cluster::{Cluster, sign_in};
use crate::support::program::{Program, binary};

/// The error line of a program that cannot serve a place.
fn refusal(place: &Path) -> String {
    let beside = TempDir::new().expect("a directory");
    let (status, log) = Program::spawn_at(beside.path(), &["--data".as_ref(), place.as_ref()], "").wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
    log
}

#[test]
fn what_is_no_directory_to_write_to_is_refused_in_one_line() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("a file");
    for place in [file.as_path(), Path::new("/proc/self/larkspur")] {
        let said = refusal(place);
        assert!(said.contains(&place.display().to_string()) && said.contains("--data"), "{said}");
    }
    // File modes do not restrict root; every other user is refused.
    let closed = directory.path().join("closed");
    fs::create_dir(&closed).expect("a directory");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).expect("a mode");
    if fs::write(closed.join("probe"), "").is_err() {
        let said = refusal(&closed);
        assert!(said.contains("ermission") && said.contains("--data"), "{said}");
    }
}

/// Overwrites pages of a database, starting with this one.
fn damage(data: &Path, first: u64) {
    let file = OpenOptions::new().write(true).open(data.join("larkspur.db")).expect("the database");
    let pages = file.metadata().expect("its size").len() / 4096;
    assert!(pages > first + 10, "{pages} pages");
    for page in first..pages {
        file.write_all_at(&[0xA5; 4096], page * 4096).expect("room");
    }
}

/// The output of `larkspur check`, and whether it finds the data sound.
fn check(data: &Path) -> (bool, String) {
    let output = Command::new(binary()).arg("check").arg("--data").arg(data).env_clear().output();
    let output = output.expect("it runs");
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn damaged_data_are_told_and_never_served_as_if_they_were_sound() {
    let directory = TempDir::new().expect("a directory");
    let data = directory.path().join("data");
    let program = Program::start(&data);
    let world = program.ready.clone();
    program.terminate();
    assert!(program.wait().0.success());
    assert!(check(&data).0, "sound so far");

    // The head of the file is lost, and with it everything.
    let headless = directory.path().join("headless");
    copy(&data, &headless);
    damage(&headless, 0);
    let said = refusal(&headless);
    assert!(said.contains("larkspur check") && said.contains("not a database"), "{said}");
    let (sound, said) = check(&headless);
    assert!(!sound && said.contains("restore a backup"), "{said}");

    // What the program reads at its start is intact, the rest is not: it must not answer with a success.
    let torn = directory.path().join("torn");
    copy(&data, &torn);
    damage(&torn, 20);
    let (sound, said) = check(&torn);
    assert!(!sound && said.contains("restore a backup"), "{said}");
    let mut program = Program::spawn(&torn, "");
    let began = Instant::now();
    while program.is_running() && !program.is_ready() && began.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(5));
    }
    if !program.is_running() {
        let (status, log) = program.wait();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains("larkspur check") && log.lines().count() == 1, "{log}");
        return;
    }
    let program = program.until_ready();
    let mut client = program.client();
    let body = json!({"app_id": world["app_id"], "app_secret": world["app_secret"]});
    for _ in 0..3 {
        let path = "/open-apis/auth/v3/tenant_access_token/internal";
        let (status, answer) = client.send("", "POST", path, &body).expect("an answer");
        assert!(status >= 500 && answer["code"] != 0, "{status} {answer}");
    }
    assert!(!program.log().contains("panicked"), "{}", program.log());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a directory");
    for file in fs::read_dir(from).expect("a directory") {
        let file = file.expect("a file");
        fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
    }
}

#[test]
fn a_database_that_is_restarted_under_load_loses_nothing_that_was_acknowledged() {
    const WRITERS: usize = 6;
    let cluster = Cluster::new();
    let one = cluster.spawn().until_ready();
    let two = cluster.spawn().until_ready();
    let world = [&one.ready, &two.ready].into_iter().find(|ready| ready["app_id"].is_string());
    let world = world.cloned().expect("one of them made the demo world");
    let token = sign_in(&mut one.client(), &world);
    let (ending, ledger) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    // Refused calls whose answer promised that they had no effect.
    let undone = Mutex::new(Vec::new());
    let (mut refused, mut after) = (0, 0);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let mut client = if writer % 2 == 0 { one.client() } else { two.client() };
                let (token, ending, ledger, undone) = (&token, &ending, &ledger, &undone);
                scope.spawn(move || {
                    let (mut number, mut refused, mut since) = (0, 0, 0);
                    while !ending.load(Ordering::SeqCst) {
                        number += 1;
                        let name = format!("{writer} {number}");
                        let body = json!({"create_tag": {"tag_type": "tenant", "name": name}});
                        let (status, answer) =
                            client.send(token, "POST", "/open-apis/im/v2/tags", &body).expect("an answer");
                        match (status, answer["code"].as_i64()) {
                            (200, Some(0)) => {
                                let id = answer["data"]["id"].as_str().expect("an id").to_owned();
                                ledger.lock().expect("no panic").push((id, name));
                                since += 1;
                            }
                            (503, Some(5000)) => {
                                (refused, since) = (refused + 1, 0);
                                match client.outcome.as_deref() {
                                    Some("none") => undone.lock().expect("no panic").push(name),
                                    outcome => assert_eq!(outcome, Some("unknown")),
                                }
                            }
                            _ => panic!("{status} {answer}"),
                        }
                    }
                    (refused, since)
                })
            })
            .collect();
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(400));
            cluster.database().restart();
        }
        thread::sleep(Duration::from_millis(1500));
        ending.store(true, Ordering::SeqCst);
        for writer in writers {
            let (no, yes) = writer.join().expect("no panic");
            refused += no;
            after += usize::from(yes > 0);
        }
    });
    let ledger = ledger.into_inner().expect("no panic");
    assert!(refused > 0, "no caller noticed: this tested nothing");
    assert_eq!(after, WRITERS, "each writes again, without help");
    assert!(ledger.len() > WRITERS * 3, "{}", ledger.len());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let there = runtime.block_on(cluster.database().run("postgres", "SELECT name FROM tag"));
    let undone = undone.into_inner().expect("no panic");
    assert!(!undone.is_empty(), "every refusal left a doubt");
    for name in &undone {
        assert!(!there.contains(name), "{name} was done, though its answer said that it was not");
    }
    let mut client = two.client();
    for some in ledger.chunks(40) {
        let ids: Vec<String> = some.iter().map(|(id, _)| format!("ids={id}")).collect();
        let path = format!("/im/v2/tags?{}", ids.join("&"));
        let answer = client.call(&token, "GET", &path, &Value::Null).expect("an answer");
        let found = answer["data"]["tag_infos"].as_array().cloned().unwrap_or_default();
        for (id, name) in some {
            let tag = found.iter().find(|tag| tag["id"] == id.as_str());
            let tag =
                tag.unwrap_or_else(|| panic!("{id} {name} was acknowledged and is not there: {answer}"));
            assert_eq!(tag["name"], name.as_str());
        }
    }
}
