//! The names of the fields of log lines.

use std::collections::BTreeSet;
use std::fs;

use larkspur_testkit::source::{root, rust};

/// The field names in the log lines of a source.
fn names(text: &str) -> BTreeSet<String> {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut found = BTreeSet::new();
    for level in ["trace", "debug", "info", "warn", "error", "$level"] {
        for call in text.split(&format!("tracing::{level}!(")).skip(1) {
            // Up to the text that ends every line, or starts it if there are no fields.
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
    // The fields of a call's line besides the common ones.
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
        for source in rust(folder) {
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
