use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::operations::CONTROL;

/// `GET /larkspur/v1/operations`
pub(crate) struct List;

/// Which operations.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// How their ids begin, such as `im.v1.chat`; by default all are listed.
    prefix: Option<String>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.operation.list",
        summary: "List the operations with their scopes, rate limits, codes and behaviors",
        route: get("/larkspur/v1/operations"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[],
        example: "prefix=im.v2.tag",
        ..CONTROL
    };
    type Ground = Process;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Catalog;

    async fn run(_process: &mut Process, _call: &RootCall, input: &Input<Self>) -> Result<Catalog, Fault> {
        Ok(Catalog::of(input.query.prefix.as_deref().unwrap_or_default()))
    }
}
