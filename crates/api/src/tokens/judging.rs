//! Whether a token is accepted now, and if not, why: for the gateway, and for those who ask.

use std::sync::Arc;

use larkspur_contract::ids::AppId;
use larkspur_contract::model::UserStatus;
use larkspur_contract::{Code, Fault, Fix, codes};
use larkspur_store::Keys;
use larkspur_store::apps::Scopes;
use larkspur_store::users::Grant;
use serde_json::json;

use super::{Holder, Token, jwt};
use crate::Actor;

/// The code for a bad token, by its prefix. Source: contract A4, probed live.
fn refusal(text: &str) -> Code {
    if text.starts_with("t-") {
        codes::TOKEN_INVALID
    } else if text.starts_with("u-") || text.starts_with("eyJ") {
        codes::USER_TOKEN_INVALID
    } else if text.starts_with("a-") {
        codes::APP_TOKEN_INVALID
    } else {
        codes::TOKEN_PREFIX_UNKNOWN
    }
}

fn bad(text: &str, why: &'static str) -> Fault {
    let kind = match text.get(..2) {
        Some("t-") => "tenant",
        Some("u-" | "ey") => "user",
        Some("a-") => "app",
        _ => "unknown",
    };
    Fault::new(refusal(text), why).by_rule("token").with_fact("token", kind)
}

/// Reads a token of any form and checks its signature; the scopes are those that it is narrowed to.
///
/// # Errors
/// The code for its prefix, if this server did not issue it.
pub fn read(text: &str, keys: &Keys) -> Result<(Token, Option<Scopes>), Fault> {
    let read = match text.starts_with("eyJ") {
        true => jwt::read(text, keys),
        false => Token::read(text, keys).map(|token| (token, None)),
    };
    read.ok_or_else(|| bad(text, "not a token of this server"))
}

/// The refusal of a token whose tenant or app is gone.
pub fn gone(text: &str) -> Fault {
    bad(text, "the tenant, the app or the grant was deleted")
}

/// Who calls with a token that was read, at the time `now` of its tenant, if it is accepted. The scopes are those that it
/// is narrowed to.
///
/// # Errors
/// It has expired, was revoked, or is of an inactive user.
pub fn judge(
    text: &str,
    token: &Token,
    narrowed: Option<&Scopes>,
    grant: Option<Arc<Grant>>,
    now: i64,
) -> Result<Actor, Fault> {
    if token.expires_at <= now {
        return Err(expired(bad(text, "the token has expired"), token, grant.as_deref(), now));
    }
    match (token.holder, grant) {
        (Holder::Tenant, _) => Ok(Actor::Bot),
        (Holder::App, _) => Err(bad(text, "an app token cannot act in a tenant")),
        (Holder::User { number, epoch, family }, Some(grant)) => {
            if grant.epoch != epoch || grant.ended.has(family, now) {
                return Err(revoked(bad(text, "the token was revoked"), token.app, &grant));
            }
            if grant.status != UserStatus::Active {
                let note = format!("the user is {}", grant.status.as_str());
                return Err(inactive(Fault::new(refusal(text), note), &grant));
            }
            Ok(Actor::User { number, grant: narrowed.map_or(grant.clone(), |scopes| narrow(&grant, scopes)) })
        }
        (Holder::User { .. }, None) => Err(bad(text, "the grant was deleted")),
    }
}

/// A grant, limited to what a narrowed token may use.
fn narrow(grant: &Grant, scopes: &Scopes) -> Arc<Grant> {
    let scopes = Scopes::new(grant.scopes.iter().filter(|scope| scopes.has(scope)));
    Arc::new(Grant { scopes, ..grant.clone() })
}

/// Issues a tenant token.
pub fn fresh_app_token(app: AppId) -> Fix {
    Fix::new("larkspur.v1.app.token", vec![("app_id", app.to_string())], json!({}))
}

fn fresh_user_token(app: AppId, grant: &Grant) -> Fix {
    let path = vec![("user_id", grant.user_id.clone())];
    Fix::new("larkspur.v1.user.token", path, json!({"app_id": app.to_string()}))
}

/// A token that has expired, at the world's time `now`.
fn expired(fault: Fault, token: &Token, grant: Option<&Grant>, now: i64) -> Fault {
    let ago = now.saturating_sub(token.expires_at) / 1000;
    let fault = fault
        .by_rule("token_life")
        .with_fact("expired_seconds_ago", ago.to_string())
        .with_fact("expired_at_ms", token.expires_at.to_string())
        .with_fact("world_now_ms", now.to_string());
    match (token.holder, grant) {
        (Holder::Tenant, _) => fault.with_fix(fresh_app_token(token.app)),
        (Holder::User { .. }, Some(grant)) => fault.with_fix(fresh_user_token(token.app, grant)),
        _ => fault,
    }
}

/// A token that was revoked.
fn revoked(fault: Fault, app: AppId, grant: &Grant) -> Fault {
    let fault = fault.by_rule("token_revoked").with_fact("user", grant.user_id.clone());
    fault.with_fix(fresh_user_token(app, grant))
}

/// A token of a user who is not active.
fn inactive(fault: Fault, grant: &Grant) -> Fault {
    let path = vec![("user_id", grant.user_id.clone())];
    fault.by_rule("user_status").with_fact("status", grant.status.as_str()).with_fix(Fix::new(
        "larkspur.v1.user.update",
        path,
        json!({"status": "active"}),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_decides_the_refusal() {
        for (text, code) in [
            ("t-x", codes::TOKEN_INVALID),
            ("u-x", codes::USER_TOKEN_INVALID),
            ("eyJhbGciOiJFUzI1NiIs", codes::USER_TOKEN_INVALID),
            ("a-x", codes::APP_TOKEN_INVALID),
            ("x", codes::TOKEN_PREFIX_UNKNOWN),
            ("T-x", codes::TOKEN_PREFIX_UNKNOWN),
        ] {
            assert_eq!(refusal(text), code, "{text}");
        }
    }
}
