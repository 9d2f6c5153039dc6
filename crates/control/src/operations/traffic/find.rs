use std::sync::Arc;

use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::CONTROL;
use crate::traffic::{Entry, Traffic, Whose};

/// `GET /larkspur/v1/traffic/:log_id`
pub(crate) struct Find;

/// A recorded call.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The log id: the `X-Tt-Logid` of the answer.
    log_id: String,
}

impl Operation for Find {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.traffic.find",
        summary: "Get a recorded call of any world, or of an unknown caller",
        route: get("/larkspur/v1/traffic/{log_id}"),
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

    async fn run(process: &mut Process, _call: &RootCall, input: &Input<Self>) -> Result<Entry, Fault> {
        let traffic: Arc<dyn Traffic> = process.service()?;
        let log_id = &input.path.log_id;
        traffic.call(Whose::All, log_id).ok_or_else(|| super::no_call("log_id", log_id))
    }
}
