use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::Root;

use super::{Shown, made_here, shown};
use crate::operations::CONTROL;
use crate::operations::app::Path;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/apps/:app_id/events`
pub(crate) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.events.get",
        summary: "Get how an app receives events, and its latest events with their state",
        route: get("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/events"),
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
        let (mut tx, now) = support::open(root, call, &input.path.tenant_key).await?;
        let install = made_here(&mut tx, &input.path.app_id).await?;
        shown(&mut tx, install.app_id, now - call.now).await
    }
}
