use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::Root;

use super::{Path, Shown};
use crate::operations::CONTROL;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/documents/:token`
pub(crate) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.document.get",
        summary: "Get a document and its collaborators",
        route: get("/larkspur/v1/worlds/{tenant_key}/documents/{token}"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let document = super::find(&mut tx, &input.path.token).await?;
        super::show(&mut tx, document).await
    }
}
