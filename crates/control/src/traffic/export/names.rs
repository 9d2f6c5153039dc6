//! Values that an answer gave and a later request sent: in a test they become variables, so that it works in any world.

use serde_json::Value;

use crate::traffic::Entry;

/// The fewest bytes of a value that is carried on.
const SHORTEST: usize = 6;

/// A value of an answer that a later call sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried {
    /// The variable.
    pub(super) name: String,
    /// The index of the call that answers it.
    pub(super) from: usize,
    /// Where it is in the answer: member names and indices.
    pub(super) path: Vec<Key>,
    /// The value in the recorded calls.
    pub(super) value: String,
}

/// A step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// A member.
    Name(String),
    /// An element.
    Index(usize),
}

/// The values that answers gave and later requests sent, the first of each.
pub(super) fn carried(calls: &[Entry]) -> Vec<Carried> {
    let mut found: Vec<Carried> = Vec::new();
    for (from, call) in calls.iter().enumerate() {
        let later = calls.get(from + 1..).unwrap_or_default();
        let sent: Vec<String> = later
            .iter()
            .map(|call| format!("{} {} {}", call.row.path, call.request.query, call.request.body))
            .collect();
        let mut leaves = Vec::new();
        collect(&call.answer.body, &mut Vec::new(), &mut leaves);
        for (path, value) in leaves {
            let known = found.iter().any(|known| known.value == value);
            if known
                || value.len() < SHORTEST
                || !is_id(&value)
                || !sent.iter().any(|text| text.contains(&value))
            {
                continue;
            }
            let leaf = path.iter().rev().find_map(|key| match key {
                Key::Name(name) => Some(name.as_str()),
                Key::Index(_) => None,
            });
            let name = format!("{}_{}", leaf.unwrap_or("value"), found.len() + 1);
            let name = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            found.push(Carried { name, from, path, value });
        }
    }
    found
}

/// Only ids: other texts occur by chance.
fn is_id(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        && value.bytes().any(|byte| byte.is_ascii_digit())
}

fn collect(value: &Value, path: &mut Vec<Key>, out: &mut Vec<(Vec<Key>, String)>) {
    match value {
        Value::String(text) => out.push((path.clone(), text.clone())),
        Value::Array(list) => {
            for (index, element) in list.iter().enumerate() {
                path.push(Key::Index(index));
                collect(element, path, out);
                path.pop();
            }
        }
        Value::Object(map) => {
            for (name, member) in map {
                path.push(Key::Name(name.clone()));
                collect(member, path, out);
                path.pop();
            }
        }
        _ => {}
    }
}
