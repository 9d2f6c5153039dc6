use larkspur_api::tokens::{Holder, LIFE_MS, Token};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Path;
use crate::operations::CONTROL;
use crate::support;

/// `POST /larkspur/v1/worlds/:tenant_key/apps/:app_id/tokens`
pub(crate) struct Issue;

/// Lifetime of the token.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Seconds from the present time of the world, at most ten years; 7200 by default. 0 or less creates an expired
    /// token.
    #[schemars(range(min = -315_360_000, max = 315_360_000), extend("default" = 7200))]
    expires_in: Option<i64>,
}

/// The token.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// `t-…`
    access_token: String,
    /// Seconds.
    expires_in: i64,
}

impl Operation for Issue {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.token",
        summary: "Issue a tenant_access_token of an app, custom or ISV",
        route: post("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/tokens"),
        effect: Effect::Reads,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"expires_in":60}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, now) = support::open(root, call, &input.path.tenant_key).await?;
        let install = support::app(&mut tx, "app_id", &input.path.app_id).await?;
        let expires_in = input.body.expires_in.unwrap_or(LIFE_MS / 1000);
        let token = Token {
            holder: Holder::Tenant,
            tenant: tx.tenant(),
            app: install.app_id,
            expires_at: now + expires_in * 1000,
        };
        Ok(Output { access_token: token.issue(&call.engine.keys), expires_in })
    }
}
