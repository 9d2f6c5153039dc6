use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::{Root, tenants};
use schemars::JsonSchema;
use serde::Serialize;

use super::World;

/// `GET /larkspur/v1/worlds`
pub(crate) struct List;

/// The worlds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// All of them, in the order of their keys.
    worlds: Vec<World>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.list",
        summary: "List the worlds",
        reference: "",
        route: get("/larkspur/v1/worlds"),
        access: Access::Control,
        rate: rates::UNLIMITED,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::CONTROL_PARAM_INVALID,
        codes: &[],
        example: "",
        behaviours: &[],
        deviations: &[],
    };
    type Ground = Root;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, _input: &Input<Self>) -> Result<Output, Fault> {
        let worlds = tenants::all(root).await?;
        Ok(Output { worlds: worlds.iter().map(|world| super::show(world, call.now)).collect() })
    }
}
