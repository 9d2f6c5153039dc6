use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::events::connections;
use larkspur_store::{Keys, Root, apps};
use schemars::JsonSchema;
use serde::Serialize;

use super::Path;
use crate::operations::CONTROL;
use crate::support;

/// `POST /larkspur/v1/worlds/:tenant_key/apps/:app_id/secret`
pub(crate) struct Rotate;

/// The new secret.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The app.
    app_id: String,
    /// Its secret, which is not shown again.
    app_secret: String,
}

impl Operation for Rotate {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.secret",
        summary: "Replace the secret of an app of this world; its tokens stay valid",
        route: post("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/secret"),
        effect: Effect::Writes,
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
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let id = &input.path.app_id;
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let install = support::app(&mut tx, "app_id", id).await?;
        if install.developer != tx.tenant() {
            return Err(support::not_found("app_id", id, "the app was created in another world"));
        }
        let app_secret = Keys::fresh_secret();
        let hash = call.engine.keys.hash_secret(&app_secret);
        apps::set_secret(root, install.app_id, &hash).await?;
        connections::cut(&mut tx, install.app_id, None, call.now).await?;
        Ok(Output { app_id: id.clone(), app_secret })
    }
}
