use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, delete, rates};
use larkspur_store::{Root, tenants};

use crate::operations::WorldPath;
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key`
pub(crate) struct Delete;

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
        tenants::delete(root, tx.tenant()).await?;
        Ok(Empty {})
    }
}
