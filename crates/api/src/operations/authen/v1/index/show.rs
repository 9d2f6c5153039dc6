use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::Root;

use crate::operations::authen::v1::authorize_request::{self, Asked, PageAnswer};
use crate::operations::authen::v1::markup;
use crate::operations::authen::v1::page_policy::{BEHAVIOURS, CODES};
use crate::{Browse, Empty, Input, Operation, RootCall};

/// `GET /authen/v1/index`: the older URL of the authorize page.
pub(crate) struct Show;

impl Operation for Show {
    const SPEC: &'static Spec = &Spec {
        id: "authen.v1.index.show",
        summary: "Show the sign-in page, at its older URL",
        reference: "authen-v1/authorize/get",
        route: get("/open-apis/authen/v1/index"),
        access: Access::Open,
        rate: rates::UNLIMITED,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Page,
        invalid: codes::OAUTH_MALFORMED,
        codes: CODES,
        recodes: &[],
        emits: &[],
        example: "app_id={app_id}&redirect_uri=http://localhost:3000/callback&state=1",
        behaviours: BEHAVIOURS,
        deviations: &[],
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
