use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, snapshots};
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::{CONTROL, WorldPath};
use crate::snapshots::Shown;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/snapshots`
pub(crate) struct List;

/// The snapshots of a world.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// All of them, the oldest first; `@start` is the state that the world was made with.
    snapshots: Vec<Shown>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.snapshots.list",
        summary: "List the snapshots of a world",
        route: get("/larkspur/v1/worlds/{tenant_key}/snapshots"),
        effect: Effect::Reads,
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
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let all = snapshots::list(&mut tx).await?;
        Ok(Output { snapshots: all.into_iter().map(Shown::from).collect() })
    }
}
