use larkspur_contract::ids::TenantKey;
use larkspur_contract::model::InstallStatus;
use larkspur_contract::{Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::{Root, apps, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::auth::v3;
use crate::tokens::{Holder, ISV_LIFE_MS, Token};
use crate::{Empty, Input, Operation, RootCall};

/// `POST /auth/v3/tenant_access_token`
pub(crate) struct Create;

/// An ISV app's token, and the tenant. Other members, which the Python SDK sends, are ignored.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// `a-…`
    app_access_token: Option<String>,
    /// The tenant.
    tenant_key: Option<String>,
}

/// A token and its lifetime.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// `t-…`
    tenant_access_token: String,
    /// Seconds.
    expire: i64,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "auth.v3.tenant_access_token.create",
        summary: "Get the tenant_access_token of an ISV app",
        reference: "auth-v3/auth/tenant_access_token",
        route: post("/open-apis/auth/v3/tenant_access_token"),
        access: Access::Open,
        rate: rates::UNLIMITED,
        effect: Effect::Writes,
        consumes: Consumes::Form,
        reply: Reply::FlatAuth("success"),
        invalid: codes::AUTH_PARAM_INVALID,
        codes: &[codes::AUTH_PARAM_INVALID, codes::APP_TOKEN_REJECTED, codes::TENANT_HAS_NOT_INSTALLED],
        recodes: &[],
        emits: &[],
        example: r#"{"app_access_token":"a-…","tenant_key":"{tenant_key}"}"#,
        behaviours: &[Behaviour {
            name: "auth_app_token_rejected",
            rule: "An app_access_token that is forged, expired or not of an ISV app is 99991664 with HTTP 200.",
            basis: Basis::Assumed,
            switch: false,
        }],
        deviations: &[],
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let given = |text: &Option<String>, name: &'static str| {
            let text = text.clone().filter(|text| !text.is_empty());
            text.ok_or_else(|| Fault::new(codes::AUTH_PARAM_INVALID, format!("{name} is missing")))
        };
        let token = given(&input.body.app_access_token, "app_access_token")?;
        let tenant = given(&input.body.tenant_key, "tenant_key")?;
        let rejected = |why: &'static str| Fault::new(codes::APP_TOKEN_REJECTED, why);
        let token = Token::read(&token, &call.engine.keys)
            .filter(|token| token.holder == Holder::App)
            .ok_or_else(|| rejected("not the token of an ISV app"))?;
        let clock =
            |tenant: Option<std::sync::Arc<tenants::Tenant>>| tenant.map(|found| found.clock_offset_ms);
        let home = tenants::get(&mut root.tenant(token.tenant)).await?;
        let offset = clock(home).ok_or_else(|| rejected("the app was deleted"))?;
        if token.expires_at <= call.now + offset {
            return Err(rejected("the token has expired"));
        }
        let gone = || Fault::new(codes::TENANT_HAS_NOT_INSTALLED, "the tenant has not installed the app");
        let mut tx = root.tenant(TenantKey::parse(&tenant).ok_or_else(gone)?);
        let offset = clock(tenants::get(&mut tx).await?).ok_or_else(gone)?;
        let install = apps::stored_install(&mut tx, token.app).await?.ok_or_else(gone)?;
        if install.status == InstallStatus::Uninstalled {
            return Err(gone());
        }
        let now = call.now + offset;
        let (tenant_access_token, expire) =
            v3::tenant_token(&mut tx, call, token.app, now, ISV_LIFE_MS).await?;
        Ok(Output { tenant_access_token, expire })
    }
}
