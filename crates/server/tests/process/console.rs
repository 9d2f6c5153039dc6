//! The console of the program: the links that it prints, the addresses that it refuses, and its end with open pages.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{CONTROL_KEY, Program, binary};

const SESSION: &str = "/larkspur/console/session";

/// One request on a connection of its own: the whole answer.
fn ask(address: &str, head: &str, body: &str) -> String {
    let mut stream = open(address, head, body);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Sends a request; its answer is still to be read.
fn open(address: &str, head: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let length = body.len();
    let text =
        format!("{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).expect("sent");
    stream
}

/// The cookie of a fresh session.
fn sign_in(address: &str, link: &str) -> String {
    let (page, secret) = link.trim().split_once("#login=").expect("a link");
    assert_eq!(page, format!("http://{address}/larkspur/console"));
    let answer = ask(address, &format!("POST {SESSION} HTTP/1.1"), &json!({"link": secret}).to_string());
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (_, rest) = answer.split_once("Set-Cookie: ").expect("a cookie");
    rest.split(';').next().expect("a pair").to_owned()
}

/// Runs a command to its end.
fn larkspur(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().current_dir(home).stdin(Stdio::null());
    command.output().expect("it runs")
}

fn address(program: &Program) -> String {
    program.ready["base_url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("http").to_owned()
}

/// A program with flags of its own alone. Dropping it kills it.
struct Other {
    child: Child,
    address: String,
}

impl Other {
    fn start(home: &Path, flags: &[&str]) -> Other {
        let ready = home.join("other.json");
        let mut command = Command::new(binary());
        command.args(["serve", "--data", "data", "--ready-file", "other.json"]).args(flags);
        command
            .env_clear()
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut other = Other { child: command.spawn().expect("it runs"), address: String::new() };
        let began = Instant::now();
        while !ready.exists() {
            let ended = other.child.try_wait().expect("a child to ask");
            assert!(ended.is_none() && began.elapsed() < Duration::from_secs(20), "not ready: {ended:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        let text = fs::read_to_string(ready).expect("a ready file");
        let ready: Value = serde_json::from_str(&text).expect("JSON");
        let url = ready["base_url"].as_str().expect("a URL");
        other.address = url.strip_prefix("http://").expect("http").to_owned();
        other
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn the_command_prints_a_fresh_link_each_time() {
    let home = TempDir::new().expect("a directory");
    let data = home.path().join("data");
    let program = Program::start_at(&data, &[]);
    let address = address(&program);
    let link = || {
        let output = larkspur(home.path(), &["console", "--data", "data"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let (first, second) = (link(), link());
    assert_ne!(first, second);
    sign_in(&address, &first);
    let cookie = sign_in(&address, &second);
    // A restart with the same key keeps the session, and another key ends it.
    let listed =
        |address: &str| ask(address, &format!("GET /larkspur/v1/worlds HTTP/1.1\r\nCookie: {cookie}"), "");
    program.terminate();
    assert!(program.wait().0.success());
    let again = Program::start_at(&data, &[]);
    let answer = listed(&self::address(&again));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // No link and no session is in the log.
    let log = again.log();
    let secret = second.trim().split("#login=").nth(1).expect("a secret");
    assert!(!log.contains(secret) && !log.contains(&cookie), "{log}");
    again.kill();
    let other =
        Other::start(home.path(), &["--listen", "127.0.0.1:0", "--control-key", "another-control-key"]);
    let answer = listed(&other.address);
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("5275417"), "{answer}");
}

#[test]
fn three_open_pages_do_not_hold_the_end() {
    let home = TempDir::new().expect("a directory");
    let program = Program::start_at(&home.path().join("data"), &[]);
    let address = address(&program);
    let link = larkspur(home.path(), &["console", "--data", "data", "--token", CONTROL_KEY]);
    let cookie = sign_in(&address, std::str::from_utf8(&link.stdout).expect("text"));
    let world = program.ready["tenant_key"].as_str().expect("a world");
    let head = format!(
        "GET /larkspur/v1/worlds/{world}/stream HTTP/1.1\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\nAccept: text/event-stream"
    );
    let mut streams: Vec<TcpStream> = (0..3).map(|_| open(&address, &head, "")).collect();
    for stream in &mut streams {
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).expect("a head");
        let text = String::from_utf8_lossy(&bytes[..read]);
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("text/event-stream"), "{text}");
    }
    let began = Instant::now();
    program.terminate();
    let (status, log) = program.wait();
    assert!(status.success() && began.elapsed() < Duration::from_secs(1), "{:?}: {log}", began.elapsed());
    for stream in &mut streams {
        stream.read_to_end(&mut Vec::new()).expect("an end, not a reset");
    }
}

#[test]
fn files_of_a_folder_are_served_as_they_are_now() {
    let home = TempDir::new().expect("a directory");
    let folder = home.path().join("page");
    fs::create_dir_all(folder.join("lib")).expect("made");
    fs::write(folder.join("index.html"), "one").expect("written");
    fs::write(folder.join("lib/a.js"), "a").expect("written");
    fs::write(home.path().join("secret.js"), "secret").expect("written");
    fs::write(folder.join(".hidden.js"), "secret").expect("written");
    let shown = folder.to_str().expect("UTF-8");
    let program = Program::start_at(&home.path().join("data"), &["--console-dir", shown]);
    let address = address(&program);
    let get = |path: &str| ask(&address, &format!("GET /larkspur/console{path} HTTP/1.1"), "");
    assert!(get("").ends_with("\r\n\r\none"));
    fs::write(folder.join("index.html"), "two").expect("written");
    assert!(get("").ends_with("\r\n\r\ntwo"));
    assert!(get("/lib/a.js").contains("Content-Type: text/javascript; charset=utf-8\r\n"));
    for path in [
        "/../secret.js",
        "/%2e%2e/secret.js",
        "/..%2fsecret.js",
        "/lib/../../secret.js",
        "/.hidden.js",
        "/lib",
        "/no.js",
    ] {
        let answer = get(path);
        assert!(answer.starts_with("HTTP/1.1 404 ") && !answer.contains("secret"), "{path}: {answer}");
    }
}

/// The error of a start that fails.
fn start_refused(flags: &[&str]) -> String {
    let home = TempDir::new().expect("a directory");
    let output = larkspur(home.path(), &[&["serve", "--memory"], flags].concat());
    assert!(!output.status.success(), "it started with {flags:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn other_machines_reach_no_folder_and_no_console_without_encryption() {
    let why = start_refused(&["--listen", "0.0.0.0:0", "--console-dir", "."]);
    assert!(why.contains("--console-dir serves files of this machine"), "{why}");
    let why = start_refused(&["--listen", "127.0.0.1:0", "--console-dir", "./nothing"]);
    assert!(why.contains("./nothing is not a folder"), "{why}");
    let home = TempDir::new().expect("a directory");
    let settings = home.path().join("settings.toml");
    fs::write(&settings, "[console]\nserve = \"on\"").expect("written");
    let file = settings.to_str().expect("UTF-8");
    let why = start_refused(&["--listen", "0.0.0.0:0", "--config", file]);
    assert!(why.contains("[console] serve") && why.contains("https://"), "{why}");
}

#[test]
fn off_loopback_the_key_is_the_only_way_in() {
    let home = TempDir::new().expect("a directory");
    let settings = home.path().join("settings.toml");
    fs::write(&settings, "[console]\nserve = \"on\"\nurl = \"https://larkspur.example.com\"")
        .expect("written");
    let file = settings.to_str().expect("UTF-8");
    let flags = ["--listen", "0.0.0.0:0", "--control-key", "a-long-control-key", "--config", file];
    let program = Other::start(home.path(), &flags);
    let address = &program.address;
    let refused = larkspur(home.path(), &["console", "--data", "data"]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && why.contains("no link: HTTP 404"), "{why}");
    let page = ask(address, "GET /larkspur/console HTTP/1.1", "");
    assert!(page.starts_with("HTTP/1.1 421 "), "{page}");
    let mut stream = TcpStream::connect(address).expect("connected");
    let body = json!({"key": "a-long-control-key"}).to_string();
    let head = format!(
        "POST {SESSION} HTTP/1.1\r\nHost: larkspur.example.com\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("Set-Cookie: __Host-lk_"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let shown: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(shown["mode"], "production");
}
