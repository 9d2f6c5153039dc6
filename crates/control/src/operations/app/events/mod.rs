//! How an app receives events, as the control API shows it.

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

/// How an app receives events.
// It has no `Debug`, so that its secrets do not get into a log.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// By webhook or by long connection.
    mode: SubscriptionMode,
    /// The URL that events are posted to; empty for none.
    request_url: String,
    /// The types of events that it receives; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<Vec<String>>,
    /// Whether the URL has returned the challenge. Until then nothing else is posted to it. Always true for a long
    /// connection.
    verified: bool,
    /// Why it is not verified; absent before the challenge was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The verification token, by which the app recognizes events.
    verification_token: String,
    /// The key that events are encrypted and signed with; absent for plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypt_key: Option<String>,
    /// How the app receives callbacks.
    callbacks: ShownCallbacks,
    /// When an ISV app gets its next ticket, in milliseconds since 1970 by the world's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_ticket_ms: Option<i64>,
    /// The latest events, the newest first.
    deliveries: Vec<Delivery>,
}

/// How an app receives callbacks.
#[derive(Serialize, JsonSchema)]
struct ShownCallbacks {
    /// By webhook or by long connection.
    mode: SubscriptionMode,
    /// The URL that callbacks are posted to; empty for none.
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

/// An event and its state.
#[derive(Serialize, JsonSchema)]
struct Delivery {
    /// Its ID (`uuid`), the same in every attempt.
    event_id: String,
    /// `url_verification` or the type of the event.
    event_type: String,
    /// `waiting`, `held`, `delivered` or `dropped`.
    state: String,
    /// When it happened, in milliseconds since 1970 by the world's clock.
    created_at_ms: i64,
    /// How many attempts were made.
    attempts: i64,
    /// The HTTP status of the last answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i64>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// The time of the next attempt, in milliseconds since 1970 by the world's clock, if it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_ms: Option<i64>,
}

/// `offset_ms` is how far the world's clock is ahead of real time.
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

/// An app that this world made. How it receives events is kept here, for every world that installed it.
pub(super) async fn made_here(tx: &mut Tx, id: &str) -> Result<apps::Install, Fault> {
    let install = support::app(tx, "app_id", id).await?;
    if install.developer != tx.tenant() {
        return Err(support::not_found("app_id", id, "the app was made in another world"));
    }
    Ok(install)
}

/// How an app of this world receives events. `offset_ms` is how far the world's clock is ahead of real time.
async fn shown(tx: &mut Tx, app_id: AppId, offset_ms: i64) -> Result<Shown, Fault> {
    let found = subscriptions::get(tx, app_id).await?;
    let deliveries = outbox::last(tx, app_id).await?;
    let Subscription { events, callbacks, encrypt_key, verification_token, ticket_at } =
        found.unwrap_or_else(Subscription::none);
    let Channel { mode, request_url, types, state, reason } = events;
    let verified = mode == Mode::Connection || state == AddressState::Verified;
    let reason = match mode {
        Mode::Webhook if request_url.is_empty() => "there is no request URL".to_owned(),
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
