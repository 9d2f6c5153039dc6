//! Where an app receives events, as the control API shows it.

use larkspur_contract::Fault;
use larkspur_contract::ids::AppId;
use larkspur_contract::model::SubscriptionMode;
use larkspur_store::events::outbox::{self, Sent};
use larkspur_store::events::subscriptions::{self, AddressState, Channel, Mode, Subscription, Types};
use larkspur_store::{Tx, apps};
use schemars::JsonSchema;
use serde::Serialize;

use crate::support;

pub(crate) mod challenge;
pub(crate) mod get;
pub(crate) mod put;
pub(crate) mod setting;

/// Where an app receives events.
// It has no `Debug`, so that its secrets do not get into a log.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// How the app is told of events.
    mode: SubscriptionMode,
    /// The address that events are posted to; empty for none.
    request_url: String,
    /// The types of events that it is told of; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<Vec<String>>,
    /// Whether the address has sent the challenge back. Until then nothing else is posted to it. Always so without an address,
    /// on a long connection.
    verified: bool,
    /// Why it is not verified; absent as long as it is still to be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What the app recognizes events by.
    verification_token: String,
    /// What events are encrypted and signed with; absent for plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypt_key: Option<String>,
    /// How the app is asked by callbacks.
    callbacks: ShownCallbacks,
    /// When an ISV app is sent its next ticket, in milliseconds since 1970 by the world's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_ticket_ms: Option<i64>,
    /// The last events, the newest first.
    deliveries: Vec<Delivery>,
}

/// How an app is asked by callbacks.
#[derive(Serialize, JsonSchema)]
struct ShownCallbacks {
    /// By webhook or by long connection.
    mode: SubscriptionMode,
    /// The address that callbacks are posted to; empty for none.
    request_url: String,
    /// The types of callbacks; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<Vec<String>>,
}

/// The names of a set of types; `None` for all.
fn names(types: Types) -> Option<Vec<String>> {
    match types {
        Types::All => None,
        Types::Only(names) => Some(names),
    }
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
    let Subscription { events, callbacks, encrypt_key, verification_token, ticket_at } =
        found.unwrap_or_else(Subscription::none);
    let Channel { mode, request_url, types, state, reason } = events;
    let verified = mode == Mode::Connection || state == AddressState::Verified;
    let reason = match mode {
        Mode::Webhook if request_url.is_empty() => "there is no request address".to_owned(),
        _ => reason,
    };
    Ok(Shown {
        mode: mode.into(),
        request_url,
        types: names(types),
        verified,
        reason: Some(reason).filter(|why| !why.is_empty()),
        verification_token: verification_token.unwrap_or_else(|| tx.engine().keys.verification_token(app_id)),
        encrypt_key,
        callbacks: ShownCallbacks {
            mode: callbacks.mode.into(),
            request_url: callbacks.request_url,
            types: names(callbacks.types),
        },
        next_ticket_ms: ticket_at.filter(|_| verified).map(|at| at + offset_ms),
        deliveries: deliveries.into_iter().map(|sent| delivery(sent, offset_ms)).collect(),
    })
}
