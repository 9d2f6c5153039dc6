use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::Root;

use super::{Path, Shown, rule_id};
use crate::operations::{CONTROL, fault};
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/refusals/:operation`
pub(crate) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.refusal.delete",
        summary: "Remove a planned refusal",
        route: delete("/larkspur/v1/worlds/{tenant_key}/refusals/{operation}"),
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
        let operation = &input.path.operation;
        let (mut tx, world, _) = support::lock_world(root, call, &input.path.tenant_key).await?;
        let id = rule_id(operation);
        let rules = fault::rules(&world);
        if !rules.iter().any(|rule| rule.id == id && Shown::of(rule, 0).is_some()) {
            return Err(support::not_found("operation", operation, "no refusal is planned for it"));
        }
        fault::remove(&mut tx, &world, &id).await?;
        Ok(Empty {})
    }
}
