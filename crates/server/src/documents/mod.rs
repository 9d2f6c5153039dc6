//! Documents that are printed from the registry.

pub mod coverage;
pub mod errors;
pub mod openapi;

use larkspur_contract::{Access, Scope, Spec, Tokens};

/// Who may call an operation, in words.
pub(crate) fn access_text(spec: &Spec) -> &'static str {
    match spec.access {
        Access::Open => "open",
        Access::Control => "control key",
        Access::App => "app",
        Access::Token { tokens: Tokens::Tenant, .. } => "tenant",
        Access::Token { tokens: Tokens::User, .. } => "user",
        Access::Token { tokens: Tokens::TenantOrUser, .. } => "tenant or user",
    }
}

/// The scopes of which one is enough.
pub(crate) fn scopes_of(spec: &Spec) -> &'static [Scope] {
    match spec.access {
        Access::Token { scopes, .. } => scopes,
        Access::Open | Access::Control | Access::App => &[],
    }
}

#[cfg(test)]
mod tests {
    use larkspur_api::REGISTRY;
    use serde_json::Value;

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
}
