use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete};

use crate::operations::{CONTROL, WorldPath};

/// `DELETE /larkspur/v1/worlds/:tenant_key/traffic`
pub(crate) struct Clear;

impl Operation for Clear {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.traffic.clear",
        summary: "Remove the recorded calls of a world, and the counts of its scope ledgers",
        route: delete("/larkspur/v1/worlds/{tenant_key}/traffic"),
        // Nothing in the store changes, so a read-only server does it, too.
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Process;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(process: &mut Process, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let asked = super::open(process, call, &input.path.tenant_key).await?;
        asked.traffic.clear(asked.tenant);
        Ok(Empty {})
    }
}
