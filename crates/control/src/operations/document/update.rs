use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, patch};
use larkspur_store::{Root, documents};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Path, Shown};
use crate::operations::CONTROL;
use crate::support;

/// `PATCH /larkspur/v1/worlds/:tenant_key/documents/:token`
pub(crate) struct Update;

/// What to change.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Whether it is deleted.
    deleted: bool,
}

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.document.update",
        summary: "Delete or restore a document",
        route: patch("/larkspur/v1/worlds/{tenant_key}/documents/{token}"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"deleted":true}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        documents::set_deleted(&mut tx, &input.path.token, input.body.deleted).await?;
        let document = super::find(&mut tx, &input.path.token).await?;
        super::show(&mut tx, document).await
    }
}
