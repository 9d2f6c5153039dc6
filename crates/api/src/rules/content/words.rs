//! What a person can read of stored content, for searches.

use serde_json::Value;

/// Members whose text is not shown to people: types, ids, keys, forms and addresses.
const HIDDEN: &[&str] = &[
    "tag",
    "style",
    "user_id",
    "chat_id",
    "card_id",
    "template_id",
    "element_id",
    "image_key",
    "file_key",
    "img_key",
    "href",
    "url",
    "type",
    "config",
    "schema",
    "value",
    "language",
    "emoji_type",
];

/// The readable texts of stored content, one in a line. Content that is not JSON is returned as it is.
pub fn words(content: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(content) else { return content.to_owned() };
    let mut found = String::new();
    add(&value, &mut found);
    found
}

/// Adds the texts in a value. The depth is that which the parser of JSON allows.
fn add(value: &Value, found: &mut String) {
    match value {
        Value::String(text) => {
            found.push_str(text);
            found.push('\n');
        }
        Value::Array(list) => list.iter().for_each(|inner| add(inner, found)),
        Value::Object(members) => {
            let shown = members.iter().filter(|(name, _)| !HIDDEN.contains(&name.as_str()));
            shown.for_each(|(_, inner)| add(inner, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_shown_is_found() {
        assert_eq!(words(r#"{"text":"hello"}"#), "hello\n");
        let post =
            r#"{"title":"T","content":[[{"tag":"a","href":"https://x","text":"link","style":["bold"]}]]}"#;
        let found = words(post);
        assert!(found.contains("T\n") && found.contains("link\n") && !found.contains("bold"), "{found}");
        assert_eq!(words(r#"{"image_key":"img_x"}"#), "");
        assert_eq!(words("bare words"), "bare words");
    }
}
