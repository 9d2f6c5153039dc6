use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::{Root, tenants};

use super::World;
use crate::operations::WorldPath;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key`
pub(crate) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.get",
        summary: "Show a world and its time",
        reference: "",
        route: get("/larkspur/v1/worlds/{tenant_key}"),
        access: Access::Control,
        rate: rates::UNLIMITED,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::CONTROL_PARAM_INVALID,
        codes: &[codes::CONTROL_NOT_FOUND],
        example: "",
        behaviours: &[],
        deviations: &[],
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
