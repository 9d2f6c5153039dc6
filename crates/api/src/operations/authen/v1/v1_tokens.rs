//! Shared code of the historic endpoints of `authen/v1`.

use larkspur_contract::ids::AppId;
use larkspur_contract::{Fault, codes};
use larkspur_store::{Root, apps, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::user_profile::{self, UserProfile};
use crate::operations::authen::exchange;
use crate::operations::authen::session::{Form, Session};
use crate::tokens::{Holder, Token};
use crate::{Presented, RootCall};

/// A code to exchange.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct CodeBody {
    /// `authorization_code`
    grant_type: Option<String>,
    /// The code.
    code: Option<String>,
}

/// A refresh token to exchange.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct RefreshBody {
    /// `refresh_token`
    grant_type: Option<String>,
    /// The token.
    refresh_token: Option<String>,
}

/// A body that may also carry the app's token.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct WithToken<T> {
    #[serde(flatten)]
    pub(crate) grant: T,
    /// The app's token, if it is not in the header.
    app_access_token: Option<String>,
}

impl<T> WithToken<T> {
    /// The token, empty if there is none.
    pub(crate) fn token(&self) -> &str {
        self.app_access_token.as_deref().unwrap_or_default()
    }
}

/// Tokens and their lifetimes.
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

/// Tokens, and their scopes.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Scoped {
    #[serde(flatten)]
    tokens: Tokens,
    /// The scopes of the access token.
    scope: String,
}

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

/// The app whose token was presented, in the header or, if the gateway accepted the call without one, in the body.
async fn app(root: &mut Root, call: &RootCall, in_body: &str) -> Result<apps::App, Fault> {
    let id = match &call.presented {
        Presented::App(id) => Some(*id),
        _ => by_token(root, call, in_body).await?,
    };
    let found = match id {
        Some(id) => apps::find(root, id).await?,
        None => None,
    };
    found.ok_or_else(|| Fault::new(codes::AUTHEN_APP_TOKEN_INVALID, "no valid app token"))
}

/// The app that a valid token was issued to, by the gateway's rules: the token of an ISV app, or a tenant token.
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

/// Exchanges a code, for the app of the token in the header or body.
pub(crate) async fn by_code(
    root: &mut Root,
    call: &RootCall,
    body: &CodeBody,
    in_body: &str,
) -> Result<Session, Fault> {
    let app = app(root, call, in_body).await?;
    granting(&body.grant_type, "authorization_code")?;
    let code = required("code", &body.code)?;
    exchange::by_code(root, call, Form::Historic, &app, code, None, None).await
}

/// Exchanges a refresh token, like [`by_code`].
pub(crate) async fn by_refresh(
    root: &mut Root,
    call: &RootCall,
    body: &RefreshBody,
    in_body: &str,
) -> Result<Session, Fault> {
    let app = app(root, call, in_body).await?;
    granting(&body.grant_type, "refresh_token")?;
    let token = required("refresh_token", &body.refresh_token)?;
    exchange::by_refresh(root, call, Form::Historic, &app, token).await
}

/// The tokens of a session and their scopes, as the OIDC endpoints answer them.
pub(crate) async fn scoped(session: &mut Session) -> Result<Scoped, Fault> {
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

/// Tokens and their user, without scopes. Source: the models of the official SDKs.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SignedIn {
    #[serde(flatten)]
    tokens: Tokens,
    #[serde(flatten)]
    profile: UserProfile,
}

/// The tokens of a session and their user.
pub(crate) async fn signed_in(session: &mut Session) -> Result<SignedIn, Fault> {
    let tokens = tokens(session).await?;
    let has = |scope: &str| session.grant.scopes.has(scope);
    let known = user_profile::known(&mut session.tx, &session.user).await?;
    let profile = UserProfile::of(&session.tx, &session.install, &session.user, &known, has);
    Ok(SignedIn { tokens, profile })
}
