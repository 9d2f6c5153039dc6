use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::auth::v3::tenant_access_token::internal::{Body, CODES, issue};
use crate::{Empty, Input, Operation, RootCall};

/// `POST /auth/v3/app_access_token/internal`
pub(crate) struct Create;

/// The same token under two names, and its lifetime.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// `t-…`, equal to the tenant token.
    app_access_token: String,
    /// Seconds.
    expire: i64,
    /// `t-…`
    tenant_access_token: String,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "auth.v3.app_access_token.internal",
        summary: "Get the app_access_token of a custom app",
        reference: "auth-v3/auth/app_access_token_internal",
        route: post("/open-apis/auth/v3/app_access_token/internal"),
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
        Ok(Output { app_access_token: token.clone(), expire, tenant_access_token: token })
    }
}
