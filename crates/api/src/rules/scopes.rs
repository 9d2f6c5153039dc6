//! To which identity a scope is granted.

use larkspur_contract::scopes::OFFLINE_ACCESS;
use schemars::JsonSchema;
use serde::Serialize;

/// In whose name a scope may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// In the app's own.
    Tenant,
    /// In that of a user who grants it.
    User,
}

/// The identities to which a scope of an app is granted: both, since an app has one list of scopes; `offline_access` means
/// something for users alone.
pub fn identities(scope: &str) -> &'static [Identity] {
    match scope == OFFLINE_ACCESS {
        true => &[Identity::User],
        false => &[Identity::Tenant, Identity::User],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_an_identity() {
        for scope in larkspur_contract::scopes::ALL {
            assert!(identities(scope).contains(&Identity::User), "{scope}");
        }
        assert!(!identities(OFFLINE_ACCESS).contains(&Identity::Tenant));
    }
}
