//! Documents that are printed from the registry.

pub mod control;
pub mod coverage;
pub mod errors;
pub mod guide;
pub mod openapi;

use std::sync::OnceLock;

use bytes::Bytes;
use larkspur_api::Entry;

/// The names of the documents that the server shows besides the guide.
pub(crate) const NAMES: [&str; 4] = ["openapi.json", "coverage.md", "errors.md", "larkspur.default.toml"];

/// The documents of a registry, each built when it is first requested.
#[derive(Default)]
pub(crate) struct Documents([OnceLock<Bytes>; NAMES.len()]);

impl Documents {
    /// A document by its name.
    pub(crate) fn get(&self, name: &str, registry: &[&[Entry]]) -> Option<Bytes> {
        let place = NAMES.iter().position(|known| *known == name)?;
        let make = || match name {
            "openapi.json" => openapi::document(registry),
            "coverage.md" => coverage::document(registry, coverage::GAPS),
            "errors.md" => errors::document(registry),
            _ => crate::config::DEFAULTS.to_owned(),
        };
        Some(self.0.get(place)?.get_or_init(|| make().into()).clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::REGISTRY;

    #[test]
    fn every_operation_is_in_every_document() {
        let documents = [
            super::openapi::document(REGISTRY),
            super::coverage::document(REGISTRY, super::coverage::GAPS),
            super::errors::document(REGISTRY),
        ];
        let api: Value = serde_json::from_str(&documents[0]).expect("JSON");
        for spec in REGISTRY.iter().copied().flatten().map(|entry| entry.spec) {
            let method = spec.route.method.name().to_ascii_lowercase();
            let operation = &api["paths"][spec.route.path][&method];
            assert_eq!(operation["operationId"], spec.id);
            let named = spec.route.path.matches('{').count();
            let parameters = operation["parameters"].as_array().expect("a list");
            assert_eq!(parameters.iter().filter(|one| one["in"] == "path").count(), named, "{}", spec.id);
            assert!(!operation["parameters"].to_string().contains("\"null\""), "{}: {parameters:?}", spec.id);
            assert!(documents[1].contains(&format!("\n### {}\n", spec.id)), "{}", spec.id);
            for code in spec.codes {
                assert!(documents[2].contains(&format!("| {} |", code.number)), "{code:?}");
            }
        }
        assert_eq!(documents[0], super::openapi::document(REGISTRY), "the same every time");
    }

    #[test]
    fn a_document_is_made_once() {
        let documents = super::Documents::default();
        for name in super::NAMES {
            let first = documents.get(name, REGISTRY).expect(name);
            // The same bytes in memory, not just equal ones.
            assert_eq!(documents.get(name, &[]).expect(name).as_ptr(), first.as_ptr(), "{name}");
        }
        assert_eq!(documents.get("other", REGISTRY), None);
    }

    /// Every schema of a document, and the descriptions of everything.
    fn walk(value: &Value, schemas: &mut Vec<Value>, texts: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if members.contains_key("type") || members.contains_key("properties") {
                    schemas.push(value.clone());
                }
                for (name, member) in members {
                    if let (Some(text), "description" | "summary") = (member.as_str(), name.as_str()) {
                        texts.push(text.to_owned());
                    }
                    walk(member, schemas, texts);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, schemas, texts)),
            _ => {}
        }
    }

    #[test]
    fn openapi_says_nothing_of_the_code() {
        let api: Value = serde_json::from_str(&super::openapi::document(REGISTRY)).expect("JSON");
        let (mut schemas, mut texts) = (Vec::new(), Vec::new());
        walk(&api, &mut schemas, &mut texts);
        assert!(schemas.len() > 500 && texts.len() > 500);
        for text in texts {
            for word in ["Debug", "`None`", "`Some`", "serde", "struct", "Rust", "[`", "::", " enum"] {
                assert!(!text.contains(word), "{text:?} speaks of the code");
            }
            assert!(!text.contains('\n'), "{text:?} is folded as in the source");
        }
        for schema in schemas {
            // A text would be the name of a type; an object is a field with this name.
            assert!(schema["title"].is_null() || schema["title"].is_object(), "{schema}");
            let format = schema["format"].as_str().unwrap_or("int64");
            assert!(["int32", "int64", "float", "double", "binary"].contains(&format), "{format}");
        }
    }
}
