use larkspur_contract::model::{AppKind, InstallStatus};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::{Root, apps, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::auth::v3;
use crate::tokens::LIFE_MS;
use crate::{Empty, Input, Operation, RootCall};

/// `POST /auth/v3/tenant_access_token/internal`
pub(crate) struct Create;

/// The credentials of a custom app.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The app's id.
    pub(crate) app_id: Option<String>,
    /// The app's secret.
    pub(crate) app_secret: Option<String>,
}

/// A token and its lifetime.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
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
        consumes: Consumes::Form,
        reply: Reply::FlatAuth("ok"),
        invalid: codes::AUTH_PARAM_INVALID,
        codes: CODES,
        recodes: &[],
        emits: &[],
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

/// Codes of both endpoints for custom apps.
pub(crate) const CODES: &[larkspur_contract::Code] = &[
    codes::AUTH_PARAM_INVALID,
    codes::APP_ID_UNKNOWN,
    codes::APP_SECRET_INVALID,
    codes::TENANT_HAS_NOT_INSTALLED,
];

/// Checks the credentials of a custom app and returns its token with the seconds left.
pub(crate) async fn issue(
    root: &mut Root,
    call: &RootCall,
    credentials: &Body,
) -> Result<(String, i64), Fault> {
    let app = v3::by_secret(root, call, &credentials.app_id, &credentials.app_secret).await?;
    if app.kind != AppKind::Custom {
        return Err(Fault::new(codes::AUTH_PARAM_INVALID, "an ISV app signs in with its app_ticket"));
    }
    let mut tx = root.tenant(app.developer);
    let installed =
        apps::install(&mut tx, app.app_id).await?.filter(|found| found.status != InstallStatus::Uninstalled);
    if installed.is_none() {
        return Err(Fault::new(codes::TENANT_HAS_NOT_INSTALLED, "the tenant has not installed the app"));
    }
    let clock = tenants::get(&mut tx).await?.map_or(0, |tenant| tenant.clock_offset_ms);
    v3::tenant_token(&mut tx, call, app.app_id, call.now + clock, LIFE_MS).await
}
