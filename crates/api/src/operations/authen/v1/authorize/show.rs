use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::Root;

use crate::operations::authen::v1::authorize_request::{self, Asked, PageAnswer};
use crate::operations::authen::v1::markup;
use crate::operations::authen::v1::page_policy::{BEHAVIOURS, CODES};
use crate::{Browse, Empty, Input, Operation, RootCall};

/// `GET /authen/v1/authorize`
pub(crate) struct Show;

impl Operation for Show {
    const SPEC: &'static Spec = &Spec {
        id: "authen.v1.authorize.show",
        summary: "Show the sign-in page",
        reference: "authentication-management/access-token/obtain-oauth-code",
        route: get("/open-apis/authen/v1/authorize"),
        access: Access::Open,
        rate: rates::UNLIMITED,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Page,
        invalid: codes::OAUTH_MALFORMED,
        codes: CODES,
        recodes: &[],
        emits: &[],
        example: "client_id={app_id}&response_type=code&redirect_uri=http://localhost:3000/callback&state=1",
        behaviours: BEHAVIOURS,
        deviations: &["The documented rate limit (1000/min, 50/s) does not apply: browsers call the page."],
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Asked;
    type Body = Empty;
    type Output = PageAnswer;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<PageAnswer, Fault> {
        let checked = authorize_request::check(root, call, &input.query).await?;
        markup::picker(root, call, &input.query, &checked).await
    }

    fn page(output: &mut PageAnswer) -> Option<Browse> {
        output.browse.take()
    }
}
