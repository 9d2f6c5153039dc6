use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::{Root, oauth};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Shown, shown};
use crate::operations::CONTROL;
use crate::operations::app::Path;
use crate::{support, values};

/// `PUT /larkspur/v1/worlds/:tenant_key/apps/:app_id/sign_in`
pub(crate) struct Put;

/// Sign-in settings of an app.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Absolute http and https URLs of at most 2048 bytes; if empty, any URL on this machine is accepted.
    #[schemars(length(max = 300), transform = values::address_list)]
    redirect_uris: Vec<String>,
}

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.sign_in.put",
        summary: "Set the URLs to which an app's users may be redirected after they sign in",
        route: put("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/sign_in"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"redirect_uris":["http://localhost:3000/callback"]}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let uris = &input.body.redirect_uris;
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let install = support::app(&mut tx, "app_id", &input.path.app_id).await?;
        if install.developer == tx.tenant() {
            oauth::set_redirect_uris(&mut tx, install.app_id, uris).await?;
        }
        shown(&mut tx, &input.path.app_id).await
    }
}
