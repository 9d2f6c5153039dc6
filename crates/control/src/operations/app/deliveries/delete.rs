use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::Root;
use larkspur_store::events::steering;
use schemars::JsonSchema;
use serde::Serialize;

use super::rule_id;
use crate::operations::app::Path;
use crate::operations::{CONTROL, fault};
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/apps/:app_id/deliveries`
pub(crate) struct Delete;

/// The events that are sent now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The number of held events that were released.
    released: usize,
}

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.deliveries.delete",
        summary: "Send the events for an app as usual again, and release those that are held",
        route: delete("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/deliveries"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        behaviours: &[Behaviour {
            name: "deliveries_released",
            rule: "Held events are due at once, in the order in which they happened. Delayed ones keep their time.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, world, _) = support::lock_world(root, call, &input.path.tenant_key).await?;
        let app_id = support::app(&mut tx, "app_id", &input.path.app_id).await?.app_id;
        fault::remove(&mut tx, &world, &rule_id(app_id)).await?;
        Ok(Output { released: steering::release(&mut tx, app_id, call.now).await? })
    }
}
