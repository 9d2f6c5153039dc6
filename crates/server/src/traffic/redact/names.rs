//! The names that an answer may have, by its schema. Most operations answer with no name that a secret could have; then only values
//! have to be looked at.

use serde_json::Value;

use super::{has_rule, is_secret};

/// Whether no answer of this schema has a name of a secret, or a name that is not in the schema. If in doubt, it says no.
pub(crate) fn are_plain(schema: &Value) -> bool {
    let Value::Object(schema) = schema else { return *schema == Value::Bool(false) };
    let mut is_known = schema.contains_key("const") || schema.contains_key("enum");
    for (word, inner) in schema {
        let plain = match (word.as_str(), inner) {
            ("$ref" | "$dynamicRef" | "patternProperties" | "unevaluatedProperties", _) => false,
            ("additionalProperties", inner) => *inner == Value::Bool(false),
            ("properties", Value::Object(members)) => {
                members.iter().all(|(name, inner)| is_plain(name.as_bytes()) && are_plain(inner))
            }
            ("items", inner) => are_plain(inner),
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(all)) => {
                is_known |= word != "prefixItems";
                all.iter().all(are_plain)
            }
            ("type", kind) => {
                is_known = true;
                let has = |name: &str| {
                    *kind == name || kind.as_array().is_some_and(|all| all.contains(&name.into()))
                };
                let is_open = has("object")
                    && !schema.contains_key("properties")
                    && schema.get("additionalProperties") != Some(&Value::Bool(false));
                !(is_open || has("array") && !schema.contains_key("items"))
            }
            _ => true,
        };
        if !plain {
            return false;
        }
    }
    is_known
}

fn is_plain(name: &[u8]) -> bool {
    !is_secret(name) && !has_rule(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_names_that_no_secret_has() {
        let object = |members: Value| json!({"type": "object", "properties": members});
        let text = json!({"type": ["string", "null"]});
        for plain in [
            text.clone(),
            object(json!({"name": text, "items": {"type": "array", "items": object(json!({"id": text}))}})),
            json!({"anyOf": [text, {"const": 1}]}),
            json!({"type": "object", "additionalProperties": false}),
        ] {
            assert!(are_plain(&plain), "{plain}");
        }
        for doubtful in [
            json!(true),
            json!({}),
            json!({"type": "object"}),
            json!({"type": "array"}),
            json!({"type": "object", "additionalProperties": text}),
            object(json!({"app_secret": text})),
            object(json!({"field": text})),
            object(json!({"any": true})),
            object(json!({"list": {"type": "array", "items": object(json!({"ticket": text}))}})),
            json!({"anyOf": [text, {"$ref": "#"}]}),
        ] {
            assert!(!are_plain(&doubtful), "{doubtful}");
        }
    }

    /// Every name below `properties` in a schema, however deep.
    fn names(schema: &Value, found: &mut Vec<String>) {
        if let Some(members) = schema.get("properties").and_then(Value::as_object) {
            found.extend(members.keys().cloned());
        }
        match schema {
            Value::Object(members) => members.values().for_each(|inner| names(inner, found)),
            Value::Array(items) => items.iter().for_each(|inner| names(inner, found)),
            _ => {}
        }
    }

    #[test]
    fn of_the_operations_only_those_without_a_secret_name() {
        let mut plain = Vec::new();
        for entry in crate::REGISTRY.iter().copied().flatten() {
            let output = entry.schemas().output;
            if are_plain(&output) {
                let mut found = Vec::new();
                names(&output, &mut found);
                assert!(
                    found.iter().all(|name| super::is_plain(name.as_bytes())),
                    "{}: {found:?}",
                    entry.spec.id
                );
                plain.push(entry.spec.id);
            }
        }
        for wanted in ["im.v2.tag.list", "im.v1.chat.get", "im.v1.message.create"] {
            assert!(plain.contains(&wanted), "{wanted}");
        }
        for secret in
            ["auth.v3.tenant_access_token.internal", "larkspur.v1.world.create", "larkspur.v1.traffic.get"]
        {
            assert!(!plain.contains(&secret), "{secret}");
        }
    }
}
