use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::{Root, faults};

use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/faults`
pub(crate) struct Clear;

impl Operation for Clear {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.fault.clear",
        summary: "Remove all rules of a world that change answers",
        route: delete("/larkspur/v1/worlds/{tenant_key}/faults"),
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
        let (mut tx, world, _) = support::lock_world(root, call, &input.path.tenant_key).await?;
        for rule in super::rules(&world) {
            faults::stop(&mut tx, &rule.id).await?;
        }
        super::store(&mut tx, &[]).await?;
        Ok(Empty {})
    }
}
