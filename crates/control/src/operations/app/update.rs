use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::model::InstallStatus;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::events::connections;
use larkspur_store::{Root, apps};

use super::about::About;
use super::{App, Path, Settings};
use crate::operations::CONTROL;
use crate::support;

/// `PUT /larkspur/v1/worlds/:tenant_key/apps/:app_id`
pub(crate) struct Update;

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.update",
        summary: "Change the installation of an app",
        route: put("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"status":"disabled"}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Settings;
    type Output = App;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<App, Fault> {
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let install = support::app(&mut tx, "app_id", &input.path.app_id).await?;
        let present = super::present(&mut tx, &install).await?;
        let settings = input.body.over(&mut tx, present).await?;
        apps::set_install(&mut tx, install.app_id, &settings).await?;
        if settings.status == InstallStatus::Disabled {
            connections::cut(&mut tx, install.app_id, None, call.now).await?;
        }
        input.body.about.write(&mut tx, &install).await?;
        let about = About::present(&mut tx, &install).await?;
        Ok(super::show(&tx, &install, settings, about))
    }
}
