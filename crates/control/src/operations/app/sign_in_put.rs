use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::model::AppKind;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, put, rates};
use larkspur_store::{Root, Tx, oauth};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Path;
use crate::{support, values};

/// `PUT /larkspur/v1/worlds/:tenant_key/apps/:app_id/sign_in`
pub(crate) struct Put;

/// Where the app's users may be sent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Absolute http and https addresses of 2048 bytes at most; none means any on this machine.
    #[schemars(length(max = 300), transform = values::address_list)]
    redirect_uris: Vec<String>,
}

/// What an app says of signing in.
// It has no `Debug`, so that the ticket does not get into a log.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// Where the app's users may be sent; none means any address on this machine.
    redirect_uris: Vec<String>,
    /// The present ticket of an ISV app.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_ticket: Option<String>,
}

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.sign_in.put",
        summary: "Set the addresses to which an app's users may be sent when they have signed in",
        reference: "",
        route: put("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/sign_in"),
        access: Access::Control,
        rate: rates::UNLIMITED,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::CONTROL_PARAM_INVALID,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        example: r#"{"redirect_uris":["http://localhost:3000/callback"]}"#,
        behaviours: &[],
        deviations: &[],
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

/// What an app made in this world says of signing in.
pub(super) async fn shown(tx: &mut Tx, id: &str) -> Result<Shown, Fault> {
    let install = support::app(tx, "app_id", id).await?;
    if install.developer != tx.tenant() {
        return Err(support::not_found("app_id", id, "the app was made in another world"));
    }
    let sign_in = oauth::sign_in(tx, install.app_id).await?;
    let engine = tx.engine().clone();
    let ticket = || engine.keys.app_ticket(install.app_id, sign_in.ticket_no);
    Ok(Shown {
        app_ticket: (install.kind == AppKind::Isv).then(ticket),
        redirect_uris: sign_in.redirect_uris,
    })
}
