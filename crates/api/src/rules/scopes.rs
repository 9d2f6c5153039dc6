//! The identities that a scope is granted to.

use larkspur_contract::scopes::OFFLINE_ACCESS;
use schemars::JsonSchema;
use serde::Serialize;

/// The identity that a scope is used with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The app itself.
    Tenant,
    /// A user who grants it.
    User,
}

/// The identities that a scope of an app is granted to: both, since an app has one list of scopes. `offline_access` is
/// meaningful only for users.
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
