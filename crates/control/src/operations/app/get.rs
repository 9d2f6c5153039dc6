use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::Root;

use super::about::About;
use super::{App, Path};
use crate::operations::CONTROL;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/apps/:app_id`
pub(crate) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.get",
        summary: "Get an app of a world",
        route: get("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}"),
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
    type Output = App;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<App, Fault> {
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let install = support::app(&mut tx, "app_id", &input.path.app_id).await?;
        let settings = super::present(&mut tx, &install).await?;
        let about = About::present(&mut tx, &install).await?;
        Ok(super::show(&tx, &install, settings, about))
    }
}
