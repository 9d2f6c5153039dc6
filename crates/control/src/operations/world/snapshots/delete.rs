use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::Root;
use larkspur_store::snapshots::{self, START};

use crate::operations::CONTROL;
use crate::snapshots::{Path, find};
use crate::{support, values};

/// `DELETE /larkspur/v1/worlds/:tenant_key/snapshots/:name`
pub(crate) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.snapshots.delete",
        summary: "Delete a snapshot of a world",
        route: delete("/larkspur/v1/worlds/{tenant_key}/snapshots/{name}"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
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
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let name = input.path.name.as_str();
        if name == START {
            return Err(values::invalid("name", Some(name), "the start goes with its world"));
        }
        find(&mut tx, "name", name).await?;
        snapshots::delete(&mut tx, name).await?;
        Ok(Empty {})
    }
}
