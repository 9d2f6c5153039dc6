use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, tenants};

use super::Listed;
use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/faults`
pub(crate) struct List;

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.fault.list",
        summary: "List the rules of a world that change answers, with how often each was used",
        route: get("/larkspur/v1/worlds/{tenant_key}/faults"),
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
    type Output = Listed;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Listed, Fault> {
        let key = &input.path.tenant_key;
        let (mut tx, now) = support::open(root, call, key).await?;
        let world = tenants::get(&mut tx).await?.ok_or_else(|| support::no_world(key))?;
        super::shown(&mut tx, super::rules(&world), now).await
    }
}
