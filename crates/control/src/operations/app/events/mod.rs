//! Where an app receives events, as the control API shows it.

use larkspur_contract::Fault;
use larkspur_contract::ids::AppId;
use larkspur_store::events::outbox::{self, Sent};
use larkspur_store::events::subscriptions::{self, AddressState};
use larkspur_store::{Tx, apps};
use schemars::JsonSchema;
use serde::Serialize;

use crate::support;

pub(crate) mod get;
pub(crate) mod put;

/// Where an app receives events.
// It has no `Debug`, so that its secrets do not get into a log.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// The address that events are posted to; empty for none.
    request_url: String,
    /// Whether the address has sent the challenge back. Until then nothing else is posted to it.
    verified: bool,
    /// Why it is not verified; absent as long as it is still to be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What the app recognizes events by.
    verification_token: String,
    /// What events are encrypted and signed with; absent for plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypt_key: Option<String>,
    /// When an ISV app is sent its next ticket, in milliseconds since 1970 by the world's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_ticket_ms: Option<i64>,
    /// The last events, the newest first.
    deliveries: Vec<Delivery>,
}

/// An event, and what became of it.
#[derive(Serialize, JsonSchema)]
struct Delivery {
    /// Its id (`uuid`), the same at every attempt.
    event_id: String,
    /// `url_verification` or the type of the event.
    event_type: String,
    /// `waiting`, `delivered` or `dropped`.
    state: String,
    /// When it happened, in milliseconds since 1970 by the world's clock.
    created_at_ms: i64,
    /// How often it was tried.
    attempts: i64,
    /// The HTTP status of the last answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i64>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// When it is tried next, in milliseconds since 1970 by the world's clock, if it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_ms: Option<i64>,
}

/// `offset_ms` is what the world's clock is ahead of the real time.
fn delivery(sent: Sent, offset_ms: i64) -> Delivery {
    Delivery {
        event_id: sent.event_id,
        event_type: sent.event_type,
        next_try_ms: (sent.state == "waiting").then_some(sent.due_at + offset_ms),
        state: sent.state,
        created_at_ms: sent.created_at,
        attempts: sent.attempts,
        status: sent.status,
        failure: Some(sent.failure).filter(|why| !why.is_empty()),
    }
}

/// An app that this world made: what it says of events is kept here, for every world that installed it.
async fn made_here(tx: &mut Tx, id: &str) -> Result<apps::Install, Fault> {
    let install = support::app(tx, "app_id", id).await?;
    if install.developer != tx.tenant() {
        return Err(support::not_found("app_id", id, "the app was made in another world"));
    }
    Ok(install)
}

/// Where an app of this world receives events. `offset_ms` is what the world's clock is ahead of the real time.
async fn shown(tx: &mut Tx, app_id: AppId, offset_ms: i64) -> Result<Shown, Fault> {
    let found = subscriptions::get(tx, app_id).await?;
    let deliveries = outbox::last(tx, app_id).await?;
    let verified = found.as_ref().is_some_and(|found| found.events.state == AddressState::Verified);
    let token = found.as_ref().and_then(|found| found.verification_token.clone());
    let (request_url, encrypt_key, reason, ticket_at) = match found {
        Some(found) => (found.events.request_url, found.encrypt_key, found.events.reason, found.ticket_at),
        None => (String::new(), None, "there is no request address".to_owned(), None),
    };
    Ok(Shown {
        request_url,
        verified,
        reason: Some(reason).filter(|why| !why.is_empty()),
        verification_token: token.unwrap_or_else(|| tx.engine().keys.verification_token(app_id)),
        encrypt_key,
        next_ticket_ms: ticket_at.filter(|_| verified).map(|at| at + offset_ms),
        deliveries: deliveries.into_iter().map(|sent| delivery(sent, offset_ms)).collect(),
    })
}
