use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, get};
use larkspur_store::Root;
use larkspur_store::tenants::{self, Tenant};
use schemars::JsonSchema;
use serde::Serialize;

use super::Used;
use crate::operations::CONTROL;

/// `GET /larkspur/v1/worlds`
pub(crate) struct List;

/// The worlds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// All of them, in the order of their keys.
    worlds: Vec<Used>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.list",
        summary: "List the worlds",
        route: get("/larkspur/v1/worlds"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, _input: &Input<Self>) -> Result<Output, Fault> {
        let worlds = tenants::all(root).await?;
        let created = tenants::creations(root).await?;
        let used =
            |world: &Tenant| Used::of(world, created.get(&world.tenant).copied().unwrap_or_default(), call);
        Ok(Output { worlds: worlds.iter().map(used).collect() })
    }
}
