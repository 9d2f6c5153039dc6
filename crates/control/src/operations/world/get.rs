use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, tenants};

use super::World;
use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key`
pub(crate) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.get",
        summary: "Get a world and its time",
        route: get("/larkspur/v1/worlds/{tenant_key}"),
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
    type Output = World;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<World, Fault> {
        let key = &input.path.tenant_key;
        let mut tx = root.tenant(support::tenant_key(key)?);
        let world = tenants::get(&mut tx).await?.ok_or_else(|| support::no_world(key))?;
        Ok(super::show(&world, call.now))
    }
}
