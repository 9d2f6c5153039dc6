use larkspur_contract::ids::AppId;
use larkspur_contract::model::{AppKind, InstallStatus};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::{Root, Tx, apps, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tokens::{Holder, LIFE_MS, RENEW_MS, Token};
use crate::{Empty, Input, Operation, RootCall};

/// `POST /auth/v3/tenant_access_token/internal`
pub(super) struct Create;

/// The credentials of a custom app.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The app's id.
    pub(super) app_id: Option<String>,
    /// The app's secret.
    pub(super) app_secret: Option<String>,
}

/// A token and how long it lives.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// `t-…`
    tenant_access_token: String,
    /// Seconds.
    expire: i64,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "auth.v3.tenant_access_token.internal",
        summary: "Get the tenant_access_token of a custom app",
        reference: "auth-v3/auth/tenant_access_token_internal",
        route: post("/open-apis/auth/v3/tenant_access_token/internal"),
        access: Access::Open,
        rate: rates::UNLIMITED,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::FlatAuth("ok"),
        invalid: codes::AUTH_PARAM_INVALID,
        codes: CODES,
        example: r#"{"app_id":"{app_id}","app_secret":"{app_secret}"}"#,
        behaviours: &[],
        deviations: &[],
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (token, expire) = issue(root, call, &input.body).await?;
        Ok(Output { tenant_access_token: token, expire })
    }
}

/// What both sign-ins of a custom app may answer.
pub(super) const CODES: &[larkspur_contract::Code] = &[
    codes::AUTH_PARAM_INVALID,
    codes::APP_ID_UNKNOWN,
    codes::APP_SECRET_INVALID,
    codes::TENANT_HAS_NOT_INSTALLED,
];

/// Checks the credentials of a custom app and gives its token with the seconds left to it.
pub(super) async fn issue(
    root: &mut Root,
    call: &RootCall,
    credentials: &Body,
) -> Result<(String, i64), Fault> {
    let app_id = credentials.app_id.as_deref().and_then(AppId::parse).ok_or_else(|| {
        Fault::new(codes::AUTH_PARAM_INVALID, "app_id is missing or not cli_ and 16 hex digits")
    })?;
    let secret = credentials
        .app_secret
        .as_deref()
        .filter(|secret| !secret.is_empty())
        .ok_or_else(|| Fault::new(codes::AUTH_PARAM_INVALID, "app_secret is missing"))?;
    let app =
        apps::find(root, app_id).await?.ok_or_else(|| Fault::new(codes::APP_ID_UNKNOWN, "no such app"))?;
    if !call.engine.keys.secret_matches(secret, &app.secret_hash) {
        return Err(Fault::new(codes::APP_SECRET_INVALID, "wrong app_secret"));
    }
    if app.kind != AppKind::Custom {
        return Err(Fault::new(codes::AUTH_PARAM_INVALID, "an ISV app signs in with its app_ticket"));
    }
    let mut tx = root.tenant(app.developer);
    let installed =
        apps::install(&mut tx, app_id).await?.filter(|found| found.status != InstallStatus::Uninstalled);
    if installed.is_none() {
        return Err(Fault::new(codes::TENANT_HAS_NOT_INSTALLED, "the tenant has not installed the app"));
    }
    let clock = tenants::get(&mut tx).await?.map_or(0, |tenant| tenant.clock_offset_ms);
    let now = call.now + clock;
    let expires_at = current_or_new(&mut tx, app_id, now).await?;
    let token = Token { holder: Holder::Tenant, tenant: app.developer, app: app_id, expires_at };
    Ok((token.issue(&call.engine.keys), (expires_at - now) / 1000))
}

/// With half an hour left or more the app's present token is given again; with less, a new one, and both are valid.
async fn current_or_new(tx: &mut Tx, app_id: AppId, now: i64) -> Result<i64, Fault> {
    const KIND: &str = "tenant";
    let present = apps::issued_token(tx, app_id, KIND).await?;
    // A token that lives longer than a whole life was issued before the tenant's clock went back.
    if let Some(expires_at) = present.filter(|at| (RENEW_MS..=LIFE_MS).contains(&(at - now))) {
        return Ok(expires_at);
    }
    let expires_at = now + LIFE_MS;
    apps::record_token(tx, app_id, KIND, expires_at).await?;
    Ok(expires_at)
}
