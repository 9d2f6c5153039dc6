use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::{Root, faults};

use super::Path;
use crate::operations::CONTROL;
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/faults/:fault_id`
pub(crate) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.fault.delete",
        summary: "Remove a rule that changes answers",
        route: delete("/larkspur/v1/worlds/{tenant_key}/faults/{fault_id}"),
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
        let id = &input.path.fault_id;
        let (mut tx, world, _) = support::lock_world(root, call, &input.path.tenant_key).await?;
        let mut rules = super::rules(&world);
        let place = rules.iter().position(|rule| rule.id == *id).ok_or_else(|| super::unknown(id))?;
        rules.remove(place);
        faults::stop(&mut tx, id).await?;
        super::store(&mut tx, &rules).await?;
        Ok(Empty {})
    }
}
