use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, delete, rates};
use larkspur_store::{Root, deleted_worlds};

use super::{WorldPath, support};
use crate::{Empty, Input, Operation, RootCall};

/// `DELETE /larkspur/v1/worlds/:tenant_key`
pub(in crate::operations::control) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.delete",
        summary: "Throw a world away",
        reference: "",
        route: delete("/larkspur/v1/worlds/{tenant_key}"),
        access: Access::Control,
        rate: rates::UNLIMITED,
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::CONTROL_PARAM_INVALID,
        codes: &[codes::CONTROL_NOT_FOUND],
        recodes: &[],
        example: "",
        behaviours: &[],
        deviations: &[],
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
