//! The redirect URLs of an app, and the ticket of an ISV app.

use larkspur_contract::Fault;
use larkspur_contract::model::AppKind;
use larkspur_store::{Tx, oauth};
use schemars::JsonSchema;
use serde::Serialize;

use crate::support;

pub(crate) mod get;
pub(crate) mod put;

/// Sign-in settings of an app.
// It has no `Debug`, which would print the ticket to logs.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// Where users may be redirected after they sign in; if empty, to any URL on this machine.
    redirect_uris: Vec<String>,
    /// The present ticket of an ISV app.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_ticket: Option<String>,
}

/// The sign-in settings of an app that was created in this world.
async fn shown(tx: &mut Tx, id: &str) -> Result<Shown, Fault> {
    let install = support::app(tx, "app_id", id).await?;
    if install.developer != tx.tenant() {
        return Err(support::not_found("app_id", id, "the app was created in another world"));
    }
    let sign_in = oauth::sign_in(tx, install.app_id).await?;
    let engine = tx.engine().clone();
    let ticket = || engine.keys.app_ticket(install.app_id, sign_in.ticket_no);
    Ok(Shown {
        app_ticket: (install.kind == AppKind::Isv).then(ticket),
        redirect_uris: sign_in.redirect_uris,
    })
}
