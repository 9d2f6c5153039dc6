//! Tests: the calls in their order, with the codes that they are expected to answer.

use std::fmt::Write as _;

use super::names::{Carried, Key, carried};
use super::quoted;
use super::scripts::{node_call, node_head, python_call, python_head};
use crate::traffic::Entry;

/// The test cannot make the calls of the control API, which is not the platform's.
fn platform(calls: &[Entry]) -> Vec<Entry> {
    calls.iter().filter(|call| call.row.kind == "platform" && call.row.code.is_some()).cloned().collect()
}

/// A text of code, in whose string literals carried values become variables.
fn with_variables(code: &str, known: &[&Carried], open: &str, close: &str) -> String {
    let mut code = code.to_owned();
    for one in known {
        // The value is part of a literal in double quotes: end it, and begin it again.
        code = code.replace(&one.value, &format!("\"{open}{}{close}\"", one.name));
    }
    code
}

fn steps(path: &[Key]) -> String {
    let one = |key: &Key| match key {
        Key::Name(name) => format!("[{}]", quoted(name)),
        Key::Index(index) => format!("[{index}]"),
    };
    path.iter().map(one).collect()
}

pub(super) fn pytest(calls: &[Entry], base: &str) -> String {
    let calls = platform(calls);
    let carried = carried(&calls);
    let mut out = python_head(base);
    out.push_str("\n\ndef test_calls():\n");
    for (index, call) in calls.iter().enumerate() {
        let known: Vec<&Carried> = carried.iter().filter(|one| one.from < index).collect();
        let text = with_variables(&python_call(call), &known, " + ", " + ");
        let code = call.row.code.unwrap_or_default();
        let _ = writeln!(out, "    answer = {text}\n    assert answer[\"code\"] == {code}, answer");
        for one in carried.iter().filter(|one| one.from == index) {
            let _ = writeln!(out, "    {} = answer{}", one.name, steps(&one.path));
        }
    }
    if calls.is_empty() {
        out.push_str("    pass\n");
    }
    out
}

pub(super) fn vitest(calls: &[Entry], base: &str) -> String {
    let calls = platform(calls);
    let carried = carried(&calls);
    let mut out = format!("import {{ expect, test }} from \"vitest\";\n{}", node_head(base, "LARKSPUR_URL"));
    out.push_str("\ntest(\"calls\", async () => {\n  let answer;\n");
    for (index, call) in calls.iter().enumerate() {
        let known: Vec<&Carried> = carried.iter().filter(|one| one.from < index).collect();
        let text = with_variables(&node_call(call), &known, " + ", " + ");
        let code = call.row.code.unwrap_or_default();
        let _ =
            writeln!(out, "  answer = {text};\n  expect(answer.code, JSON.stringify(answer)).toBe({code});");
        for one in carried.iter().filter(|one| one.from == index) {
            let _ = writeln!(out, "  const {} = answer{};", one.name, steps(&one.path));
        }
    }
    out.push_str("});\n");
    out
}
