//! Log lines: those of the real program, and the names of what they say.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::program::{CONTROL_KEY, Program};
use crate::source::root;

/// The lines of calls of an operation.
fn lines_of(log: &str, operation: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["operation"] == operation).collect()
}

#[test]
fn a_refusal_says_whom_it_is_about_and_what_they_are() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = Program::start(&directory.path().join("data"));
    let ready = program.ready.clone();
    let mut client = program.client();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let world = format!("/larkspur/v1/worlds/{}", text(&ready["tenant_key"]));
    let (resigned, unseen) = (&ready["users"][1], &ready["users"][2]);
    let mut send = |token: &str, method: &str, path: &str, body: Value| {
        client.send(token, method, path, &body).unwrap_or_else(|| panic!("no answer to {method} {path}"))
    };
    let secret = json!({"app_id": ready["app_id"], "app_secret": ready["app_secret"]});
    let signed_in = send("", "POST", "/open-apis/auth/v3/tenant_access_token/internal", secret).1;
    let token = text(&signed_in["tenant_access_token"]);
    let chat = send(&token, "POST", "/open-apis/im/v1/chats", json!({"name": "a chat"})).1;
    let members = format!("/open-apis/im/v1/chats/{}/members", text(&chat["data"]["chat_id"]));
    let control = |path: &str| format!("{world}{path}");
    let user = control(&format!("/users/{}", text(&resigned["user_id"])));
    assert_eq!(send(CONTROL_KEY, "PATCH", &user, json!({"status": "resigned"})).1["code"], 0);
    let app = control(&format!("/apps/{}", text(&ready["app_id"])));
    let limited = json!({"visible_to": [ready["users"][0]["user_id"]]});
    assert_eq!(send(CONTROL_KEY, "PUT", &app, limited).1["code"], 0);
    let both = json!({"id_list": [resigned["open_id"], unseen["open_id"]]});
    let refused = send(&token, "POST", &format!("{members}?succeed_type=2"), both).1;
    assert_ne!(refused["code"], 0, "{refused}");
    let removed = send(&token, "DELETE", &members, json!({"id_list": [unseen["open_id"]]})).1;
    assert_ne!(removed["code"], 0, "{removed}");
    let poor = json!({"scopes": []});
    assert_eq!(send(CONTROL_KEY, "PUT", &app, poor).1["code"], 0);
    assert_ne!(send(&token, "GET", &members, Value::Null).1["code"], 0);
    let planned = control("/refusals/bot.v3.info");
    assert_eq!(send(CONTROL_KEY, "PUT", &planned, json!({"code": 2200})).1["code"], 0);
    assert_eq!(send(&token, "GET", "/open-apis/bot/v3/info", Value::Null).1["code"], 2200);
    let later = send("t-nothing", "GET", "/open-apis/minutes/v1/minutes/x", Value::Null);
    assert_eq!((later.0, &later.1["code"]), (501, &json!(5275501)));

    let log = program.log();
    let one = |operation: &str| {
        let lines = lines_of(&log, operation);
        let [line] = lines.as_slice() else { panic!("not one line of {operation}: {log}") };
        for name in ["log_id", "tenant", "app_id", "token", "code", "duration_ms", "why"] {
            assert!(!line[name].is_null(), "{name} is not in {line}");
        }
        (line.clone(), text(&line["why"]))
    };
    let (line, why) = one("im.v1.chat_members.create");
    assert_eq!((&line["level"], &line["tenant"]), (&json!("INFO"), &ready["tenant_key"]));
    assert_eq!((&line["app_id"], &line["log_id"]), (&ready["app_id"], &refused["error"]["log_id"]));
    let (first, second) = (text(&resigned["open_id"]), text(&unseen["open_id"]));
    assert!(why.contains(&format!("{first} has resigned, {second} does not see the app")), "{why}");
    assert!(one("im.v1.chat_members.delete").1.contains(&format!("not in the chat: {second}")));
    assert!(one("im.v1.chat_members.get").1.contains("any of these scopes would do: im:chat"), "{log}");
    assert_eq!(one("bot.v3.info").0["level"], "INFO", "a planned refusal is no error");
    let unserved = lines_of(&log, "minutes.v1.minute.get");
    assert_eq!((unserved.len(), &unserved[0]["level"]), (1, &json!("WARN")));
    for kept in [&token, &text(&ready["app_secret"]), CONTROL_KEY, "t-nothing"] {
        assert!(!log.contains(kept), "{kept} is in the log");
    }
}

/// The names of what the log lines of a source say.
fn names(text: &str) -> BTreeSet<String> {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut found = BTreeSet::new();
    for level in ["trace", "debug", "info", "warn", "error", "$level"] {
        for call in text.split(&format!("tracing::{level}!(")).skip(1) {
            // Up to the text that every line ends with, or begins with if it says nothing else.
            let mut depth = 1;
            let end = call.find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth == 0 || (depth == 1 && c == '"')
            });
            let arguments = &call[..end.unwrap_or(call.len())];
            let arguments = arguments.split("$text").next().unwrap_or_default();
            for argument in arguments.split(",\n").flat_map(|line| line.split(", ")) {
                let name = argument
                    .split('=')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .trim_matches(['%', '?', ',', '\n', ' ']);
                if !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                    found.insert(name.to_owned());
                }
            }
        }
    }
    // What a line of a call has beside what every line of a call has.
    for call in text.split("    line!(").skip(1) {
        let arguments = call.split(");").next().unwrap_or_default().split(" = ");
        let words: Vec<&str> = arguments.filter_map(|part| part.rsplit([',', ' ']).next()).collect();
        found.extend(words.iter().rev().skip(1).map(|word| (*word).to_owned()));
    }
    found
}

#[test]
fn one_thing_has_one_name_in_all_lines_and_stands_in_the_guide() {
    let guide = fs::read_to_string(root().join("docs/guide/operating.md")).expect("the guide");
    let table = guide.split("| field of a line | what |").nth(1).expect("the table of fields");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let told: BTreeSet<String> = rows
        .flat_map(|row| row.split('|').nth(1).unwrap_or_default().split(','))
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect();
    let mut written = BTreeSet::new();
    for folder in [
        "crates/api/src",
        "crates/control/src",
        "crates/server/src",
        "crates/store/src",
        "crates/store-postgres/src",
        "crates/store-sqlite/src",
    ] {
        for source in crate::source::rust(folder) {
            written.append(&mut names(&fs::read_to_string(root().join(&source.path)).expect("readable")));
        }
    }
    assert!(
        ["log_id", "app_id", "tenant", "why", "event_id", "methods", "duration_ms"]
            .iter()
            .all(|name| written.contains(*name)),
        "{written:?}"
    );
    assert_eq!(written, told, "what is written, and what the guide tells");
    let example = "tracing::warn!(%tenant, app, why = %error(1, 2), \"x\"); line!(info, line, \"y\", path = a, methods = b);";
    let example = example.replace("line!", "\n    line!");
    assert_eq!(names(&example).into_iter().collect::<Vec<_>>(), ["app", "methods", "path", "tenant", "why"]);
}
