//! What the historic endpoints of `authen/v1` share.

use larkspur_contract::{Basis, Behaviour, Code, Fault, codes};
use larkspur_store::users::User;
use larkspur_store::{Keys, Root, apps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exchange::{self, Form, Session};
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
pub(super) struct Tokens {
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

pub(super) const BEHAVIOURS: &[Behaviour] = &[Behaviour {
    name: "authen_by_tenant_token",
    rule: "A tenant token is taken where an app token is asked for: for a custom app they are the same. Anything else, a missing token included, is 20014.",
    basis: Basis::Observed,
    switch: false,
}];

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

/// The tokens of a session.
pub(super) async fn tokens(session: &mut Session) -> Result<Tokens, Fault> {
    let (refresh_token, refresh_expires_in) = session.refresh(Form::Historic).await?;
    Ok(Tokens {
        access_token: session.token().issue(&session.tx.engine().keys),
        refresh_token,
        token_type: "Bearer",
        expires_in: LIFE_MS / 1000,
        refresh_expires_in,
        scope: session.grant.scopes.to_column(),
    })
}

/// Who a user is, as far as an app may know.
#[derive(Serialize, JsonSchema)]
pub(super) struct Person {
    /// Name.
    name: String,
    /// Name in English; the same here.
    en_name: String,
    /// Address of the picture.
    avatar_url: String,
    /// Address of the picture, 72 pixels wide.
    avatar_thumb: String,
    /// Address of the picture, 240 pixels wide.
    avatar_middle: String,
    /// Address of the picture, 640 pixels wide.
    avatar_big: String,
    /// `ou_…`
    open_id: String,
    /// `on_…`
    union_id: String,
    /// Mail address; needs `contact:user.email:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The tenant's own id; needs `contact:user.employee_id:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Telephone number; needs `contact:user.phone:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile: Option<String>,
    /// The tenant.
    tenant_key: String,
}

/// Shows a user to an app that holds what `has` says.
pub(super) fn person(
    keys: &Keys,
    install: &apps::Install,
    tenant_key: String,
    user: &User,
    has: impl Fn(&str) -> bool,
) -> Person {
    use larkspur_contract::scopes::{CONTACT_EMAIL, CONTACT_EMPLOYEE_ID, CONTACT_PHONE};
    let number = user.user_no.cast_unsigned();
    let picture = crate::operations::avatar_url("");
    Person {
        name: user.name.clone(),
        en_name: user.name.clone(),
        avatar_thumb: picture.clone(),
        avatar_middle: picture.clone(),
        avatar_big: picture.clone(),
        avatar_url: picture,
        open_id: keys.open_id(number, install.app_id).to_string(),
        union_id: keys.union_id(number, install.developer).to_string(),
        email: user.email.clone().filter(|_| has(CONTACT_EMAIL)),
        user_id: has(CONTACT_EMPLOYEE_ID).then(|| user.user_id.clone()),
        mobile: user.mobile.clone().filter(|_| has(CONTACT_PHONE)),
        tenant_key,
    }
}

/// Tokens, and whose they are.
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
    let engine = session.tx.engine().clone();
    let tenant = session.tx.tenant().to_string();
    let has = |scope: &str| session.grant.scopes.has(scope);
    let person = person(&engine.keys, &session.install, tenant, &session.user, has);
    Ok(SignedIn { tokens, person, sid: session.tx.next_id().to_string() })
}
