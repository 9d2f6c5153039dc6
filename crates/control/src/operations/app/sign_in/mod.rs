//! Where users of an app may be sent when they have signed in, and the ticket of an ISV app.

use larkspur_contract::Fault;
use larkspur_contract::model::AppKind;
use larkspur_store::{Tx, oauth};
use schemars::JsonSchema;
use serde::Serialize;

use crate::support;

pub(crate) mod get;
pub(crate) mod put;

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

/// What an app made in this world says of signing in.
async fn shown(tx: &mut Tx, id: &str) -> Result<Shown, Fault> {
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
