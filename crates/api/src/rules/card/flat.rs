//! A card in the simplified form that messages are read in: a title and rows of nodes.

use serde_json::{Value, json};

use super::render::{inline, text_of};
use super::{Schema, schema_of, walk, word};

/// What readers of a card get that has no simplified form. Source: live answers.
const NEWER_CLIENT: &str = "请升级至最新版本客户端，以查看内容";

/// `{"title", "elements": [[node, …], …]}`.
pub(super) fn flat(card: &Value) -> Value {
    if card.get("type").is_some() || schema_of(card) != Some(Schema::V1) {
        return json!({"title": null, "elements": [[{"tag": "text", "text": NEWER_CLIENT}]]});
    }
    let title = card.get("header").and_then(|header| header.get("title"));
    let title = title.map_or(Value::Null, |title| Value::String(text_of(title, "").to_owned()));
    let mut rows = Vec::new();
    for element in walk::elements(card, "") {
        add(element, &mut rows);
    }
    json!({"title": title, "elements": rows})
}

/// Adds the rows of an element.
fn add(element: &Value, rows: &mut Vec<Vec<Value>>) {
    let Some(map) = element.as_object() else { return };
    match word(map, "tag") {
        "div" => {
            let mut row = element.get("text").map(text).unwrap_or_default();
            row.extend(element.get("extra").map(node));
            if !row.is_empty() {
                rows.push(row);
            }
            let fields =
                element.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            rows.extend(fields.iter().filter_map(|field| field.get("text")).map(text));
        }
        "markdown" => rows.push(text(element)),
        "action" => {
            let actions = element.get("actions").and_then(Value::as_array);
            rows.push(actions.map(|all| all.iter().map(node).collect()).unwrap_or_default());
        }
        "column_set" | "form" | "collapsible_panel" | "interactive_container" => {
            for (_, child) in walk::children(element) {
                add(child, rows);
            }
        }
        _ => rows.push(vec![node(element)]),
    }
}

/// One element as a node.
fn node(element: &Value) -> Value {
    let Some(map) = element.as_object() else { return json!({"tag": "text", "text": ""}) };
    let label = |name: &str| element.get(name).map(|part| text_of(part, "")).unwrap_or_default();
    let tag = word(map, "tag");
    match tag {
        "img" => json!({"tag": "img", "image_key": word(map, "img_key")}),
        "button" => {
            let kind = Some(word(map, "type")).filter(|kind| !kind.is_empty()).unwrap_or("default");
            json!({"tag": "button", "text": label("text"), "type": kind})
        }
        "select_static" | "multi_select_static" | "select_person" | "multi_select_person" => {
            json!({"tag": tag, "options": options(element), "placeholder": label("placeholder")})
        }
        "overflow" => json!({"tag": tag, "options": options(element)}),
        "date_picker" => {
            json!({"tag": tag, "initial_date": word(map, "initial_date"), "placeholder": label("placeholder")})
        }
        "picker_time" => {
            json!({"tag": tag, "initial_time": word(map, "initial_time"), "placeholder": label("placeholder")})
        }
        "picker_datetime" => {
            json!({"tag": tag, "initial_datetime": word(map, "initial_datetime"), "placeholder": label("placeholder")})
        }
        "note" => {
            let parts =
                element.get("elements").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let parts = parts.iter().flat_map(|part| match part["tag"].as_str() {
                Some("plain_text" | "lark_md") => text(part),
                _ => vec![node(part)],
            });
            json!({"tag": "note", "elements": parts.collect::<Vec<_>>()})
        }
        "plain_text" | "lark_md" => json!({"tag": "text", "text": text_of(element, "")}),
        _ => json!({"tag": tag}),
    }
}

/// The texts of the options of a menu.
fn options(element: &Value) -> Vec<&str> {
    let list = element.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|option| option.get("text").map(|text| text_of(text, "")).unwrap_or_default()).collect()
}

/// A text as nodes: `text`, `a` and `at`. Styles are dropped.
fn text(part: &Value) -> Vec<Value> {
    let content = text_of(part, "");
    if part["tag"] == "plain_text" {
        return vec![json!({"tag": "text", "text": content})];
    }
    let (mut nodes, mut plain) = (Vec::new(), String::new());
    for span in inline::spans(content) {
        let special = match (&span.at, &span.href) {
            (Some(at), _) => json!({"tag": "at", "user_id": at.id, "user_name": span.text}),
            (None, Some(href)) => json!({"tag": "a", "href": href, "text": span.text}),
            (None, None) => {
                plain.push_str(&span.text);
                continue;
            }
        };
        flush(&mut plain, &mut nodes);
        nodes.push(special);
    }
    flush(&mut plain, &mut nodes);
    nodes
}

fn flush(plain: &mut String, nodes: &mut Vec<Value>) {
    if !plain.is_empty() {
        nodes.push(json!({"tag": "text", "text": std::mem::take(plain)}));
    }
}
