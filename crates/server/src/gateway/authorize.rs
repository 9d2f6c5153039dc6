//! Step 3: checks that the app is enabled and has one of the scopes.

use larkspur_api::{Actor, Call, Caller};
use larkspur_contract::model::{InstallStatus, ScopeChecks};
use larkspur_contract::{Access, Bot, Fault, Permission, Scope, Spec, Tokens, codes};

use super::why;

/// Refuses disabled apps, and callers without any of the scopes. Returns the refusal of a caller that the tenant's settings
/// let through without a scope.
pub(super) fn authorize(spec: &Spec, caller: &Caller) -> Result<Option<Fault>, Fault> {
    let (Access::Token { bot, .. }, Caller::Token(call)) = (spec.access, caller) else { return Ok(None) };
    let scopes = needed(spec, call);
    if bot == Bot::NotRequired {
        match call.app.status {
            InstallStatus::Enabled => {}
            InstallStatus::Disabled => {
                let fault = Fault::new(codes::APP_DISABLED, "the tenant has disabled the app");
                return Err(why::not_in_use(fault, call));
            }
            InstallStatus::Uninstalled => {
                let fault = Fault::new(codes::APP_NOT_INSTALLED, "the tenant has uninstalled the app");
                return Err(why::not_in_use(fault, call));
            }
        }
    }
    if scopes.is_empty() || scopes.iter().any(|scope| call.has_scope(scope)) {
        return Ok(None);
    }
    let code = match call.actor {
        Actor::Bot => codes::SCOPE_MISSING,
        Actor::User { .. } => codes::USER_SCOPE_MISSING,
    };
    let fault = Fault::new(code, "none of the scopes").with_permissions(permissions(spec, call));
    let fault = why::scopes(fault, call, scopes);
    if call.policy.permissions() == ScopeChecks::Soft { Ok(Some(fault)) } else { Err(fault) }
}

/// The scopes of which a caller needs one.
fn needed(spec: &Spec, call: &Call) -> &'static [Scope] {
    let Access::Token { tokens, scopes, .. } = spec.access else { return &[] };
    match (tokens, &call.actor) {
        (Tokens::Tenant, Actor::User { .. }) => call.settings.user_scopes(spec).unwrap_or(scopes),
        _ => scopes,
    }
}

/// The same, as a refusal lists them.
pub(super) fn permissions(spec: &Spec, call: &Call) -> Vec<Permission> {
    let kind = match call.actor {
        Actor::Bot => "action_scope_required",
        Actor::User { .. } => "action_privilege_required",
    };
    needed(spec, call).iter().map(|subject| Permission { kind, subject }).collect()
}
