use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::Root;

use crate::operations::authen::v1::v1_tokens::{self, RefreshBody, Scoped};
use crate::operations::authen::v1::v1_tokens_policy::{OIDC_BEHAVIOURS, REFRESH_CODES};
use crate::{Empty, Input, Operation, RootCall};

/// `POST /authen/v1/oidc/refresh_access_token`
pub(crate) struct Create;

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "authen.v1.oidc_refresh_access_token.create",
        summary: "Exchange a refresh token for a user_access_token (historic)",
        reference: "authen-v1/oidc-refresh_access_token/create",
        route: post("/open-apis/authen/v1/oidc/refresh_access_token"),
        access: Access::App,
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Form,
        reply: Reply::Data("success"),
        invalid: codes::AUTHEN_PARAM_INVALID,
        codes: REFRESH_CODES,
        recodes: &[],
        emits: &[],
        example: r#"{"grant_type":"refresh_token","refresh_token":"ur-…"}"#,
        behaviours: OIDC_BEHAVIOURS,
        deviations: &[],
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = RefreshBody;
    type Output = Scoped;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Scoped, Fault> {
        let mut session = v1_tokens::by_refresh(root, call, &input.body, "").await?;
        v1_tokens::scoped(&mut session).await
    }
}
