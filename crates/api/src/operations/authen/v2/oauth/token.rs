use larkspur_contract::ids::AppId;
use larkspur_contract::scopes::OFFLINE_ACCESS;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::Root;
use larkspur_store::apps::{self, App, Scopes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policy::{BEHAVIOURS, CODES, DEVIATIONS};
use crate::operations::authen::exchange;
use crate::operations::authen::session::{Form, Session};
use crate::tokens::{LIFE_MS, jwt};
use crate::{Empty, Input, Operation, Presented, RootCall, rules};

/// `POST /authen/v2/oauth/token`
pub(crate) struct Create;

/// Credentials and grant of an app.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// `authorization_code` or `refresh_token`.
    pub(crate) grant_type: Option<String>,
    /// The app.
    pub(crate) client_id: Option<String>,
    /// Its secret.
    pub(crate) client_secret: Option<String>,
    /// The code.
    code: Option<String>,
    /// Where the code was sent.
    redirect_uri: Option<String>,
    /// The text that the challenge was computed from: 43 to 128 letters, digits and `- . _ ~`.
    code_verifier: Option<String>,
    /// The refresh token.
    refresh_token: Option<String>,
    /// Some of the granted scopes, separated by spaces.
    scope: Option<String>,
}

/// Tokens and their lifetimes.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// `eyJ…` of a user, `t-…` of an app.
    pub(crate) access_token: String,
    /// Seconds.
    pub(crate) expires_in: i64,
    /// `ur-…`, if `offline_access` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token_expires_in: Option<i64>,
    /// The scopes of the access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    /// `Bearer`
    pub(crate) token_type: &'static str,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "authen.v2.oauth.token",
        summary: "Exchange a code or a refresh token for a user_access_token",
        reference: "authentication-management/access-token/get-user-access-token",
        route: post("/open-apis/authen/v2/oauth/token"),
        access: Access::Open,
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Form,
        reply: Reply::OAuth,
        invalid: codes::OAUTH_MALFORMED,
        codes: CODES,
        recodes: &[],
        emits: &[],
        example: r#"{"grant_type":"authorization_code","client_id":"{app_id}","client_secret":"{app_secret}","code":"the code of the redirect"}"#,
        behaviours: BEHAVIOURS,
        deviations: DEVIATIONS,
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let body = &input.body;
        let grant_type = required("grant_type", &body.grant_type)?;
        if !["authorization_code", "refresh_token"].contains(&grant_type) {
            return Err(Fault::new(codes::OAUTH_GRANT_TYPE, "neither a code nor a refresh token"));
        }
        let app = client(root, call, body).await?;
        user_token(root, call, &app, body).await
    }
}

/// A required parameter.
fn required<'a>(name: &'static str, value: &'a Option<String>) -> Result<&'a str, Fault> {
    let given = value.as_deref().filter(|text| !text.is_empty());
    given.ok_or_else(|| Fault::new(codes::OAUTH_PARAM_MISSING, format!("{name} is missing")))
}

/// The app that presents its secret: in the body or in `Authorization: Basic`, not in both.
pub(crate) async fn client(root: &mut Root, call: &RootCall, body: &Body) -> Result<App, Fault> {
    let (id, secret) = match &call.presented {
        Presented::Basic { id, secret } => (by_basic(id, body)?, secret.as_str()),
        Presented::Unreadable => {
            return Err(Fault::new(codes::OAUTH_MALFORMED, "Authorization: Basic cannot be decoded"));
        }
        Presented::Nothing | Presented::App(_) => {
            (required("client_id", &body.client_id)?, required("client_secret", &body.client_secret)?)
        }
    };
    let app = match AppId::parse(id) {
        Some(id) => apps::find(root, id).await?,
        None => None,
    };
    let app = app.ok_or_else(|| Fault::new(codes::OAUTH_NO_SUCH_APP, "no app has this id"))?;
    if !call.engine.keys.secret_matches(secret, &app.secret_hash) {
        return Err(Fault::new(codes::OAUTH_SECRET_INVALID, "wrong client_secret"));
    }
    Ok(app)
}

/// The client_id of `Authorization: Basic`, which the body may repeat.
fn by_basic<'a>(id: &'a str, body: &Body) -> Result<&'a str, Fault> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    if given(&body.client_secret).is_some() {
        return Err(Fault::new(codes::OAUTH_TWO_METHODS, "both Authorization: Basic and client_secret"));
    }
    if given(&body.client_id).is_some_and(|other| other != id) {
        return Err(Fault::new(codes::OAUTH_MALFORMED, "client_id is not that of Authorization: Basic"));
    }
    Ok(id)
}

/// Exchanges a code or refresh token for the tokens of a user.
pub(crate) async fn user_token(
    root: &mut Root,
    call: &RootCall,
    app: &App,
    body: &Body,
) -> Result<Output, Fault> {
    let narrower = match body.scope.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(
            rules::oauth::scope_list(text)
                .map(Scopes::new)
                .map_err(|twice| Fault::new(codes::OAUTH_SCOPE_TWICE, format!("{twice} is repeated")))?,
        ),
    };
    let mut session = match body.grant_type.as_deref() {
        Some("refresh_token") => {
            let token = required("refresh_token", &body.refresh_token)?;
            exchange::by_refresh(root, call, Form::OAuth, app, token).await?
        }
        _ => {
            let code = required("code", &body.code)?;
            let uri = body.redirect_uri.as_deref().filter(|uri| !uri.is_empty());
            let verifier = body.code_verifier.as_deref();
            exchange::by_code(root, call, Form::OAuth, app, code, uri, verifier).await?
        }
    };
    answer(&mut session, narrower).await
}

async fn answer(session: &mut Session, narrower: Option<Scopes>) -> Result<Output, Fault> {
    let granted = &session.grant.scopes;
    let beyond = narrower.as_ref().and_then(|scopes| scopes.iter().find(|scope| !granted.has(scope)));
    if let Some(beyond) = beyond {
        return Err(Fault::new(codes::OAUTH_SCOPE_NOT_PERMITTED, format!("{beyond} was not granted")));
    }
    let scopes = narrower.as_ref().unwrap_or(granted);
    let (scope, lasting) = (scopes.to_column(), scopes.has(OFFLINE_ACCESS));
    let keys = session.tx.engine().clone();
    let access_token = jwt::issue(&session.token(), narrower.as_ref(), &keys.keys)
        .ok_or_else(|| Fault::new(codes::INTERNAL, "the session has no user"))?;
    let refresh = if lasting { Some(session.refresh(Form::OAuth).await?) } else { None };
    let (refresh_token, refresh_token_expires_in) = refresh.unzip();
    Ok(Output {
        access_token,
        expires_in: LIFE_MS / 1000,
        refresh_token,
        refresh_token_expires_in,
        scope: Some(scope),
        token_type: "Bearer",
    })
}
