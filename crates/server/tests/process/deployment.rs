//! The files in `deploy/` name metrics, flags, settings and sources that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::cluster::Cluster;
use crate::support::program::{Program, binary};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words of a text that start like metrics.
fn named(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("larkspur_"))
        .collect()
}

/// The outcomes of deliveries that a text names.
fn outcomes(text: &str) -> BTreeSet<&str> {
    text.split("outcome=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn dashboard_and_alerts_ask_for_metrics_that_there_are() {
    let directory = TempDir::new().expect("a directory");
    let cluster = Cluster::new();
    let mut there = BTreeSet::new();
    for program in [Program::start(&directory.path().join("data")), cluster.spawn().until_ready()] {
        let mut client = program.client();
        client.text("/larkspur/openapi.json");
        // Refusals count as well: this test does not sign in.
        let refused = client.send("", "GET", "/open-apis/bot/v3/info", &serde_json::Value::Null);
        assert_eq!(refused.expect("an answer").1["code"], 99991661);
        let metrics = client.text("/larkspur/metrics");
        there.extend(named(&metrics).into_iter().map(str::to_owned));
        there.extend(outcomes(&metrics).into_iter().map(str::to_owned));
    }
    for name in ["grafana.json", "alerts.yml"] {
        let text = file(name);
        let asked = named(&text);
        assert!(asked.len() >= 4, "{name}: {asked:?}");
        for metric in asked.union(&outcomes(&text)) {
            assert!(there.contains(*metric), "{name} asks for {metric}");
        }
    }
    assert_eq!(outcomes(&file("alerts.yml")), BTreeSet::from(["dropped"]));
    serde_json::from_str::<serde_json::Value>(&file("grafana.json")).expect("JSON");
}

/// The values of a key at the start of lines.
fn values(text: &str, key: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key));
    lines.map(|value| value.trim().to_owned()).collect()
}

#[test]
fn every_alert_fires_when_it_must_and_not_otherwise() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]] {
        let output = Command::new("promtool").args(arguments).current_dir(&deploy).output();
        let output = output.unwrap_or_else(|error| panic!("this test needs the program `promtool`: {error}"));
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "promtool {arguments:?}: {text}");
    }
    let alerts: BTreeSet<String> = values(&file("alerts.yml"), "alert:").into_iter().collect();
    let tests = file("alerts.test.yml");
    let (mut fires, mut stays) = (BTreeSet::new(), BTreeSet::new());
    for check in tests.split("alertname:").skip(1) {
        let name = check.lines().next().unwrap_or_default().trim().to_owned();
        let quiet = check.lines().nth(1).is_some_and(|line| line.trim() == "exp_alerts: []");
        if quiet {
            stays.insert(name)
        } else {
            fires.insert(name)
        };
    }
    assert_eq!((&fires, &stays), (&alerts, &alerts), "each alert is tried both ways");
    assert!(alerts.len() >= 9, "{alerts:?}");
}

#[test]
fn what_alerts_watch_is_there_before_anything_happens() {
    let directory = TempDir::new().expect("a directory");
    let program = Program::start(&directory.path().join("data"));
    let metrics = program.client().text("/larkspur/metrics");
    let operations = larkspur_server::REGISTRY.iter().copied().flatten();
    for id in operations.map(|entry| entry.spec.id) {
        let none = |codes: [u32; 2]| {
            codes.iter().any(|code| {
                let series = format!("larkspur_requests_total{{operation=\"{id}\",code=\"{code}\"}} 0\n");
                metrics.contains(&series)
            })
        };
        assert!(none([2200, 20050]) && none([5000, 20072]), "{id}");
    }
    for line in ["larkspur_store_available 1", "larkspur_log_lines_dropped_total 0"] {
        assert!(metrics.contains(&format!("\n{line}\n")), "{line}: {metrics}");
    }
}

#[test]
fn the_unit_runs_commands_that_there_are() {
    let text = file("larkspur.service");
    let commands: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("Exec"))
        .filter_map(|line| line.split_once("/usr/local/bin/larkspur "))
        .map(|(_, arguments)| arguments)
        .collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    for arguments in commands {
        // Flags are parsed from the left: an unknown one is refused before the help is shown.
        let output =
            Command::new(binary()).args(arguments.split(' ')).arg("--help").output().expect("it runs");
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Whether the program starts with a variable set.
fn takes(key: &str, value: &str) -> Result<(), String> {
    let directory = TempDir::new().expect("a directory");
    let mut command = Command::new(binary());
    command.args(["migrate", "--create", "--data"]).arg(directory.path()).env_clear().env(key, value);
    let output = command.output().expect("it runs");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn unit_and_image_set_variables_that_exist() {
    let mut set = 0;
    for name in ["larkspur.service", "Containerfile"] {
        for line in file(name).lines() {
            let Some(line) = line.strip_prefix("Environment=").or_else(|| line.strip_prefix("ENV ")) else {
                continue;
            };
            for (key, value) in line.split(' ').filter_map(|pair| pair.split_once('=')) {
                takes(key, value).unwrap_or_else(|error| panic!("{name}: {key}: {error}"));
                set += 1;
            }
        }
    }
    assert_eq!(set, 3);
    takes("LARKSPUR_LISTN", "blue").expect_err("what cannot be set is refused");
}

/// The words in the array of an instruction, such as `CMD ["serve"]`.
fn words(instruction: &str) -> Vec<String> {
    let text = file("Containerfile");
    let line = text.lines().find_map(|line| line.strip_prefix(instruction)).expect(instruction);
    let array = &line[line.find('[').expect("an array")..];
    serde_json::from_str(array).expect("words")
}

#[test]
fn the_image_runs_commands_that_there_are() {
    let program = words("ENTRYPOINT ");
    assert_eq!(program, ["/usr/local/bin/larkspur"]);
    let health = words("HEALTHCHECK ");
    assert_eq!(health[..1], program);
    for arguments in [&words("CMD "), &health[1..]] {
        let output = Command::new(binary()).args(arguments).arg("--help").output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn health_is_what_the_server_reports() {
    let directory = TempDir::new().expect("a directory");
    let program = Program::start(&directory.path().join("data"));
    let address = program.ready["base_url"].as_str().and_then(|url| url.strip_prefix("http://"));
    let address = address.expect("a base_url").to_owned();
    // As in a container, only the listening address is known.
    let everywhere = address.replace("127.0.0.1", "0.0.0.0");
    let ask = || {
        let mut command = Command::new(binary());
        let output = command.arg("health").env_clear().env("LARKSPUR_LISTEN", &everywhere).output();
        let output = output.expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    assert_eq!(ask(), (Some(0), "ready\n".to_owned()));
    program.kill();
    let (code, text) = ask();
    assert!(code == Some(1) && text.contains(&format!("cannot reach {address}")), "{code:?}: {text}");
    // A server that answers, but is not Larkspur.
    let other = std::net::TcpListener::bind(&address).expect("its port is free");
    let refuser = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().expect("a connection");
        let _ = std::io::Read::read(&mut stream, &mut [0; 1024]).expect("a request");
        let answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\ndraining\n";
        std::io::Write::write_all(&mut stream, answer).expect("it listens");
    });
    let refused = format!("larkspur: {address} is not ready: HTTP 503: draining\n");
    assert_eq!(ask(), (Some(1), refused));
    refuser.join().expect("it answered");
}

#[test]
fn a_machine_without_authorities_is_told_that_s3_needs_them() {
    let empty = TempDir::new().expect("a directory");
    let mut command = Command::new(binary());
    command.args(["serve", "--memory", "--listen", "127.0.0.1:0"]).env_clear();
    command.envs([("LARKSPUR_BLOBS_URL", "s3://bucket/files"), ("AWS_REGION", "us-east-1")]);
    command.env("SSL_CERT_DIR", empty.path()).env("SSL_CERT_FILE", empty.path().join("none.pem"));
    let output = command.output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("s3://bucket/files") && text.contains("No CA certificates"), "{text}");
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
        plain
    })
}

#[test]
fn what_the_program_is_made_of_gets_into_the_image_s_build() {
    let root = plain(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    let text = fs::read_to_string(root.join(".dockerignore")).expect("a .dockerignore");
    let mut rules = text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rules.next(), Some("*"), "everything else stays out");
    let allowed: Vec<PathBuf> =
        rules.map(|rule| root.join(rule.strip_prefix('!').expect("a path that is let in"))).collect();
    for path in &allowed {
        assert!(path.exists(), "{} is let in and is not there", path.display());
    }
    // Cargo lists the files that the compiler read beside the program.
    let list = fs::read_to_string(binary().with_extension("d"));
    let list = list.expect("cargo's list: `cargo build --package larkspur-server` writes it");
    let (_, read) = list.split_once(": ").expect("sources");
    let mut read: Vec<PathBuf> = read.split_whitespace().map(|path| plain(Path::new(path))).collect();
    assert!(read.len() > 100 && read.iter().any(|path| path.starts_with(root.join("schema"))), "{list}");
    // And what cargo itself reads.
    read.extend(
        [".cargo/config.toml", "Cargo.toml", "Cargo.lock", "xtask/Cargo.toml"].map(|name| root.join(name)),
    );
    // What the build script makes, and what it makes that of.
    read.retain(|path| !path.starts_with(env!("OUT_DIR")));
    read.extend(["crates/server/build.rs", "console"].map(|name| root.join(name)));
    for path in read {
        assert!(allowed.iter().any(|allowed| path.starts_with(allowed)), "{} is kept out", path.display());
    }
}
