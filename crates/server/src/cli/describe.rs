//! The description of one operation.

use larkspur_api::Entry;
use larkspur_contract::Consumes;
use serde_json::{Value, json};

use super::operations::brief;
use super::terminal::paragraph;

/// The description as JSON: the entry of the list, and the schemas.
pub(super) fn json(entry: &Entry) -> Value {
    let (spec, schemas) = (entry.spec, entry.schemas());
    let mut out = brief(spec);
    out["codes"] = spec
        .codes
        .iter()
        .map(|code| json!({"code": code.number, "status": code.status, "msg": code.text}))
        .collect();
    out["behaviours"] = spec
        .behaviours
        .iter()
        .map(|one| json!({"name": one.name, "rule": one.rule, "basis": one.basis.as_str(), "switch": one.switch}))
        .collect();
    out["deviations"] = spec.deviations.iter().copied().collect();
    let parts = [
        ("path", schemas.path),
        ("query", schemas.query),
        ("body", schemas.body),
        ("answer", schemas.output),
    ];
    for (name, schema) in parts {
        out["fields"][name] = schema;
    }
    out
}

/// The description for people.
pub(super) fn text(entry: &Entry, width: Option<usize>) -> String {
    let (spec, schemas) = (entry.spec, entry.schemas());
    let mut out = paragraph("", 0, &format!("{}: {}", spec.id, spec.summary), width);
    let mut fact = |name: &str, text: &str| out.push_str(&paragraph(&format!("{name:11} "), 12, text, width));
    fact(spec.route.method.name(), spec.route.path);
    fact("access", spec.access.words());
    let scopes = spec.access.scopes();
    if !scopes.is_empty() {
        fact("scopes", &format!("any of {}", scopes.join(" ")));
    }
    fact("rate limit", spec.rate.name);
    if !spec.emits.is_empty() {
        let names: Vec<&str> = spec.emits.iter().map(|kind| kind.name).collect();
        fact("emits", &names.join(" "));
    }
    if !spec.reference.is_empty() {
        fact("page", spec.reference);
    }
    if let Consumes::Multipart { file, .. } = spec.consumes {
        fact("file", &format!("{file}: multipart/form-data, so --file {file}=@PATH and --field NAME=VALUE"));
    }
    if !spec.example.is_empty() {
        fact("example", spec.example);
    }
    let parts = [
        ("path", &schemas.path),
        ("query", &schemas.query),
        ("body", &schemas.body),
        ("answer", &schemas.output),
    ];
    for (name, schema) in parts {
        let mut lines = String::new();
        fields(&mut lines, schema, 1, width);
        if !lines.is_empty() {
            out.push_str(&format!("\n{name}\n{lines}"));
        }
    }
    if !spec.codes.is_empty() {
        out.push_str("\ncodes, besides those of tokens, scopes and rate limits\n");
        for code in spec.codes {
            let first = format!("  {:<8} HTTP {}  ", code.number, code.status);
            out.push_str(&paragraph(&first, first.len(), code.text, width));
        }
    }
    if !spec.behaviours.is_empty() {
        out.push_str("\nwhere the documents are silent\n");
        for one in spec.behaviours {
            let switch = if one.switch { ", a setting" } else { "" };
            let text = format!("{} ({}{switch}): {}", one.name, one.basis.as_str(), one.rule);
            out.push_str(&paragraph("  ", 4, &text, width));
        }
    }
    if !spec.deviations.is_empty() {
        out.push_str("\nknown deviations\n");
        for one in spec.deviations {
            out.push_str(&paragraph("  ", 4, one, width));
        }
    }
    out
}

/// The members of an object, with those of inner objects under them.
fn fields(out: &mut String, schema: &Value, depth: usize, width: Option<usize>) {
    let required = |name: &String| {
        let names = schema["required"].as_array();
        names.is_some_and(|names| names.iter().any(|required| required == name))
    };
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let (kind, inner) = kind(field);
        let needed = if required(name) { ", required" } else { "" };
        let limits = limits(field);
        let told = field["description"].as_str().unwrap_or_default();
        let first = format!("{}{name}  ", "  ".repeat(depth));
        let text = format!("{kind}{needed}{limits}. {told}");
        out.push_str(&paragraph(&first, 2 * depth + 4, &text, width));
        if let Some(inner) = inner {
            fields(out, inner, depth + 1, width);
        }
    }
}

/// A field's type in words, and the object type whose members to list.
fn kind(field: &Value) -> (String, Option<&Value>) {
    let choices = |key: &str| {
        let all = field.get(key)?.as_array()?;
        Some(all.iter().filter(|one| one["type"] != "null").collect::<Vec<_>>())
    };
    if let Some(all) = choices("oneOf").or_else(|| choices("anyOf")) {
        let constants: Option<Vec<String>> =
            all.iter().map(|one| one.get("const").map(Value::to_string)).collect();
        return match (constants, all.as_slice()) {
            (Some(constants), _) => (constants.join(" | "), None),
            (None, [one]) => kind(one),
            (None, all) => (all.iter().map(|one| kind(one).0).collect::<Vec<_>>().join(" | "), None),
        };
    }
    if let Some(all) = field.get("enum").and_then(Value::as_array) {
        let shown = all.iter().filter(|one| !one.is_null()).map(Value::to_string);
        return (shown.collect::<Vec<_>>().join(" | "), None);
    }
    if let Some(one) = field.get("const") {
        return (one.to_string(), None);
    }
    let name = match &field["type"] {
        Value::String(name) => name.as_str(),
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("any")
        }
        _ => "any",
    };
    match name {
        "array" => {
            let (items, inner) = kind(&field["items"]);
            (format!("array of {items}"), inner)
        }
        "object" => ("object".to_owned(), Some(field)),
        name => (name.to_owned(), None),
    }
}

/// A value's limits.
fn limits(field: &Value) -> String {
    let mut out = String::new();
    for (low, high, what) in [
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minimum", "maximum", ""),
    ] {
        match (field[low].as_i64(), field[high].as_i64()) {
            (Some(low), Some(high)) => out.push_str(&format!(", {low} to {high}{what}")),
            (Some(low), None) => out.push_str(&format!(", {low} or more{what}")),
            (None, Some(high)) => out.push_str(&format!(", up to {high}{what}")),
            (None, None) => {}
        }
    }
    if let Some(default) = field.get("default").filter(|default| !default.is_null()) {
        out.push_str(&format!(", {default} by default"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::operations::{find, ids};
    use super::*;

    #[test]
    fn a_description_has_everything_a_caller_needs() {
        let told = text(find("im.v2.tag.create").expect("there"), None);
        for part in [
            "im.v2.tag.create: Create a tag\n",
            "POST        /open-apis/im/v2/tags\n",
            "scopes      any of im:tag:write\n",
            "  create_tag  object, required. The tag.\n",
            "    name  string, required, 1 to 255 characters. Its default name.\n",
            "    tag_type  \"tenant\", required. Its type.\n",
            "    i18n_names  array of object, up to 40 items, [] by default. Its names by language.\n",
            "  230001   HTTP 400  param is invalid\n",
            "  402      HTTP 200  duplicate name in tenant\n",
            "duplicate_name (",
            "answer\n  create_tag_fail_reason  object. Why it was not created.\n    duplicate_id  string, required. Its id.\n",
        ] {
            assert!(told.contains(part), "{part:?} is not in:\n{told}");
        }
        let upload = text(find("im.v1.image.create").expect("there"), None);
        assert!(upload.contains("--file image=@PATH"), "{upload}");
    }

    #[test]
    fn every_operation_can_be_described_at_any_width() {
        for entry in ids().map(|id| find(id).expect("there")) {
            let (told, narrow) = (text(entry, None), text(entry, Some(60)));
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&told), words(&narrow), "{}", entry.spec.id);
            for code in entry.spec.codes {
                assert!(
                    told.contains(&format!("  {:<8} HTTP {}", code.number, code.status)),
                    "{}",
                    entry.spec.id
                );
            }
            let value = json(entry);
            for part in ["path", "query", "body", "answer"] {
                assert!(value["fields"][part].is_object(), "{}: {part}", entry.spec.id);
            }
        }
    }
}
