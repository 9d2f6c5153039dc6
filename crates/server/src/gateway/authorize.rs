//! Step 3: checks that the app is enabled and has one of the scopes.

use larkspur_api::{Actor, Caller};
use larkspur_contract::model::InstallStatus;
use larkspur_contract::{Access, Bot, Fault, Permission, Spec, Tokens, codes};

use super::why;

/// Refuses disabled apps, and callers without any of the scopes.
pub(super) fn authorize(spec: &Spec, caller: &Caller) -> Result<(), Fault> {
    let (Access::Token { tokens, scopes, bot }, Caller::Token(call)) = (spec.access, caller) else {
        return Ok(());
    };
    let scopes = match (tokens, &call.actor) {
        (Tokens::Tenant, Actor::User { .. }) => call.settings.user_scopes(spec).unwrap_or(scopes),
        _ => scopes,
    };
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
        return Ok(());
    }
    let (code, kind) = match call.actor {
        Actor::Bot => (codes::SCOPE_MISSING, "action_scope_required"),
        Actor::User { .. } => (codes::USER_SCOPE_MISSING, "action_privilege_required"),
    };
    let permissions = scopes.iter().map(|subject| Permission { kind, subject }).collect();
    let fault = Fault::new(code, "none of the scopes").with_permissions(permissions);
    Err(why::scopes(fault, call, scopes))
}
