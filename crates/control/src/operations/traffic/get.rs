use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};

use super::Path;
use crate::operations::CONTROL;
use crate::traffic::Entry;

/// `GET /larkspur/v1/worlds/:tenant_key/traffic/:log_id`
pub(crate) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.traffic.get",
        summary: "Get a recorded call: request, answer, steps, and why it was refused",
        route: get("/larkspur/v1/worlds/{tenant_key}/traffic/{log_id}"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        behaviours: &[super::RECORDED],
        ..CONTROL
    };
    type Ground = Process;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Entry;

    async fn run(process: &mut Process, call: &RootCall, input: &Input<Self>) -> Result<Entry, Fault> {
        let asked = super::open(process, call, &input.path.tenant_key).await?;
        asked.call("log_id", &input.path.log_id)
    }
}
