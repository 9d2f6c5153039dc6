//! The files in `deploy/` speak of metrics, flags and settings that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{Program, binary};
use crate::servers::Cluster;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words of a text that begin like metrics.
fn named(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("larkspur_"))
        .collect()
}

/// The outcomes of deliveries that a text speaks of.
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
        // A refusal counts as well: nobody signs in here.
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
        // Flags are read from the left: an unknown one is refused before the help is shown.
        let output =
            Command::new(binary()).args(arguments.split(' ')).arg("--help").output().expect("it runs");
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Whether the program starts with a variable set.
fn takes(key: &str, value: &str) -> Result<(), String> {
    let directory = TempDir::new().expect("a directory");
    let mut command = Command::new(binary());
    command.arg("migrate").arg("--data").arg(directory.path()).env_clear().env(key, value);
    let output = command.output().expect("it runs");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn unit_and_image_set_what_can_be_set() {
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
    takes("LARKSPUR_COLOR", "blue").expect_err("what cannot be set is refused");
}
