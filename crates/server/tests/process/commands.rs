//! The program on the command line: its output, its refusals, and their words.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use larkspur_testkit::run;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{Program, binary};

/// Runs a command; returns its output, or its error text.
fn larkspur(arguments: &[&str]) -> Result<String, String> {
    with(arguments, &[], b"")
}

/// As [`larkspur`], with variables and an input.
pub(crate) fn with(arguments: &[&str], variables: &[(&str, &str)], input: &[u8]) -> Result<String, String> {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().envs(variables.iter().copied());
    outcome(command, input)
}

fn outcome(mut command: Command, input: &[u8]) -> Result<String, String> {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("it runs");
    // A command that does not read its input has closed it.
    drop(child.stdin.take().expect("a pipe").write_all(input));
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A server whose standard output is kept. Dropping it kills it.
struct Served {
    child: Child,
    said: PathBuf,
    ready: PathBuf,
}

impl Served {
    fn start(home: &Path, variables: &[(&str, &str)]) -> Served {
        let (said, ready) = (home.join("said.txt"), home.join("data/ready.json"));
        let child = Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(home.join("data"))
            .env_clear()
            .envs(variables.iter().copied())
            .stdout(fs::File::create(&said).expect("a file"))
            .stderr(fs::File::create(home.join("log.txt")).expect("a file"))
            .spawn()
            .expect("it runs");
        let served = Served { child, said, ready };
        let began = Instant::now();
        // The last line of its greeting.
        while !served.said().contains("\ncurl ") {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", served.said());
            std::thread::sleep(Duration::from_millis(5));
        }
        served
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    fn ready(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(&self.ready).expect("there")).expect("JSON")
    }

    fn end(mut self) {
        run("sh", &["-c", &format!("kill -TERM {}", self.child.id())]);
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The variables that the examples of a README read and do not set. Blocks of `text` are output.
fn variables_of(page: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
    let page = fs::read_to_string(file).expect("a page");
    let blocks = page.split("\n```").skip(1).step_by(2).filter(|block| !block.starts_with("text"));
    let text: String = blocks.collect();
    let names = text.split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_'));
    let known = |name: &&str| {
        // What starts like the use of a variable in Python, in a shell, or in Node.
        let shown =
            [format!("environ[\"{name}\"]"), format!("${name}"), format!("{name}, "), format!("{name}: ")];
        let set = text.contains(&format!("\n{name}="));
        name.contains('_') && !set && shown.iter().any(|use_of| text.contains(use_of.as_str()))
    };
    let mut names: Vec<String> = names.filter(known).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn what_the_start_prints_is_enough_for_the_readme() {
    let home = TempDir::new().expect("a directory");
    let key = "it's\"$a`key";
    let served = Served::start(home.path(), &[("LARKSPUR_CONTROL_KEY", key)]);
    let (said, ready) = (served.said(), served.ready());
    let exports: String =
        said.lines().filter(|line| line.starts_with("export ")).map(|line| format!("{line}\n")).collect();
    let guide = [("docs/guide/talk.md", 5), ("docs/guide/signing-in.md", 5)];
    for (page, least) in [("README.md", 6), ("README.zh-CN.md", 6)].into_iter().chain(guide) {
        let names = variables_of(page);
        assert!(names.len() >= least, "{names:?}");
        for name in names.iter().filter(|name| *name != "LARKSPUR_") {
            // As a shell reads them.
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("{exports}printf %s \"${{{name}?}}\"")]).env_clear();
            let value = outcome(shell, b"").unwrap_or_else(|why| panic!("{page} uses {name}: {why}"));
            let expected = match name.as_str() {
                "USER_OPEN_ID" => ready["users"][0]["open_id"].as_str(),
                "USER_ID" => ready["users"][0]["user_id"].as_str(),
                name => ready[name.to_ascii_lowercase()].as_str(),
            };
            assert_eq!(Some(value.as_str()), expected, "{name}");
        }
    }
    assert_eq!(ready["control_key"], key);
    assert!(said.contains(&format!("ready file  {}", path(&served.ready))), "{said}");
    // The guide is where it says, and its links lead on.
    let address =
        said.lines().find_map(|line| line.strip_prefix("guide       ")).expect("an address").to_owned();
    let base = ready["base_url"].as_str().expect("a base_url");
    let mut client = crate::support::program::Client::at(base);
    for name in [
        "",
        "testing.md",
        "../coverage.md",
        "../drill.md",
        "../deploy/patroni.yml",
        "../larkspur.default.toml",
    ] {
        let page = match name.strip_prefix("../") {
            Some(name) => format!("{base}/larkspur/{name}"),
            None => format!("{address}{name}"),
        };
        let text = client.text(page.strip_prefix(base).expect("on this server"));
        assert!(text.len() > 300, "{page}: {text}");
    }
}

#[test]
fn exported_variables_stand_in_for_a_ready_file() {
    let (home, elsewhere) = (TempDir::new().expect("a directory"), TempDir::new().expect("a directory"));
    let served = Served::start(home.path(), &[]);
    let said = served.said();
    let exports: Vec<(&str, &str)> =
        said.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('=')).collect();
    let at = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(binary());
        command.args(arguments).env_clear().envs(variables.iter().copied()).current_dir(elsewhere.path());
        outcome(command, b"")
    };
    let chat = served.ready()["chat_id"].as_str().expect("a chat").to_owned();
    let script = elsewhere.path().join("talk.yaml");
    fs::write(&script, "steps: [{say: hello}]").expect("written");
    for arguments in [
        &["call", "im.v1.chat.list"][..],
        &["call", "larkspur.v1.chat.list"],
        &["chat", "say", &chat, "hello", "--as", "ada"],
        &["play", path(&script)],
        &["traffic", "tail", "--no-follow"],
        &["scopes"],
        &["world", "list"],
        &["console"],
    ] {
        let refused = at(arguments, &[]).expect_err("nothing says where the server is");
        assert!(refused.contains("paste its `export` lines"), "{arguments:?}: {refused}");
        at(arguments, &exports).unwrap_or_else(|why| panic!("{arguments:?}: {why}"));
    }
    // An option and a ready file are asked first. A ready file that is named must exist.
    let list = ["world", "list"];
    let wrong = [("BASE_URL", "http://127.0.0.1:9"), ("CONTROL_KEY", "wrong")];
    let (data, ready) = (home.path().join("data"), served.ready.clone());
    at(&[&list[..], &["--data", path(&data)]].concat(), &wrong).expect("by the ready file");
    at(&list, &[&wrong[..], &[("LARKSPUR_READY_FILE", path(&ready))]].concat()).expect("by the setting");
    let (url, key) = (served.ready()["base_url"].clone(), served.ready()["control_key"].clone());
    let options = ["--url", url.as_str().expect("a URL"), "--token", key.as_str().expect("a key")];
    at(&[&list[..], &options].concat(), &wrong).expect("by the options");
    for named in [&["--ready-file", "none.json"][..], &["--data", "none"]] {
        let refused = at(&[&list[..], named].concat(), &exports).expect_err("the file does not exist");
        assert!(refused.contains("there is no ready file"), "{named:?}: {refused}");
    }
    let set = [&exports[..], &[("LARKSPUR_DATA", "none")]].concat();
    let refused = at(&list, &set).expect_err("the setting names a directory without a ready file");
    assert!(refused.contains("there is no ready file"), "{refused}");
    // The exported key is for the exported server alone.
    let refused = at(&[&list[..], &["--url", "http://127.0.0.1:9"]].concat(), &exports).expect_err("no key");
    assert!(refused.contains("there is no ready file"), "{refused}");
}

#[test]
fn the_ready_file_goes_with_the_server_and_the_demo_world_stays() {
    let home = TempDir::new().expect("a directory");
    let served = Served::start(home.path(), &[]);
    let (ready, before) = (served.ready.clone(), served.ready());
    served.end();
    assert!(!ready.exists(), "it stays after the server");
    let refused = larkspur(&["health", "--ready-file", path(&ready)]).expect_err("no server");
    assert!(refused.contains("there is no ready file"), "{refused}");
    let served = Served::start(home.path(), &[]);
    let after = served.ready();
    for name in ["tenant_key", "app_id", "app_secret", "chat_id", "users"] {
        assert_eq!(before[name], after[name], "{name}");
    }
    assert_eq!(larkspur(&["health", "--ready-file", path(&ready)]).as_deref(), Ok("ready\n"));
    let data = ready.parent().expect("the data directory");
    assert_eq!(larkspur(&["health", "--data", path(data)]).as_deref(), Ok("ready\n"));
}

#[test]
fn variables_that_are_no_settings() {
    let home = TempDir::new().expect("a directory");
    let data = home.path().join("data");
    let migrate = ["migrate", "--create", "--data", path(&data)];
    let refused = with(&migrate, &[("LARKSPUR_LISTN", "127.0.0.1:0")], b"").expect_err("a slip");
    assert!(refused.contains("LARKSPUR_LISTN is not a setting; did you mean LARKSPUR_LISTEN?"), "{refused}");
    let refused = with(&migrate, &[("LARKSPUR_LOGS_LEVEL", "warning")], b"").expect_err("no level");
    assert!(refused.contains("LARKSPUR_LOGS_LEVEL is \"warning\": \"warning\" is not a level"), "{refused}");
    assert!(!data.exists());
    let mut command = Command::new(binary());
    command.args(migrate).env_clear().env("LARKSPUR_HOME", "/x").env("LARKSPUR_TEAM", "y");
    let output = command.output().expect("it runs");
    let warned = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && warned.lines().count() == 1, "{warned}");
    assert!(
        warned.starts_with("larkspur: warning: ") && warned.contains("LARKSPUR_HOME, LARKSPUR_TEAM"),
        "{warned}"
    );
    let served = Served::start(home.path(), &[("LARKSPUR_HOME", "/x")]);
    let log = fs::read_to_string(home.path().join("log.txt")).expect("a log");
    let line: Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
    assert!(
        line["level"] == "WARN"
            && line["message"].as_str().is_some_and(|text| text.contains("LARKSPUR_HOME")),
        "{log}"
    );
    served.end();
}

#[test]
fn a_mistyped_directory_is_not_made() {
    let home = TempDir::new().expect("a directory");
    let (typo, empty) = (home.path().join("dta"), home.path().join("empty"));
    fs::create_dir(&empty).expect("a directory");
    for place in [&typo, &empty] {
        for command in ["migrate", "check", "compact"] {
            let refused = larkspur(&[command, "--data", path(place)]).expect_err("no store");
            assert!(refused.lines().count() == 1 && refused.contains(path(place)), "{refused}");
        }
    }
    let refused = larkspur(&["migrate", "--data", path(&typo)]).expect_err("no store");
    assert!(refused.contains("there is no store in") && refused.contains("--create"), "{refused}");
    assert!(!typo.exists() && fs::read_dir(&empty).expect("there").count() == 0);
    larkspur(&["migrate", "--create", "--data", path(&typo)]).expect("made");
    larkspur(&["migrate", "--data", path(&typo)]).expect("there now");
}

#[cfg(unix)]
#[test]
fn what_fails_for_lack_of_permission_says_so() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let home = TempDir::new().expect("a directory");
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its owner");
    let (data, copy) = (home.path().join("data"), home.path().join("copy.db"));
    let program = Program::start(&data);
    larkspur(&["backup", path(&copy), "--data", path(&data)]).expect("a backup");
    // Root may do everything, so another user has to try, who needs access to the program.
    let root = fs::metadata(&data).expect("there").uid() == 0;
    let own = home.path().join("larkspur");
    if root {
        fs::copy(binary(), &own).expect("a copy");
        mode(home.path(), 0o755);
        mode(&own, 0o755);
    } else {
        mode(&data, 0o000);
    }
    let attempt = |arguments: &[&str]| {
        let mut command = Command::new(if root { "setpriv".into() } else { binary() });
        if root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&own);
        }
        command.args(arguments).env_clear();
        outcome(command, b"").expect_err("not allowed")
    };
    let (ready, elsewhere) = (data.join("ready.json"), data.join("deep/below"));
    for arguments in [
        &["check", "--data", path(&data)][..],
        &["migrate", "--data", path(&data)],
        &["compact", "--data", path(&data)],
        &["backup", "/tmp/never", "--data", path(&data)],
        &["serve", "--listen", "127.0.0.1:0", "--data", path(&data)],
        &["serve", "--listen", "127.0.0.1:0", "--data", path(&elsewhere)],
        &["call", "bot.v3.info", "--ready-file", path(&ready)],
        &["health", "--ready-file", path(&ready)],
    ] {
        let refused = attempt(arguments);
        assert!(refused.lines().count() == 1, "{arguments:?}: {refused}");
        assert!(refused.contains("permission denied"), "{arguments:?}: {refused}");
        assert!(
            !refused.contains("does not exist") && !refused.contains("there is no"),
            "{arguments:?}: {refused}"
        );
    }
    if root {
        let refused = attempt(&["restore", path(&copy), "--data", "/tmp/larkspur-never"]);
        assert!(refused.contains("permission denied") && refused.contains("copy.db"), "{refused}");
    }
    mode(&data, 0o700);
    drop(program);
}

#[test]
fn calls_as_people_make_them() {
    let home = TempDir::new().expect("a directory");
    let program = Program::start(&home.path().join("data"));
    let data = home.path().join("data");
    let call = |arguments: &[&str], input: &[u8]| {
        with(&[&["call"], arguments, &["--data", path(&data)]].concat(), &[], input)
    };
    // In the order of the wire: alphabetically, `code` and `data` would precede `msg`.
    let said =
        call(&["im.v1.chat.create", "--body", "-"], br#"{"name":"from standard input"}"#).expect("made");
    assert!(
        said.starts_with("{\n  \"code\": 0,\n  \"msg\": \"success\",\n  \"data\": {\n    \"chat_id\": \"oc_"),
        "{said}"
    );
    assert!(said.contains("\"name\": \"from standard input\""), "{said}");
    let file = home.path().join("body.json");
    fs::write(&file, r#"{"name":"from a file"}"#).expect("written");
    let said = call(&["im.v1.chat.create", "--body", &format!("@{}", path(&file))], b"").expect("made");
    assert!(said.contains("\"name\": \"from a file\""), "{said}");
    let refused = call(&["im.v1.chat.create", "--body", "@nowhere.json"], b"").expect_err("no file");
    assert!(refused.contains("cannot read nowhere.json"), "{refused}");

    // An upload, and the same bytes in the download.
    let picture = home.path().join("x.png");
    fs::write(&picture, larkspur_testkit::png(3, 4)).expect("written");
    let image = format!("image=@{}", path(&picture));
    let said = call(&["im.v1.image.create", "--file", &image, "--field", "image_type=message"], b"")
        .expect("uploaded");
    let answer: Value = serde_json::from_str(&said).expect("JSON");
    let key = answer["data"]["image_key"].as_str().expect("a key");
    let mut get = Command::new(binary());
    get.args(["call", "im.v1.image.get", "--path", &format!("image_key={key}"), "--data"])
        .arg(&data)
        .env_clear();
    assert_eq!(get.output().expect("it runs").stdout, larkspur_testkit::png(3, 4));
    for (arguments, part) in [
        (&["im.v1.image.create", "--body", "{}"][..], "takes a form"),
        (&["im.v1.image.create", "--file", "x.png"], "is not NAME=@PATH"),
        (&["im.v1.chat.create", "--file", &image], "takes JSON, not a file"),
        (&["im.v2.tag.creat"], "did you mean im.v2.tag.create?"),
        (&["im.v1.chat.get"], "needs --path chat_id="),
    ] {
        let refused = call(arguments, b"").expect_err(part);
        assert!(refused.contains(part), "{arguments:?}: {refused}");
    }

    // The world of the ready file, unless another one is named.
    let said = call(&["larkspur.v1.app.list"], b"").expect("listed");
    assert!(said.contains(program.ready["app_id"].as_str().expect("an app")), "{said}");
    let refused =
        call(&["larkspur.v1.app.list", "--path", "tenant_key=other"], b"").expect_err("no such world");
    assert!(refused.contains("refused with HTTP"), "{refused}");
}

#[test]
fn a_user_talks_and_a_conversation_is_played() {
    let home = TempDir::new().expect("a directory");
    let data = home.path().join("data");
    let program = Program::start(&data);
    let run = |arguments: &[&str]| with(&[arguments, &["--data", path(&data)]].concat(), &[], b"");
    let id = |name: &str| program.ready[name].as_str().expect("an id").to_owned();
    let (chat, app) = (id("chat_id"), id("app_id"));
    let show = |arguments: &[&str]| run(&[&["chat", "show", &chat], arguments].concat()).expect("shown");
    let said = run(&["chat", "say", &chat, "hello", "--as", "ada", "--at", &app]).expect("said");
    assert!(said.starts_with("om_"), "{said}");
    let shown = show(&["--as", "ben"]);
    assert!(shown.starts_with(said.trim()) && shown.contains("Ada Larkin: @"), "{shown}");
    let reply =
        run(&["chat", "say", &chat, "re", "--as", "ben sparrow", "--reply-to", said.trim(), "--in-thread"]);
    assert!(reply.is_ok() && show(&["--json"]).lines().count() == 2, "{reply:?}");
    let own = run(&["chat", "say", &app, "in private", "--as", "ada"]).expect("said");
    assert!(
        own.starts_with("om_")
            && run(&["chat", "show", &app, "--as", "ada"]).expect("shown").contains("in private")
    );
    let refused = run(&["chat", "say", &chat, "x", "--as", "zoe"]).expect_err("unknown");
    assert!(refused.contains("no single user \"zoe\"") && refused.contains("Chen Yan"), "{refused}");

    let file = home.path().join("talk.yaml");
    fs::write(&file, "as: ada\nsteps:\n  - say: deploy?\n  - hear: {contains: Release, within_ms: 30000}\n  - react: OK\n  - click: docs\n  - hear: {nothing: true, within_ms: 100}\n").expect("written");
    let played = std::thread::scope(|scope| {
        let playing = scope.spawn(|| run(&["play", path(&file)]));
        while !show(&[]).contains("deploy?") {
            std::thread::sleep(Duration::from_millis(20));
        }
        let card = r#"{"schema":"2.0","body":{"elements":[{"tag":"markdown","content":"Release 7"},{"tag":"button","element_id":"docs","text":{"tag":"plain_text","content":"Docs"},"behaviors":[{"type":"open_url","default_url":"https://example.com/"}]}]}}"#;
        let body =
            serde_json::json!({"receive_id": chat, "msg_type": "interactive", "content": card}).to_string();
        run(&["call", "im.v1.message.create", "--query", "receive_id_type=chat_id", "--body", &body])
            .expect("sent");
        playing.join().expect("no panic")
    });
    let played = played.expect("as written");
    assert_eq!(played.lines().filter(|line| line.starts_with("ok ")).count(), 5, "{played}");
    assert!(show(&[]).contains("[docs] Docs <https://example.com/>"), "{}", show(&[]));
    let opened = show(&["--json"])
        .lines()
        .last()
        .and_then(|line| serde_json::from_str::<Value>(line).ok())
        .expect("JSON");
    let card = opened["message_id"].as_str().expect("an id");
    assert_eq!(
        run(&["chat", "click", card, "docs", "--as", "ben"]).as_deref(),
        Ok("opens https://example.com/\n")
    );
    let refused = run(&["chat", "click", card, "approve", "--as", "ben"]).expect_err("no such element");
    assert!(refused.contains("the card has docs"), "{refused}");

    fs::write(&file, "steps:\n  - say: hi\n  - hear: {text: hello, within_ms: 100}\n").expect("written");
    let failed = run(&["play", path(&file)]).expect_err("no bot answers");
    assert!(failed.contains("step 2: not heard within 100 ms: text \"hello\"; heard nothing"), "{failed}");
    fs::write(&file, "steps:\n  - shout: hi\n").expect("written");
    let refused = run(&["play", path(&file)]).expect_err("not a step");
    assert!(refused.contains("talk.yaml") && refused.contains("shout"), "{refused}");
}

/// A command's output on a terminal of this many columns; standard error is the same terminal.
pub(crate) fn on_terminal(columns: usize, command: &str) -> String {
    let mut script = Command::new("script");
    script.args([
        "--quiet",
        "--return",
        "--command",
        &format!("stty rows 24 cols {columns}; {command}"),
        "/dev/null",
    ]);
    script.env("TERM", "xterm").env_remove("NO_COLOR");
    outcome(script, b"").expect("script, of util-linux, and a command that succeeds")
}

/// A text without what begins and ends colors.
pub(crate) fn uncolored(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| whole + part.split_once('m').expect("the end of a color").1)
}

/// The columns of the longest line.
pub(crate) fn longest(text: &str) -> usize {
    uncolored(text).lines().map(|line| line.trim_end().chars().count()).max().unwrap_or_default()
}

#[test]
fn tables_fit_the_terminal_and_progress_is_for_terminals() {
    let program = binary();
    let list = format!("{} operations", path(&program));
    for columns in [60, 100] {
        let shown = on_terminal(columns, &list);
        let longest = longest(&shown);
        assert!(longest <= columns && shown.contains("im.v2.tag.create"), "{longest} of {columns}");
    }
    let piped = larkspur(&["operations"]).expect("listed");
    assert!(piped.contains("/open-apis/im/v2/tags") && !piped.contains('…'));
    let described = larkspur(&["operations", "im.v2.tag.create"]).expect("described");
    assert!(described.contains("any of im:tag:write") && described.contains("230001"), "{described}");
    let json: Value =
        serde_json::from_str(&larkspur(&["operations", "--json", "im.v2.tag.create"]).expect("JSON"))
            .expect("JSON");
    assert_eq!(json["fields"]["body"]["required"][0], "create_tag");

    let home = TempDir::new().expect("a directory");
    let (data, other) = (home.path().join("data"), home.path().join("other"));
    larkspur(&["migrate", "--create", "--data", path(&data)]).expect("made");
    let copy = |name: &str| home.path().join(name);
    for (command, part) in [
        (format!("backup {} --data {}", path(&copy("1")), path(&data)), "copying"),
        (format!("check --data {}", path(&data)), "checking every page"),
        (format!("restore {} --data {}", path(&copy("1")), path(&other)), "checking and copying"),
        (format!("copy --from {} --to {}", path(&data), path(&copy("third"))), "reading the source"),
        (format!("compact --data {}", path(&data)), "rewriting the file"),
    ] {
        let shown = on_terminal(120, &format!("{} {command}", path(&program)));
        assert!(shown.contains(part), "{command}: {shown:?}");
    }
    let mut quiet = Command::new(&program);
    quiet.args(["backup", path(&copy("2")), "--data", path(&data)]).env_clear();
    assert!(quiet.output().expect("it runs").stderr.is_empty(), "progress without a terminal");
}

#[test]
fn shells_and_man_know_the_commands() {
    let home = TempDir::new().expect("a directory");
    let completions = larkspur(&["completions", "bash"]).expect("printed");
    assert!(completions.contains("im.v2.tag.create") && completions.contains("--ready-file"), "its choices");
    let file = home.path().join("larkspur.bash");
    fs::write(&file, &completions).expect("written");
    // The completions of a partial command line.
    let ask = format!(
        ". {}; COMP_WORDS=(larkspur call im.v2.tag.c); COMP_CWORD=2; _larkspur larkspur im.v2.tag.c call; echo \"${{COMPREPLY[@]}}\"",
        path(&file)
    );
    let mut bash = Command::new("bash");
    bash.args(["-c", &ask]);
    assert_eq!(outcome(bash, b"").as_deref(), Ok("im.v2.tag.create\n"));
    // The other shells complete only commands and flags.
    for (shell, known) in [
        ("zsh", "im.v2.tag.create"),
        ("fish", "ready-file"),
        ("powershell", "--ready-file"),
        ("elvish", "--ready-file"),
    ] {
        assert!(larkspur(&["completions", shell]).expect("printed").contains(known), "{shell}");
    }
    let page = larkspur(&["man"]).expect("printed");
    assert!(page.contains(".TH larkspur 1") && page.contains("larkspur\\-backup(1)"), "{page}");
    let page = larkspur(&["man", "call"]).expect("printed");
    assert!(page.contains(".TH larkspur-call 1") && page.contains("\\-\\-ready\\-file"), "{page}");
    assert!(larkspur(&["man", "nothing"]).expect_err("none").contains("there is no command"));
}
