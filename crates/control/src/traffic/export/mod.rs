//! Recorded calls as commands, tests, and files. Tokens and secrets are environment variables, never values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Entry;

mod files;
mod names;
mod scripts;
mod suites;

/// A format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Commands of a shell, with curl.
    Curl,
    /// A Python script with the official SDK.
    Python,
    /// A Node script with the official SDK.
    Node,
    /// A Go program with the official SDK.
    Go,
    /// Commands of the `larkspur` program.
    Larkspur,
    /// A test for pytest, with the official SDK.
    Pytest,
    /// A test for vitest, with the official SDK.
    Vitest,
    /// An HTTP archive, version 1.2.
    Har,
    /// One call in a line, as JSON.
    Ndjson,
    /// One page without scripts, to be opened in a browser.
    Html,
}

/// An export.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Exported {
    /// The format.
    pub r#as: Format,
    /// A name for the file.
    pub name: &'static str,
    /// Its media type.
    pub media: &'static str,
    /// Its text.
    pub text: String,
}

/// Exports calls, in this order. Without a public URL, the host of the first call is used.
pub fn export(calls: &[Entry], format: Format, public: &str) -> Exported {
    let host = calls
        .first()
        .and_then(|call| call.request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host")));
    let base = match (public, host) {
        ("", Some((_, host))) => format!("http://{host}"),
        ("", None) => "http://127.0.0.1:5275".to_owned(),
        (public, _) => public.to_owned(),
    };
    let base = base.as_str();
    let (name, media, text) = match format {
        Format::Curl => ("calls.sh", "text/x-shellscript", scripts::curl(calls, base)),
        Format::Python => ("calls.py", "text/x-python", scripts::python(calls, base)),
        Format::Node => ("calls.mjs", "text/javascript", scripts::node(calls, base)),
        Format::Go => ("calls.go", "text/x-go", scripts::go(calls, base)),
        Format::Larkspur => ("calls.sh", "text/x-shellscript", scripts::larkspur(calls)),
        Format::Pytest => ("test_calls.py", "text/x-python", suites::pytest(calls, base)),
        Format::Vitest => ("calls.test.mjs", "text/javascript", suites::vitest(calls, base)),
        Format::Har => ("calls.har", "application/json", files::har(calls, base)),
        Format::Ndjson => ("calls.ndjson", "application/x-ndjson", files::ndjson(calls)),
        Format::Html => ("calls.html", "text/html; charset=utf-8", files::html(calls)),
    };
    Exported { r#as: format, name, media, text }
}

/// The environment variable that has the credential of a call, if it has one.
fn variable(call: &Entry) -> Option<&'static str> {
    match call.row.token {
        "user" => Some("LARKSPUR_USER_TOKEN"),
        "control" => Some("CONTROL_KEY"),
        "none" => None,
        _ => Some("LARKSPUR_TOKEN"),
    }
}

/// The body of a call as JSON with removed secrets named, if it has one.
fn body(call: &Entry) -> Option<Value> {
    match &call.request.body {
        Value::Null => None,
        value => Some(without_secrets(value)),
    }
}

/// A value in which removed secrets are named.
fn without_secrets(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains('…') => json!("$APP_SECRET"),
        Value::Array(list) => list.iter().map(without_secrets).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(name, value)| (name.clone(), without_secrets(value))).collect())
        }
        other => other.clone(),
    }
}

/// A text in double quotes, as JSON, JavaScript, Python and Go read it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Path and query of a call.
fn target(call: &Entry) -> String {
    let query = &call.request.query;
    if query.is_empty() { call.row.path.clone() } else { format!("{}?{query}", call.row.path) }
}
