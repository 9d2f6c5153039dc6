use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::{Root, deleted_worlds};

use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key`
pub(crate) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.delete",
        summary: "Delete a world",
        route: delete("/larkspur/v1/worlds/{tenant_key}"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let (tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        deleted_worlds::delete(root, tx.tenant()).await?;
        Ok(Empty {})
    }
}
