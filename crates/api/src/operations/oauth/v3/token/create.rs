use larkspur_contract::model::{AppKind, InstallStatus};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::apps::{self, App};
use larkspur_store::{Root, tenants};

use crate::operations::auth::v3::tenant_token;
use crate::operations::authen::v2::oauth::policy::{BEHAVIOURS, CODES, DEVIATIONS};
use crate::operations::authen::v2::oauth::token::{self, Body, Output};
use crate::tokens::LIFE_MS;
use crate::{Empty, Input, Operation, RootCall};

/// `POST /oauth/v3/token`
pub(crate) struct Create;

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "oauth.v3.token.create",
        summary: "Exchange a code, a refresh token or an app's own credentials for an access token",
        reference: "oauth-v3/token/create",
        route: post("/oauth/v3/token"),
        access: Access::Open,
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Form,
        reply: Reply::OAuth,
        invalid: codes::OAUTH_MALFORMED,
        codes: CODES,
        recodes: &[],
        emits: &[],
        example: r#"{"grant_type":"client_credentials","client_id":"{app_id}","client_secret":"{app_secret}"}"#,
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
        let grant_type = body.grant_type.as_deref().filter(|text| !text.is_empty());
        let Some(grant_type) = grant_type else {
            return Err(Fault::new(codes::OAUTH_PARAM_MISSING, "grant_type is missing"));
        };
        if !["authorization_code", "refresh_token", "client_credentials"].contains(&grant_type) {
            return Err(Fault::new(
                codes::OAUTH_GRANT_TYPE,
                "the grant_type is not supported by this endpoint",
            ));
        }
        let app = token::client(root, call, body).await?;
        match grant_type {
            "client_credentials" => app_token(root, call, &app).await,
            _ => token::user_token(root, call, &app, body).await,
        }
    }
}

/// The tenant token of a custom app. An ISV app has no tenant.
async fn app_token(root: &mut Root, call: &RootCall, app: &App) -> Result<Output, Fault> {
    if app.kind != AppKind::Custom {
        return Err(Fault::new(codes::OAUTH_GRANT_TYPE, "an ISV app signs in with its app_ticket"));
    }
    let mut tx = root.tenant(app.developer);
    let gone = || Fault::new(codes::OAUTH_APP_NOT_INSTALLED, "the tenant has not installed the app");
    let install = apps::stored_install(&mut tx, app.app_id).await?.ok_or_else(gone)?;
    if install.status == InstallStatus::Uninstalled {
        return Err(gone());
    }
    let now = call.now + tenants::get(&mut tx).await?.map_or(0, |tenant| tenant.clock_offset_ms);
    let (access_token, expires_in) = tenant_token(&mut tx, call, app.app_id, now, LIFE_MS).await?;
    Ok(Output {
        access_token,
        expires_in,
        refresh_token: None,
        refresh_token_expires_in: None,
        scope: None,
        token_type: "Bearer",
    })
}
