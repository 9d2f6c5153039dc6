//! The part of `docs/guide/control-api.md` that lists the operations of the control API, with all their fields.

use std::fmt::Write;

use larkspur_api::Entry;
use larkspur_contract::forms::Form;
use larkspur_contract::scopes::{self, others};
use larkspur_contract::{Access, Spec};
use serde_json::{Map, Value};

const ROOT: &str = "/larkspur/v1";
const WORLD: &str = "/worlds/{tenant_key}";

/// The part of the guide, in Markdown.
pub fn document(registry: &[&[Entry]]) -> String {
    let control = || {
        let all = registry.iter().copied().flatten();
        all.filter(|entry| matches!(entry.spec.access, Access::Control))
    };
    let mut out = String::from("| call | |\n|---|---|\n");
    for spec in control().map(|entry| entry.spec) {
        let _ = writeln!(out, "| [`{}`](#{}) | {} |", call(spec), anchor(spec), spec.summary);
    }
    let mut told: Vec<(Value, &'static Spec)> = Vec::new();
    for entry in control() {
        operation(&mut out, entry, &mut told);
    }
    known_scopes(&mut out);
    out
}

/// Method and path, as the guide shortens them.
fn call(spec: &Spec) -> String {
    let path = spec.route.path.strip_prefix(ROOT).unwrap_or(spec.route.path);
    let path = path.strip_prefix(WORLD).map_or(path.to_owned(), |rest| format!("W{rest}"));
    format!("{} {path}", spec.route.method.name())
}

fn anchor(spec: &Spec) -> String {
    spec.id.replace('.', "")
}

fn operation(out: &mut String, entry: &Entry, told: &mut Vec<(Value, &'static Spec)>) {
    let spec = entry.spec;
    let schemas = entry.schemas();
    let _ = write!(out, "\n### {}\n\n`{}`: {}.", spec.id, call(spec), first_small(spec.summary));
    // The first sentence about a body only repeats the summary.
    if let Some((_, more)) = schemas.body["description"].as_str().and_then(|about| about.split_once(". ")) {
        let _ = write!(out, " {}", more.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    out.push('\n');
    let mut rows = String::new();
    for (name, schema) in schemas.path["properties"].as_object().into_iter().flatten() {
        if name != "tenant_key" {
            row(&mut rows, &format!("`{{{name}}}` in the path"), schema, true);
        }
    }
    let query = &schemas.query;
    let required: Vec<&str> = list(query, "required").iter().filter_map(Value::as_str).collect();
    for (name, schema) in query["properties"].as_object().into_iter().flatten() {
        row(&mut rows, &format!("`{name}` in the query"), schema, required.contains(&name.as_str()));
    }
    fields(&mut rows, &schemas.body, "");
    if !rows.is_empty() {
        let _ = write!(out, "\n| field | value | default | |\n|---|---|---|---|\n{rows}");
    }
    let shown = members(&schemas.output);
    let answer = match told.iter().find(|(known, _)| *known == schemas.output) {
        Some((_, first)) => format!("as of [{}](#{})", first.id, anchor(first)),
        None => {
            if shown.len() > 60 {
                told.push((schemas.output, spec));
            }
            format!("`{shown}`")
        }
    };
    let _ = writeln!(out, "\nAnswer: {answer}.");
    if !spec.example.is_empty() {
        let _ = writeln!(out, "Example: `{}`", spec.example);
    }
}

/// A summary, to continue after a colon.
fn first_small(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// A row for each field of an object, and for those of the objects in it.
fn fields(out: &mut String, schema: &Value, path: &str) {
    let required: Vec<&str> = list(schema, "required").iter().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let field = &real(field);
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        row(out, &format!("`{path}`"), field, required.contains(&name.as_str()));
        match field.get("items") {
            Some(items) => fields(out, &real(items), &format!("{path}[*]")),
            None => fields(out, field, &path),
        }
    }
}

fn row(out: &mut String, name: &str, schema: &Value, required: bool) {
    let field = real(schema);
    let default = match schema.get("default").or(field.get("default")) {
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_))) => format!("`{value}`"),
        _ if required => "required".to_owned(),
        _ => "–".to_owned(),
    };
    let about = schema["description"].as_str().or(field["description"].as_str()).unwrap_or_default();
    let about = about.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let _ = writeln!(out, "| {name} | {} | {default} | {about} |", value(&field));
}

/// The allowed values, in words.
fn value(schema: &Value) -> String {
    let words: Vec<String> = words(schema).iter().map(|word| format!("`{word}`")).collect();
    if !words.is_empty() {
        return words.join(", ");
    }
    let number = |name: &str| schema.get(name).and_then(Value::as_i64);
    let most = |unit: &str, least: &str, most: &str| match (number(least), number(most)) {
        (Some(least), Some(most)) => format!(", {least} to {most}{unit}"),
        (Some(least), None) => format!(", at least {least}{unit}"),
        (None, Some(most)) => format!(", at most {most}{unit}"),
        (None, None) => String::new(),
    };
    match kind(schema) {
        "array" => {
            let items = schema.get("items").map(real).unwrap_or_default();
            format!("list of: {}{}", value(&items), most(" of them", "minItems", "maxItems"))
        }
        "string" => match schema["format"].as_str().and_then(Form::parse) {
            Some(form) => form.asked().to_owned(),
            None => format!("string{}", most(" characters", "minLength", "maxLength")),
        },
        "integer" => format!("integer{}", most("", "minimum", "maximum")),
        "boolean" => "boolean".to_owned(),
        "object" => "object".to_owned(),
        _ => "anything".to_owned(),
    }
}

/// The members of an answer, as `{a, b?, c:[{d}]}`; those with a question mark may be absent.
fn members(schema: &Value) -> String {
    let schema = real(schema);
    match kind(&schema) {
        "array" => format!("[{}]", schema.get("items").map(members).unwrap_or_default()),
        "object" => {
            let required: Vec<&str> = list(&schema, "required").iter().filter_map(Value::as_str).collect();
            let all = schema["properties"].as_object().into_iter().flatten().map(|(name, member)| {
                let inner = members(member);
                let mark = if required.contains(&name.as_str()) { "" } else { "?" };
                if inner.is_empty() { format!("{name}{mark}") } else { format!("{name}{mark}:{inner}") }
            });
            format!("{{{}}}", all.collect::<Vec<_>>().join(", "))
        }
        _ => String::new(),
    }
}

/// A schema without the alternative `null`, and without a layer that only documents.
fn real(schema: &Value) -> Value {
    let choices = list(schema, "anyOf");
    let Some(chosen) = choices.iter().find(|choice| choice["type"] != "null") else { return schema.clone() };
    let mut chosen: Map<String, Value> = chosen.as_object().cloned().unwrap_or_default();
    let own = schema.as_object().into_iter().flatten().filter(|(name, _)| *name != "anyOf");
    chosen.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(chosen)
}

/// The allowed words, if they are restricted.
fn words(schema: &Value) -> Vec<String> {
    let mut all: Vec<String> =
        list(schema, "enum").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    for choice in list(schema, "oneOf") {
        all.extend(choice["const"].as_str().map(str::to_owned));
        all.extend(list(choice, "enum").iter().filter_map(Value::as_str).map(str::to_owned));
    }
    all
}

fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(name) => name,
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or_default()
        }
        _ => "",
    }
}

fn list<'a>(schema: &'a Value, name: &str) -> &'a [Value] {
    schema.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn known_scopes(out: &mut String) {
    let code = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let _ = write!(
        out,
        "\n### Scopes\n\nAn unknown name in `scopes` is refused. Known are those that operations of Larkspur take, which are \
         what an app is given by default:\n\n{}.\n\nThese others, which no operation here takes:\n\n{}.\n\nAnd in the \
         sections of the platform of which Larkspur serves nothing, every name that begins with the section and a colon: {}.\n",
        code(scopes::ALL),
        code(others::OTHERS),
        code(others::SECTIONS)
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::REGISTRY;

    #[test]
    fn every_field_of_every_operation_is_documented() {
        let text = document(REGISTRY);
        for entry in REGISTRY.iter().copied().flatten() {
            let id = entry.spec.id;
            let told = text.split("\n### ").find(|part| part.lines().next() == Some(id));
            let Access::Control = entry.spec.access else {
                assert!(told.is_none(), "{id}");
                continue;
            };
            let told = told.unwrap_or_else(|| panic!("{id} is not told"));
            let schemas = entry.schemas();
            for (place, schema) in [("", &schemas.body), (" in the query", &schemas.query)] {
                for name in schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
                    assert!(told.contains(&format!("\n| `{name}`{place} | ")), "{id}: {name}{place}\n{told}");
                }
            }
        }
        for line in [
            "| [`POST W/chats`](#larkspurv1chatcreate) | Create a chat in any state |",
            "| `template` | `demo`, `empty` | `demo` |",
            "| `chat_users` | integer, 1 to 1000000 | – |",
            "| `app_id` | string | required | An app of the world. |",
            "| `tabs[*].tab_type` | `message`, `doc_list`, ",
            "| `scopes` | list of: the name of a scope | – |",
            "| `settings.edit_permission` | `only_owner`, `all_members` | `all_members` |",
            "| `{member}` in the path | string | required |",
            "| `app_id` in the query | string | ",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn answers_are_documented_once() {
        let text = document(REGISTRY);
        assert!(
            text.contains("Answer: `{tenant_key, name, clock_offset_ms, now_ms}`")
                || text.contains("clock_offset_ms, ")
        );
        assert!(text.contains("Answer: as of [larkspur.v1.chat.create](#larkspurv1chatcreate)."), "{text}");
    }
}
