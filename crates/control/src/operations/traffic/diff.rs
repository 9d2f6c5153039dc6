use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{CONTROL, WorldPath};
use crate::traffic::Change;

/// `GET /larkspur/v1/worlds/:tenant_key/traffic/diff`
pub(crate) struct Diff;

/// Which calls to compare, by log id.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// One call.
    a: String,
    /// The other one.
    b: String,
}

/// How two calls differ, ids and times aside.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The fields that differ, at most 200.
    changes: Vec<Change>,
}

impl Operation for Diff {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.traffic.diff",
        summary: "Compare two recorded calls field by field",
        route: get("/larkspur/v1/worlds/{tenant_key}/traffic/diff"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Process;
    type Path = WorldPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(process: &mut Process, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let Query { a, b } = &input.query;
        let asked = super::open(process, call, &input.path.tenant_key).await?;
        let (one, other) = (asked.call("a", a)?, asked.call("b", b)?);
        Ok(Output { changes: one.changes(&other) })
    }
}
