use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, apps};
use schemars::JsonSchema;
use serde::Serialize;

use super::App;
use super::about::About;
use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/apps`
pub(crate) struct List;

/// The apps of a world.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// All apps that were ever installed in it, in the order of their ids.
    apps: Vec<App>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.list",
        summary: "List the apps of a world",
        route: get("/larkspur/v1/worlds/{tenant_key}/apps"),
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
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let mut shown = Vec::new();
        for app_id in apps::installed(&mut tx).await? {
            let Some(install) = apps::install(&mut tx, app_id).await? else { continue };
            let settings = super::present(&mut tx, &install).await?;
            let about = About::present(&mut tx, &install).await?;
            shown.push(super::show(&tx, &install, settings, about));
        }
        Ok(Output { apps: shown })
    }
}
