use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::Root;

use crate::operations::authen::v1::v1_tokens::{self, RefreshBody, SignedIn, WithToken};
use crate::operations::authen::v1::v1_tokens_policy::{BEHAVIOURS, REFRESH_CODES};
use crate::{Empty, Input, Operation, RootCall};

/// `POST /authen/v1/refresh_access_token`
pub(crate) struct Create;

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "authen.v1.refresh_access_token.create",
        summary: "Exchange a refresh token for a user_access_token and the user's profile (historic)",
        reference: "authen-v1/refresh_access_token/create",
        route: post("/open-apis/authen/v1/refresh_access_token"),
        access: Access::AppOrBody,
        rate: rates::UNLIMITED,
        effect: Effect::Writes,
        consumes: Consumes::Form,
        reply: Reply::Data("success"),
        invalid: codes::AUTHEN_PARAM_INVALID,
        codes: REFRESH_CODES,
        recodes: &[],
        emits: &[],
        example: r#"{"grant_type":"refresh_token","refresh_token":"ur-…"}"#,
        behaviours: BEHAVIOURS,
        deviations: &["The page has a special rate limit that it does not publish; Larkspur has none."],
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = WithToken<RefreshBody>;
    type Output = SignedIn;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<SignedIn, Fault> {
        let mut session = v1_tokens::by_refresh(root, call, &input.body.grant, input.body.token()).await?;
        v1_tokens::signed_in(&mut session).await
    }
}
