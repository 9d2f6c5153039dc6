//! Exchanges codes and refresh tokens for a user's session: one set of rules, with the codes of two API generations.

use larkspur_contract::ids::TenantKey;
use larkspur_contract::scopes::OFFLINE_ACCESS;
use larkspur_contract::{Fault, codes};
use larkspur_store::apps::App;
use larkspur_store::{Root, Tx, oauth, tenants, users};

use super::session::{Form, Session, session};
use crate::rules::oauth::Spent;
use crate::tokens::{self, LIFE_MS};
use crate::{RootCall, rules};

/// Opens the tenant that a code or token starts with.
async fn home(root: &mut Root, call: &RootCall, text: &str) -> Result<Option<(Tx, i64)>, Fault> {
    let Some(tenant) = text.get(..16).and_then(TenantKey::parse) else { return Ok(None) };
    let mut tx = root.tenant(tenant);
    let found = tenants::get(&mut tx).await?;
    Ok(found.map(|found| (tx, call.now + found.clock_offset_ms)))
}

/// Ends a sign-in whose code or refresh token was used twice, because an attacker may have it. Every token that the
/// code produced is revoked (RFC 6749, 4.1.2; RFC 9700, 4.14.2).
async fn end(tx: &mut Tx, app: &App, user_id: &str, family: &str, now: i64) -> Result<(), Fault> {
    if family.is_empty() {
        return Ok(());
    }
    oauth::end_family(tx, family).await?;
    if let Some(user) = users::by_id(tx, user_id).await? {
        let number = tokens::family(family);
        // The last of its tokens was issued now at the latest, and its expiry was rounded up.
        users::end_sign_in(tx, app.app_id, &user, number, now, now + LIFE_MS + 1000).await?;
    }
    Ok(())
}

/// Whether the caller's verifier matches the code. A verifier for a code without a challenge does not match:
/// an attacker may have removed the challenge (RFC 9700, 2.1.1).
fn verifier_fits(code: &oauth::AuthCode, verifier: Option<&str>) -> bool {
    let given = verifier.unwrap_or_default();
    if code.challenge.is_empty() {
        return given.is_empty();
    }
    rules::oauth::verifies(&code.challenge, &code.challenge_method, given)
}

/// Exchanges a code.
pub(crate) async fn by_code(
    root: &mut Root,
    call: &RootCall,
    form: Form,
    app: &App,
    code: &str,
    redirect_uri: Option<&str>,
    verifier: Option<&str>,
) -> Result<Session, Fault> {
    let unknown = || form.fault(codes::OAUTH_CODE_NOT_FOUND, codes::AUTHEN_CODE_INVALID, "no such code");
    let (mut tx, now) = home(root, call, code).await?.ok_or_else(unknown)?;
    let hash = call.engine.keys.hash_secret(code);
    let found = oauth::code(&mut tx, &hash).await?.ok_or_else(unknown)?;
    let used = || form.fault(codes::OAUTH_CODE_USED, codes::AUTHEN_CODE_INVALID, "the code was used");
    if found.app_id != app.app_id {
        return Err(mismatch(form));
    }
    if found.used {
        end(&mut tx, app, &found.user_id, &hash, now).await?;
        return Err(used().keeping_writes());
    }
    if found.expires_at <= now {
        return Err(form.fault(
            codes::OAUTH_CODE_EXPIRED,
            codes::AUTHEN_CODE_EXPIRED,
            "the code has expired",
        ));
    }
    if redirect_uri.is_some_and(|uri| uri != found.redirect_uri) {
        return Err(Fault::new(codes::OAUTH_REDIRECT_MISMATCH, "the code was sent to another URL"));
    }
    if !verifier_fits(&found, verifier) {
        // The historic endpoints have no verifier, so they do not accept codes with a challenge.
        return Err(form.fault(
            codes::OAUTH_PKCE,
            codes::AUTHEN_CODE_INVALID,
            "the code_verifier does not match",
        ));
    }
    let session = session(tx, form, app, &found.user_id, now, (now, &hash)).await?;
    let mut session = session.ok_or_else(unknown)?;
    if !oauth::use_code(&mut session.tx, &hash, now).await? {
        end(&mut session.tx, app, &found.user_id, &hash, now).await?;
        return Err(used().keeping_writes());
    }
    Ok(session)
}

/// Exchanges a refresh token.
pub(crate) async fn by_refresh(
    root: &mut Root,
    call: &RootCall,
    form: Form,
    app: &App,
    token: &str,
) -> Result<Session, Fault> {
    let unknown = || form.fault(codes::OAUTH_REFRESH_INVALID, codes::AUTHEN_REFRESH_INVALID, "no such token");
    let body = token.strip_prefix("ur-").ok_or_else(unknown)?;
    let (mut tx, now) = home(root, call, body).await?.ok_or_else(unknown)?;
    let hash = call.engine.keys.hash_secret(token);
    let found = oauth::refresh(&mut tx, &hash).await?.ok_or_else(unknown)?;
    let used = || form.fault(codes::OAUTH_REFRESH_USED, codes::AUTHEN_REFRESH_INVALID, "the token was used");
    let revoked =
        || form.fault(codes::OAUTH_REFRESH_REVOKED, codes::AUTHEN_REFRESH_INVALID, "the grant was revoked");
    if found.app_id != app.app_id {
        return Err(mismatch(form));
    }
    match rules::oauth::spent(&found, now) {
        Some(Spent::Used) => {
            end(&mut tx, app, &found.user_id, &found.family, now).await?;
            return Err(used().keeping_writes());
        }
        Some(Spent::Expired) => {
            return Err(form.fault(
                codes::OAUTH_REFRESH_EXPIRED,
                codes::AUTHEN_REFRESH_EXPIRED,
                "the token has expired",
            ));
        }
        Some(Spent::Revoked) => return Err(revoked()),
        None => {}
    }
    let session = session(tx, form, app, &found.user_id, now, (found.authorized_at, &found.family)).await?;
    let mut session = session
        .filter(|session| rules::oauth::is_of_grant(&found, session.grant.epoch))
        .ok_or_else(revoked)?;
    let allowed = session.install.scopes.has(OFFLINE_ACCESS) && session.grant.scopes.has(OFFLINE_ACCESS);
    if form == Form::OAuth && !allowed {
        return Err(Fault::new(codes::OAUTH_REFRESH_NOT_ALLOWED, "offline_access is no longer granted"));
    }
    if !oauth::use_refresh(&mut session.tx, &hash, now).await? {
        end(&mut session.tx, app, &found.user_id, &found.family, now).await?;
        return Err(used().keeping_writes());
    }
    Ok(session)
}

fn mismatch(form: Form) -> Fault {
    form.fault(codes::OAUTH_CLIENT_MISMATCH, codes::AUTHEN_CLIENT_MISMATCH, "it was issued to another app")
}
