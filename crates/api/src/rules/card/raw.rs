//! A card as `raw_card_content` shows it: the platform's internal tree, in which the fields of each element are under
//! `property`. Source: programs that read it.

use serde_json::{Map, Value, json};

use super::{Schema, schema_of, walk};

/// The wrapper: `json_card` and `json_attachment` are JSON in strings.
pub(super) fn raw(card: &Value) -> Value {
    let schema = match schema_of(card) {
        Some(Schema::V1) if card.get("type").is_none() => 1,
        _ => 2,
    };
    let mut numbers = 0;
    let elements = walk::elements(card, "");
    let elements: Vec<Value> = elements.iter().map(|element| tree(element, &mut numbers)).collect();
    let mut body = Map::new();
    if let Some(Value::Object(given)) = card.get("body") {
        let others = given.iter().filter(|(name, _)| *name != "elements");
        body.extend(others.map(|(name, value)| (name.clone(), value.clone())));
    }
    body.insert("elements".to_owned(), Value::Array(elements));
    let mut all = Map::new();
    all.insert("schema".to_owned(), json!(schema));
    for name in ["config", "card_link"] {
        if let Some(value) = card.get(name) {
            all.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(Value::Object(header)) = card.get("header") {
        let inside: Map<String, Value> =
            header.iter().map(|(name, value)| (name.clone(), tree(value, &mut numbers))).collect();
        all.insert("header".to_owned(), json!({"tag": "card_header", "property": inside}));
    }
    all.insert("body".to_owned(), json!({"tag": "body", "property": body}));
    json!({
        "json_card": Value::Object(all).to_string(),
        "json_attachment": "{}",
        "card_schema": schema,
    })
}

/// A value in which every object with a tag has its other fields under `property`. Elements without an `element_id` are
/// numbered.
fn tree(value: &Value, numbers: &mut usize) -> Value {
    match value {
        Value::Array(list) => list.iter().map(|inside| tree(inside, numbers)).collect(),
        Value::Object(map) => {
            let Some(Value::String(tag)) = map.get("tag") else {
                return map.iter().map(|(name, inside)| (name.clone(), tree(inside, numbers))).collect();
            };
            let id = map.get("element_id").cloned().unwrap_or_else(|| {
                *numbers += 1;
                Value::String(numbers.to_string())
            });
            let fields = map.iter().filter(|(name, _)| !matches!(name.as_str(), "tag" | "element_id"));
            let fields: Map<String, Value> = fields
                .map(|(name, inside)| match name.as_str() {
                    "value" | "behaviors" | "chart_spec" | "rows" => (name.clone(), inside.clone()),
                    _ => (name.clone(), tree(inside, numbers)),
                })
                .collect();
            json!({"tag": tag, "id": id, "property": fields})
        }
        other => other.clone(),
    }
}
