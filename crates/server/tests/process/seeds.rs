//! Worlds from seeds: at the start of a server, and by the command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{CONTROL_KEY, Program, binary};

/// Runs a command with a variable; returns whether it succeeded, its output and its errors.
fn larkspur(arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(binary());
    let ended = command.args(arguments).env_clear().env("DEMO_SECRET", "a-secret-of-my-own").output();
    let ended = ended.expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (ended.status.success(), text(ended.stdout), text(ended.stderr))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The seed of the examples with its card beside it, and with a secret from a variable or with a new one.
fn example(home: &Path, secret: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/seeds");
    let seed = fs::read_to_string(folder.join("release-bot.yaml")).expect("the example");
    let seed = seed.replace("    name: Demo\n", &format!("    name: Demo\n{secret}"));
    fs::copy(folder.join("approve.json"), home.join("approve.json")).expect("the card");
    fs::write(home.join("seed.yaml"), seed).expect("a seed");
    home.join("seed.yaml")
}

fn worlds(program: &Program) -> Vec<String> {
    let listed = program.client().control("/worlds");
    let names = listed["worlds"].as_array().expect("worlds").iter();
    let mut names: Vec<String> = names.map(|one| one["name"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_server_starts_with_the_worlds_of_its_seeds() {
    let home = TempDir::new().expect("a directory");
    let seed = example(home.path(), "");
    let data = home.path().join("data");
    let flags = ["--seed", text(&seed)];
    let first = Program::start_at(&data, &flags);
    let before = worlds(&first);
    assert!(before.contains(&"release bot".to_owned()), "{before:?}");
    first.terminate();
    assert!(first.wait().0.success());
    // It is there at the next start, and stays as it is.
    let second = Program::start_at(&data, &flags);
    assert_eq!(worlds(&second), before);
}

#[test]
fn mistakes_stop_the_start() {
    let home = TempDir::new().expect("a directory");
    let seed = home.path().join("wrong.yaml");
    fs::write(&seed, "larkspur: 1\nworld: {name: w}\nusers: {ada: {name: no}}\nchats: {c: {owner: adda}}\n")
        .expect("a seed");
    let data = home.path().join("data");
    let (ok, _, said) =
        larkspur(&["serve", "--listen", "127.0.0.1:0", "--data", text(&data), "--seed", text(&seed)]);
    assert!(!ok);
    for line in [
        ":3:21: users.ada.name: must be a string; as a text: \"no\"",
        ":4:20: chats.c.owner: no user or app has the name \"adda\"; did you mean \"ada\"?",
    ] {
        assert!(said.contains(&format!("{}{line}", seed.display())), "{said}");
    }
    assert!(said.contains("larkspur: 2 mistakes in the seed, nothing was loaded\n"), "{said}");
    let missing = home.path().join("missing.yaml");
    let (ok, _, said) = larkspur(&["serve", "--memory", "--listen", "127.0.0.1:0", "--seed", text(&missing)]);
    assert!(!ok && said.contains("cannot read the seed"), "{said}");
}

#[test]
fn the_command_makes_a_world_and_merges_into_it() {
    let home = TempDir::new().expect("a directory");
    let seed = example(home.path(), "    secret: from-env DEMO_SECRET\n");
    let program = Program::start(&home.path().join("data"));
    let ready = fs::read_to_string(home.path().join("data/ready.json")).expect("a ready file");
    let ready: Value = serde_json::from_str(&ready).expect("JSON");
    let url = ready["base_url"].as_str().expect("a URL").to_owned();
    let apply = |more: &[&str]| {
        let fixed = ["world", "apply", text(&seed), "--url", &url, "--token", CONTROL_KEY];
        larkspur(&[&fixed, more].concat())
    };
    let (ok, told, wrong) = apply(&["--dry-run"]);
    assert!(ok && told.contains("a dry run: nothing was kept"), "{told}{wrong}");
    assert!(!worlds(&program).contains(&"release bot".to_owned()));
    let (ok, told, wrong) = apply(&[]);
    assert!(ok && told.contains("2 users") && told.contains("nothing there before"), "{told}{wrong}");
    assert!(!told.contains("secret"), "the secret is known: {told}");
    let (ok, told, wrong) = apply(&[]);
    assert!(ok && told.contains(": nothing new, "), "{told}{wrong}");
    let (ok, json, wrong) = apply(&["--replace", "--json"]);
    let answer: Value = serde_json::from_str(&json).expect("JSON");
    assert!(ok && answer["loaded"]["messages"] == 2, "{json}{wrong}");
    let id = answer["ids"]["apps"]["demo"].as_str().expect("an app").to_owned();
    let body = serde_json::json!({"app_id": id, "app_secret": "a-secret-of-my-own"});
    let path = "/open-apis/auth/v3/tenant_access_token/internal";
    let answer = program.client().send("", "POST", path, &body).expect("an answer").1;
    assert_eq!(answer["code"], 0, "{answer}");
    // A card that is not there is a mistake of the seed.
    fs::remove_file(home.path().join("approve.json")).expect("removed");
    let (ok, _, wrong) = apply(&["--replace"]);
    assert!(!ok && wrong.contains("seed.yaml:") && wrong.contains("was not sent with the seed"), "{wrong}");
    let (ok, schema, _) = larkspur(&["world", "schema"]);
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    assert!(ok && schema["properties"]["chats"].is_object());
}
