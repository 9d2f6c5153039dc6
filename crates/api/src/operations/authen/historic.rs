//! What the historic endpoints of `authen/v1` share.

use larkspur_contract::ids::AppId;
use larkspur_contract::{Basis, Behaviour, Code, Fault, codes};
use larkspur_store::{Root, apps, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exchange;
use super::oauth_policy::SIGN_IN_FREQUENCY;
use super::person::{Person, person};
use super::session::{Form, Session};
use crate::tokens::{Holder, Token};
use crate::{Presented, RootCall};

/// A code to be exchanged.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct CodeBody {
    /// `authorization_code`
    grant_type: Option<String>,
    /// The code.
    code: Option<String>,
    /// The app's token, where it does not stand in the header: `authen/v1/access_token` alone looks here.
    app_access_token: Option<String>,
}

/// A refresh token to be exchanged.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct RefreshBody {
    /// `refresh_token`
    grant_type: Option<String>,
    /// The token.
    refresh_token: Option<String>,
    /// The app's token, where it does not stand in the header: `authen/v1/refresh_access_token` alone looks here.
    app_access_token: Option<String>,
}

/// Tokens and how long they live.
#[derive(Serialize, JsonSchema)]
struct Tokens {
    /// `u-…`
    access_token: String,
    /// `ur-…`
    refresh_token: String,
    /// `Bearer`
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    /// Seconds.
    refresh_expires_in: i64,
}

/// Tokens, and what they may do.
#[derive(Serialize, JsonSchema)]
pub(super) struct Scoped {
    #[serde(flatten)]
    tokens: Tokens,
    /// What the access token may do.
    scope: String,
}

pub(super) const CODE_CODES: &[Code] = &[
    codes::AUTHEN_PARAM_INVALID,
    codes::AUTHEN_GRANT_UNKNOWN,
    codes::AUTHEN_CODE_INVALID,
    codes::AUTHEN_CODE_EXPIRED,
    codes::AUTHEN_USER_ABSENT,
    codes::AUTHEN_APP_TOKEN_INVALID,
    codes::AUTHEN_USER_RESIGNED,
    codes::AUTHEN_USER_FROZEN,
    codes::AUTHEN_CLIENT_MISMATCH,
    codes::AUTHEN_GRANT_TYPE,
    codes::AUTHEN_APP_DISABLED,
];

pub(super) const REFRESH_CODES: &[Code] = &[
    codes::AUTHEN_PARAM_INVALID,
    codes::AUTHEN_GRANT_UNKNOWN,
    codes::AUTHEN_USER_ABSENT,
    codes::AUTHEN_APP_TOKEN_INVALID,
    codes::AUTHEN_USER_RESIGNED,
    codes::AUTHEN_USER_FROZEN,
    codes::AUTHEN_CLIENT_MISMATCH,
    codes::AUTHEN_REFRESH_INVALID,
    codes::AUTHEN_GRANT_TYPE,
    codes::AUTHEN_REFRESH_EXPIRED,
    codes::AUTHEN_APP_DISABLED,
];

const BY_TENANT_TOKEN: Behaviour = Behaviour {
    name: "authen_by_tenant_token",
    rule: "A tenant token is taken where an app token is asked for: for a custom app they are the same. Anything else, a missing token included, is 20014.",
    basis: Basis::Observed,
    switch: false,
};
const TOKEN_IN_BODY: Behaviour = Behaviour {
    name: "authen_app_token_in_body",
    rule: "Without Authorization: Bearer, access_token and refresh_access_token (not those of oidc) look for app_access_token in the body, as older sign-in libraries send it.",
    basis: Basis::Observed,
    switch: false,
};
const GRANT_TYPE: Behaviour = Behaviour {
    name: "authen_grant_type",
    rule: "A grant_type that is missing or unknown is 20001 with a text of its own; the one of the other endpoint is 20036.",
    basis: Basis::Observed,
    switch: false,
};
const SID: Behaviour = Behaviour {
    name: "authen_sid",
    rule: "sid is left out, as the page has it for an empty one: there is no session of a client here.",
    basis: Basis::Observed,
    switch: false,
};

pub(super) const BEHAVIOURS: &[Behaviour] = &[BY_TENANT_TOKEN, TOKEN_IN_BODY, GRANT_TYPE, SID];
pub(super) const OIDC_BEHAVIOURS: &[Behaviour] = &[BY_TENANT_TOKEN, GRANT_TYPE, SIGN_IN_FREQUENCY];

fn required<'a>(name: &'static str, value: &'a Option<String>) -> Result<&'a str, Fault> {
    let given = value.as_deref().filter(|text| !text.is_empty());
    given.ok_or_else(|| Fault::new(codes::AUTHEN_PARAM_INVALID, format!("{name} is missing")))
}

fn granting(given: &Option<String>, wanted: &str) -> Result<(), Fault> {
    match given.as_deref().unwrap_or_default() {
        known if known == wanted => Ok(()),
        "authorization_code" | "refresh_token" => {
            Err(Fault::new(codes::AUTHEN_GRANT_TYPE, format!("the grant_type is not {wanted}")))
        }
        _ => Err(Fault::new(codes::AUTHEN_GRANT_UNKNOWN, "the grant_type is missing or unknown")),
    }
}

/// The app whose token was presented: in the header, or else in the body where the gateway let the call in without one.
async fn app(root: &mut Root, call: &RootCall, in_body: &Option<String>) -> Result<apps::App, Fault> {
    let id = match &call.presented {
        Presented::App(id) => Some(*id),
        _ => by_token(root, call, in_body.as_deref().unwrap_or_default()).await?,
    };
    let found = match id {
        Some(id) => apps::find(root, id).await?,
        None => None,
    };
    found.ok_or_else(|| Fault::new(codes::AUTHEN_APP_TOKEN_INVALID, "no good token of an app"))
}

/// The app that a token was issued to, as the gateway finds it: the token of an ISV app or a tenant token, in time.
async fn by_token(root: &mut Root, call: &RootCall, text: &str) -> Result<Option<AppId>, Fault> {
    let Some(token) = Token::read(text, &call.engine.keys) else { return Ok(None) };
    if matches!(token.holder, Holder::User { .. }) {
        return Ok(None);
    }
    let mut tx = root.tenant(token.tenant);
    let Some(tenant) = tenants::get(&mut tx).await? else { return Ok(None) };
    let in_time = token.expires_at > call.now.saturating_add(tenant.clock_offset_ms);
    let here = in_time && apps::stored_install(&mut tx, token.app).await?.is_some();
    Ok(here.then_some(token.app))
}

/// Exchanges a code.
pub(super) async fn by_code(root: &mut Root, call: &RootCall, body: &CodeBody) -> Result<Session, Fault> {
    let app = app(root, call, &body.app_access_token).await?;
    granting(&body.grant_type, "authorization_code")?;
    let code = required("code", &body.code)?;
    exchange::by_code(root, call, Form::Historic, &app, code, None, None).await
}

/// Exchanges a refresh token.
pub(super) async fn by_refresh(
    root: &mut Root,
    call: &RootCall,
    body: &RefreshBody,
) -> Result<Session, Fault> {
    let app = app(root, call, &body.app_access_token).await?;
    granting(&body.grant_type, "refresh_token")?;
    let token = required("refresh_token", &body.refresh_token)?;
    exchange::by_refresh(root, call, Form::Historic, &app, token).await
}

/// The tokens of a session, and what they may do, as the OIDC endpoints tell them.
pub(super) async fn scoped(session: &mut Session) -> Result<Scoped, Fault> {
    Ok(Scoped { tokens: tokens(session).await?, scope: session.grant.scopes.to_column() })
}

/// The tokens of a session.
async fn tokens(session: &mut Session) -> Result<Tokens, Fault> {
    let (refresh_token, refresh_expires_in) = session.refresh(Form::Historic).await?;
    Ok(Tokens {
        access_token: session.token().issue(&session.tx.engine().keys),
        refresh_token,
        token_type: "Bearer",
        expires_in: session.seconds_left(),
        refresh_expires_in,
    })
}

/// Tokens, and whose they are; without their scopes. Source: the models of the official SDKs.
#[derive(Serialize, JsonSchema)]
pub(super) struct SignedIn {
    #[serde(flatten)]
    tokens: Tokens,
    #[serde(flatten)]
    person: Person,
}

/// The tokens of a session, and whose they are.
pub(super) async fn signed_in(session: &mut Session) -> Result<SignedIn, Fault> {
    let tokens = tokens(session).await?;
    let engine = session.tx.engine().clone();
    let tenant = session.tx.tenant().to_string();
    let has = |scope: &str| session.grant.scopes.has(scope);
    let person = person(&engine.keys, &session.install, tenant, &session.user, has);
    Ok(SignedIn { tokens, person })
}
