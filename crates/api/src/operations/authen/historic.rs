//! What the historic endpoints of `authen/v1` share.

use larkspur_contract::{Basis, Behaviour, Code, Fault, codes};
use larkspur_store::{Root, apps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exchange;
use super::oauth_policy::SIGN_IN_FREQUENCY;
use super::person::{self, Person, person};
use super::session::{Form, Session};
use crate::tokens::LIFE_MS;
use crate::{Presented, RootCall};

/// A code to be exchanged.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct CodeBody {
    /// `authorization_code`
    grant_type: Option<String>,
    /// The code.
    code: Option<String>,
}

/// A refresh token to be exchanged.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct RefreshBody {
    /// `refresh_token`
    grant_type: Option<String>,
    /// The token.
    refresh_token: Option<String>,
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

pub(super) const BEHAVIOURS: &[Behaviour] = &[BY_TENANT_TOKEN];
pub(super) const OIDC_BEHAVIOURS: &[Behaviour] = &[BY_TENANT_TOKEN, SIGN_IN_FREQUENCY];

fn required<'a>(name: &'static str, value: &'a Option<String>) -> Result<&'a str, Fault> {
    let given = value.as_deref().filter(|text| !text.is_empty());
    given.ok_or_else(|| Fault::new(codes::AUTHEN_PARAM_INVALID, format!("{name} is missing")))
}

fn granting(given: &Option<String>, wanted: &str) -> Result<(), Fault> {
    if required("grant_type", given)? == wanted {
        return Ok(());
    }
    Err(Fault::new(codes::AUTHEN_GRANT_TYPE, format!("the grant_type is not {wanted}")))
}

/// The app whose token was presented.
async fn app(root: &mut Root, call: &RootCall) -> Result<apps::App, Fault> {
    let found = match call.presented {
        Presented::App(id) => apps::find(root, id).await?,
        Presented::Nothing | Presented::Basic => None,
    };
    found.ok_or_else(|| Fault::new(codes::AUTHEN_APP_TOKEN_INVALID, "the app is gone"))
}

/// Exchanges a code.
pub(super) async fn by_code(root: &mut Root, call: &RootCall, body: &CodeBody) -> Result<Session, Fault> {
    granting(&body.grant_type, "authorization_code")?;
    let code = required("code", &body.code)?;
    let app = app(root, call).await?;
    exchange::by_code(root, call, Form::Historic, &app, code, None, None).await
}

/// Exchanges a refresh token.
pub(super) async fn by_refresh(
    root: &mut Root,
    call: &RootCall,
    body: &RefreshBody,
) -> Result<Session, Fault> {
    granting(&body.grant_type, "refresh_token")?;
    let token = required("refresh_token", &body.refresh_token)?;
    let app = app(root, call).await?;
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
        expires_in: LIFE_MS / 1000,
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
    /// A number of the session.
    sid: String,
}

/// The tokens of a session, and whose they are.
pub(super) async fn signed_in(session: &mut Session) -> Result<SignedIn, Fault> {
    let tokens = tokens(session).await?;
    let has = |scope: &str| session.grant.scopes.has(scope);
    let known = person::known(&mut session.tx, &session.user).await?;
    let person = person(&session.tx, &session.install, &session.user, &known, has);
    Ok(SignedIn { tokens, person, sid: session.tx.next_id().to_string() })
}
