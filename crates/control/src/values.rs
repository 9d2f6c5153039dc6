//! Limits and formats of values in control operations.

use larkspur_contract::{Fault, codes};
use larkspur_store::apps;
use schemars::Schema;
use serde_json::Value;

/// The most that a clock may be moved or a token may live, in milliseconds: a hundred years, so that no sum overflows.
pub(crate) const TIME_MAX_MS: i64 = 100 * 365 * 24 * 3600 * 1000;

/// A refusal of a value: 5275400.
pub(crate) fn invalid(field: &str, value: Option<&str>, why: &str) -> Fault {
    Fault::new(codes::CONTROL_PARAM_INVALID, format!("{field}: {why}")).with_violation(field, value, why)
}

/// Marks a list in its schema as a list of scopes: the gateway refuses unknown ones.
pub(crate) fn scope_list(schema: &mut Schema) {
    each(schema, "scope");
}

/// Marks a list in its schema as a list of URLs.
pub(crate) fn address_list(schema: &mut Schema) {
    each(schema, "http-address");
    if let Some(items) = schema.get_mut("items").and_then(Value::as_object_mut) {
        items.insert("maxLength".to_owned(), larkspur_api::rules::oauth::ADDRESS_MAX.into());
    }
}

/// Removes the defaults from a schema in which absent members are unchanged.
pub(crate) fn without_defaults(schema: &mut Schema) {
    fn take(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.remove("default");
                map.values_mut().for_each(take);
            }
            Value::Array(list) => list.iter_mut().for_each(take),
            _ => {}
        }
    }
    if let Some(map) = schema.as_object_mut() {
        map.values_mut().for_each(take);
        map.remove("default");
    }
}

fn each(schema: &mut Schema, form: &str) {
    if let Some(items) = schema.get_mut("items").and_then(Value::as_object_mut) {
        items.insert("format".to_owned(), form.into());
    }
}

/// The scopes of a list that the gateway has checked.
pub(crate) fn scopes(list: &[String]) -> apps::Scopes {
    apps::Scopes::new(list.iter().map(String::as_str))
}

/// The first `length` base-36 digits, in lower case, of a random number; at most 24 of them are random.
pub(crate) fn word(mut random: u128, length: usize) -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    for _ in 0..length {
        text.push(char::from(DIGITS[(random % 36) as usize]));
        random /= 36;
    }
    text
}

#[cfg(test)]
mod tests {
    use larkspur_contract::forms::Form;

    use super::*;

    #[test]
    fn words_have_the_requested_length_and_differ() {
        let (one, other) = (word(1, 8), word(2, 8));
        assert_eq!((one.len(), other.len()), (8, 8));
        assert_ne!(one, other);
        assert_eq!(Form::UserId.wrong(&word(u128::MAX, 24)), None);
    }
}
