//! The difference of two JSON values, field by field.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// The most differences that are listed.
const MOST: usize = 200;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// Its path, such as `request.body.name`.
    pub path: String,
    /// Its first value; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<Value>,
    /// Its second value; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<Value>,
}

/// The fields in which two values differ, at most 200 of them.
pub fn diff(path: &str, a: &Value, b: &Value, out: &mut Vec<Change>) {
    if a == b || out.len() >= MOST {
        return;
    }
    match (a, b) {
        (Value::Object(one), Value::Object(other)) => {
            let added = other.keys().filter(|name| !one.contains_key(*name));
            for name in one.keys().chain(added) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                sides(&path, one.get(name), other.get(name), out);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for index in 0..one.len().max(other.len()) {
                sides(&format!("{path}[{index}]"), one.get(index), other.get(index), out);
            }
        }
        _ => out.push(Change { path: path.to_owned(), a: Some(a.clone()), b: Some(b.clone()) }),
    }
}

fn sides(path: &str, a: Option<&Value>, b: Option<&Value>, out: &mut Vec<Change>) {
    match (a, b) {
        (Some(a), Some(b)) => diff(path, a, b, out),
        (None, None) => {}
        (a, b) if out.len() < MOST => {
            out.push(Change { path: path.to_owned(), a: a.cloned(), b: b.cloned() });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changed_added_and_gone() {
        let mut out = Vec::new();
        diff(
            "",
            &json!({"a": 1, "b": [1, {"c": 2}], "d": 0}),
            &json!({"a": 1, "b": [1, {"c": 3}, 4], "e": 5}),
            &mut out,
        );
        let shown: Vec<_> = out.iter().map(|one| (one.path.as_str(), one.a.clone(), one.b.clone())).collect();
        assert_eq!(
            shown,
            [
                ("b[1].c", Some(json!(2)), Some(json!(3))),
                ("b[2]", None, Some(json!(4))),
                ("d", Some(json!(0)), None),
                ("e", None, Some(json!(5))),
            ]
        );
    }
}
