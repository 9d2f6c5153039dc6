use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, tenants};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Shown, planned};
use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/refusals`
pub(crate) struct List;

/// The planned refusals of a world.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// All of them, used up or not, in the order of the operations.
    refusals: Vec<Shown>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.refusal.list",
        summary: "List the planned refusals of a world",
        route: get("/larkspur/v1/worlds/{tenant_key}/refusals"),
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
        let key = &input.path.tenant_key;
        let (mut tx, _) = support::open(root, call, key).await?;
        let world = tenants::get(&mut tx).await?.ok_or_else(|| support::no_world(key))?;
        Ok(Output { refusals: planned(&mut tx, &world).await? })
    }
}
