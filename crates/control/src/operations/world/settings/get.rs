use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, tenants};

use super::{Settings, show};
use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/settings`
pub(crate) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.settings.get",
        summary: "Get the settings of a world: its edition, its administrators' policy, what its calls are allowed, and what is recorded of them",
        route: get("/larkspur/v1/worlds/{tenant_key}/settings"),
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
    type Output = Settings;

    async fn run(root: &mut Root, _call: &RootCall, input: &Input<Self>) -> Result<Settings, Fault> {
        let key = &input.path.tenant_key;
        let mut tx = root.tenant(support::tenant_key(key)?);
        let world = tenants::get(&mut tx).await?.ok_or_else(|| support::no_world(key))?;
        Ok(show(&world.policy))
    }
}
