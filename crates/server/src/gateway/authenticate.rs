//! Step 2: finds out who calls.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use larkspur_api::pages::Frame;
use larkspur_api::tokens::{Holder, Token, judging};
use larkspur_api::{Actor, Call, Caller, Presented, RootCall};
use larkspur_contract::ids::AppId;
use larkspur_contract::{Access, Effect, Fault, Spec, Tokens, codes};
use larkspur_store::StoreError;
use larkspur_store::token_lookup::{self, TokenRecords, TokenSubject};

use super::{Trace, decode, own, why};
use crate::App;

/// Base64 as clients write it, with and without padding.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Identifies the caller, or returns why it cannot, and notes the settings of its tenant. `now` is the real time.
pub(super) async fn authenticate(
    app: &App,
    spec: &Spec,
    (authorization, now): (Option<&str>, i64),
    trace: &mut Trace,
) -> Result<Caller, Fault> {
    let bearer = authorization.and_then(|header| header.strip_prefix("Bearer ")).map(str::trim);
    match spec.access {
        Access::Open => Ok(root(app, now, basic(authorization).unwrap_or(Presented::Nothing))),
        Access::AppOrBody if bearer.is_none() => Ok(root(app, now, Presented::Nothing)),
        Access::App | Access::AppOrBody => {
            let text = bearer.unwrap_or_default();
            Ok(root(app, now, Presented::App(by_app_token(app, spec.effect, (text, now), trace).await?)))
        }
        Access::Control => {
            let given = bearer.ok_or_else(|| Fault::new(codes::CONTROL_KEY_INVALID, "no control key"))?;
            if !app.engine.keys.secret_matches(given, &app.control_hash) {
                return Err(Fault::new(codes::CONTROL_KEY_INVALID, "wrong control key"));
            }
            Ok(root(app, now, Presented::Nothing))
        }
        Access::Token { tokens, .. } => {
            let text = bearer.filter(|text| !text.is_empty()).ok_or_else(|| missing(authorization))?;
            let call = by_token(app, spec.effect, (text, now), trace).await?;
            match (tokens, &call.actor) {
                (Tokens::User, Actor::Bot) => {
                    let fault =
                        Fault::new(codes::TOKEN_INVALID, "a tenant token, and only users can call this");
                    Err(why::kind(fault, "tenant", "user"))
                }
                (Tokens::Tenant, Actor::User { .. }) if call.settings.user_scopes(spec).is_none() => {
                    let note = "a user token, and only apps can call this";
                    let fault = Fault::new(codes::USER_TOKEN_UNSUPPORTED, note);
                    Err(why::kind(fault, "user", "tenant")
                        .with_fix(judging::fresh_app_token(call.app.app_id)))
                }
                _ => Ok(Caller::Token(call)),
            }
        }
    }
}

/// The credentials of `Authorization: Basic`: id and secret, each percent-encoded as in a form, joined by a colon, in
/// base64. Source: RFC 6749, section 2.3.1.
fn basic(authorization: Option<&str>) -> Option<Presented> {
    let (scheme, encoded) = authorization?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let text = BASIC.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let half = |encoded: &str| decode::form_text(encoded).ok().map(Cow::into_owned);
    let read = text.as_deref().and_then(|text| text.split_once(':'));
    let read = read.and_then(|(id, secret)| Some((half(id)?, half(secret)?)));
    Some(read.map_or(Presented::Unreadable, |(id, secret)| Presented::Basic { id, secret }))
}

/// The caller of the control API that has a session of the console in place of the control key.
pub(super) fn by_session(app: &App, now: i64) -> Caller {
    root(app, now, Presented::Nothing)
}

pub(super) fn root(app: &App, now: i64, presented: Presented) -> Caller {
    let (engine, settings) = (app.engine.clone(), app.options.settings.clone());
    let (services, address, origin) = (app.services.clone(), None, String::new());
    let (frame, last_event_id) = (Frame::PLAIN, None);
    Caller::Root(RootCall {
        engine,
        now,
        settings,
        presented,
        services,
        last_event_id,
        frame,
        address,
        origin,
    })
}

/// The app that an app token, or the tenant token of a custom app, was issued to.
async fn by_app_token(
    app: &App,
    effect: Effect,
    (text, now): (&str, i64),
    trace: &mut Trace,
) -> Result<AppId, Fault> {
    let bad = |kind: &'static str, why: &'static str| {
        Fault::new(codes::AUTHEN_APP_TOKEN_INVALID, why).by_rule("token").with_fact("token", kind)
    };
    let token =
        Token::read(text, &app.engine.keys).ok_or_else(|| bad("unknown", "not a token of this server"))?;
    if matches!(token.holder, Holder::User { .. }) {
        return Err(bad("user", "a user token, and only apps can call this"));
    }
    trace.token = Some(token);
    let records = look_up(app, effect, &token).await?;
    let records = records.ok_or_else(|| bad("app", "the tenant or the app was deleted"))?;
    own::note(app, trace, token.tenant, &records.tenant.policy);
    let now = now.saturating_add(records.tenant.clock_offset_ms);
    if token.expires_at <= now {
        return Err(bad("app", "the token has expired")
            .with_fact("expired_at_ms", token.expires_at.to_string())
            .with_fact("world_now_ms", now.to_string()));
    }
    Ok(token.app)
}

/// The refusal of a call without a token.
fn missing(authorization: Option<&str>) -> Fault {
    let header = if authorization.is_some() { "not Bearer and a token" } else { "missing" };
    Fault::new(codes::TOKEN_MISSING, "no Authorization: Bearer")
        .by_rule("token")
        .with_fact("authorization", header)
}

async fn by_token(
    app: &App,
    effect: Effect,
    (text, now): (&str, i64),
    trace: &mut Trace,
) -> Result<Call, Fault> {
    let (token, narrowed) = judging::read(text, &app.engine.keys)?;
    trace.token = Some(token);
    let records = look_up(app, effect, &token).await?.ok_or_else(|| judging::gone(text))?;
    own::note(app, trace, token.tenant, &records.tenant.policy);
    let now = now.saturating_add(records.tenant.clock_offset_ms);
    let actor = judging::judge(text, &token, narrowed.as_ref(), records.grant, now)?;
    let settings = own::settings(app, trace).clone();
    Ok(Call {
        now,
        tenant: token.tenant,
        app: records.install,
        actor,
        faults: records.tenant.faults.clone(),
        policy: records.tenant.policy.clone(),
        settings,
    })
}

/// The records behind a token, from memory or with a statement that other calls may share. `None` if its tenant or app
/// was deleted.
async fn look_up(app: &App, effect: Effect, token: &Token) -> Result<Option<TokenRecords>, StoreError> {
    let user_no = match token.holder {
        Holder::Tenant | Holder::App => None,
        Holder::User { number, .. } => Some(number),
    };
    let subject = TokenSubject { tenant: token.tenant, app_id: token.app, user_no };
    match token_lookup::remembered(&app.engine, effect, subject) {
        Some(known) => Ok(Some(known)),
        None => app.lookups.find(&app.engine, subject).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials() {
        let read = |header: &str| basic(Some(header));
        let pair =
            |id: &str, secret: &str| Some(Presented::Basic { id: id.to_owned(), secret: secret.to_owned() });
        assert_eq!(read("Basic YTpi"), pair("a", "b"));
        assert_eq!(read("basic YTpi"), pair("a", "b"), "the scheme's case is ignored");
        // "a%2Fb:c%3A d" and "a:"
        assert_eq!(read("Basic YSUyRmI6YyUzQStk"), pair("a/b", "c: d"));
        assert_eq!(read("Basic YTo"), pair("a", ""), "without padding");
        assert_eq!(read("Basic YTo="), pair("a", ""));
        for wrong in ["Basic !", "Basic YWI=", "Basic /zr/", "Basic JWZmOmE="] {
            assert_eq!(read(wrong), Some(Presented::Unreadable), "{wrong}");
        }
        assert_eq!(read("Bearer x"), None);
        assert_eq!(read("Basic"), None);
        assert_eq!(basic(None), None);
    }
}
