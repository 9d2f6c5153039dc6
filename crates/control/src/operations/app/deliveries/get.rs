use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, tenants};

use super::{Shown, shown};
use crate::operations::CONTROL;
use crate::operations::app::Path;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/apps/:app_id/deliveries`
pub(crate) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.deliveries.get",
        summary: "Show what is done with the next events for an app",
        route: get("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/deliveries"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let app_id = support::app(&mut tx, "app_id", &input.path.app_id).await?.app_id;
        let world = tenants::get(&mut tx).await?;
        let world = world.ok_or_else(|| support::no_world(&input.path.tenant_key))?;
        shown(&mut tx, &world, app_id).await
    }
}
