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
        Access::Token { tokens: Tokens::Tenant, .. } => "tenant",
        Access::Token { tokens: Tokens::User, .. } => "user",
        Access::Token { tokens: Tokens::TenantOrUser, .. } => "tenant or user",
    }
}

/// The scopes of which one is enough.
pub(crate) fn scopes_of(spec: &Spec) -> &'static [Scope] {
    match spec.access {
        Access::Token { scopes, .. } => scopes,
        Access::Open | Access::Control => &[],
    }
}
