use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::{Root, files};

use super::Path;
use crate::operations::CONTROL;
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/files/:file_key`
pub(crate) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.file.delete",
        summary: "Delete a file; its key stays known",
        route: delete("/larkspur/v1/worlds/{tenant_key}/files/{file_key}"),
        effect: Effect::Writes,
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
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let key = &input.path.file_key;
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        if files::delete(&mut tx, key).await? {
            return Ok(Empty {});
        }
        Err(support::not_found("file_key", key, "no such file in this world"))
    }
}
