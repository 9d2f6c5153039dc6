//! The events of a world: those that happened, and those that a test makes up.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use larkspur_api::RootCall;
use larkspur_contract::ids::{AppId, TenantKey};
use larkspur_store::events::history::Past;
use larkspur_store::events::subscriptions;
use larkspur_store::{Exchange, Root, StoreError, Try};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::traffic::Traffic;
use crate::webhook_checks::{self, Checks, Secrets};

mod between_apps;
pub(super) mod check;
pub(super) mod get;
pub(super) mod list;
mod not_sent;
mod reason;
pub(super) mod resend;
pub(super) mod send;
mod told;

/// An event on its way to one app, or one that was delivered or dropped.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// Its ID (`event_id`, or `uuid` in the first envelope), the same in every attempt.
    event_id: String,
    /// Its number, for `before`. It grows with time.
    number: String,
    /// `url_verification` or the type of the event.
    event_type: String,
    /// The app.
    app_id: String,
    /// `waiting`, `held`, `delivered` or `dropped`.
    state: String,
    /// When it happened, in milliseconds since 1970 by the world's clock.
    created_at_ms: i64,
    /// The call that caused it, if this server recorded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    /// Its payload, without the envelope.
    payload: Value,
    /// How many attempts were made.
    attempt_count: i64,
    /// The attempts that the answering server made since its start, the oldest first; it keeps the last 2,000 of all.
    attempts: Vec<Attempt>,
    /// The HTTP status or code of the last answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i64>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// The time of the next attempt, in milliseconds since 1970 by the world's clock, if it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_ms: Option<i64>,
}

/// What caused an event.
#[derive(Serialize, JsonSchema)]
struct Cause {
    /// The log id of a call: the `X-Tt-Logid` of its answer.
    log_id: String,
}

/// An attempt to deliver an event.
#[derive(Serialize, JsonSchema)]
struct Attempt {
    /// Its number, from 1.
    n: i64,
    /// When it began, in milliseconds since 1970, in real time.
    at_ms: i64,
    /// How long it took, in milliseconds.
    took_ms: i64,
    /// The URL that it was posted to; absent for a long connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_url: Option<String>,
    /// The long connection that it went over: a `connection_id` of `GET W/apps/{app_id}/connections`; absent for a webhook, or
    /// if none was open.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    /// The HTTP status, or the code of the acknowledgment, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// When it began, in milliseconds since 1970 by the world's clock as it is now.
    world_at_ms: i64,
    /// `webhook` or `connection`.
    way: &'static str,
    /// What the receiver of a webhook has to compute, with each step; absent if what was sent is.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Checks>,
    /// What was sent; absent of all but the last 500 attempts of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Request>,
    /// The beginning of the answer, up to 4 KiB; on a long connection, the data of the acknowledgment. Absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

/// What was sent in an attempt.
#[derive(Serialize, JsonSchema)]
struct Request {
    /// The headers by which the app checks the request; none on a long connection or without an encrypt key.
    headers: BTreeMap<&'static str, String>,
    /// The beginning of the body as it was sent, up to 4 KiB: encrypted, if the app has a key.
    body: String,
}

/// The recorded attempts of a world's events, the secrets of the apps that got them, and what caused them.
struct Tries {
    all: Vec<Try>,
    secrets: HashMap<AppId, Secrets>,
    /// The log ids of the calls that caused events, by number.
    causes: HashMap<i64, String>,
    offset_ms: i64,
}

impl Tries {
    /// Those of some events. `now` is the tenant's time.
    async fn of(
        root: &mut Root,
        call: &RootCall,
        (tenant, now): (TenantKey, i64),
        past: &[Past],
    ) -> Result<Self, StoreError> {
        let engine = root.engine().clone();
        let mut secrets = HashMap::new();
        for one in past {
            if let Entry::Vacant(unknown) = secrets.entry(one.app_id) {
                let mut maker = root.tenant(one.developer);
                let found = subscriptions::get(&mut maker, one.app_id).await?;
                let derived = engine.keys.verification_token(one.app_id);
                unknown.insert(Secrets::of(found, derived));
            }
        }
        let numbers: HashSet<i64> = past.iter().map(|one| one.number).collect();
        let traffic = call.services.get::<Arc<dyn Traffic>>();
        let causes = traffic.map(|traffic| traffic.causes(tenant, &numbers)).unwrap_or_default();
        Ok(Tries { all: engine.attempts.of(tenant), secrets, causes, offset_ms: now - call.now })
    }

    fn attempt(&self, one: &Try) -> Attempt {
        let webhook = !one.request_url.is_empty();
        let request = |exchange: &Exchange| Request {
            headers: exchange.headers.iter().cloned().collect(),
            body: exchange.body.clone(),
        };
        let sent = one.exchange.as_ref().filter(|_| webhook).zip(self.secrets.get(&one.app_id));
        Attempt {
            checks: sent.map(|(exchange, secrets)| webhook_checks::of(exchange, secrets)),
            way: if webhook { "webhook" } else { "connection" },
            world_at_ms: one.at + self.offset_ms,
            request: one.exchange.as_ref().map(request),
            answer: one.exchange.as_ref().and_then(|exchange| exchange.answer.clone()),
            n: one.n,
            at_ms: one.at,
            took_ms: one.took_ms,
            request_url: Some(one.request_url.clone()).filter(|_| webhook),
            connection: one.connection.clone(),
            status: one.status,
            failure: one.failure.clone(),
        }
    }

    /// An event with its attempts.
    fn show(&self, past: Past) -> Shown {
        let own = self.all.iter().filter(|one| one.event_id == past.event_id && one.app_id == past.app_id);
        Shown {
            attempts: own.map(|one| self.attempt(one)).collect(),
            cause: self.causes.get(&past.number).cloned().map(|log_id| Cause { log_id }),
            event_id: past.event_id,
            number: past.number.to_string(),
            event_type: past.event_type,
            app_id: past.app_id.to_string(),
            next_try_ms: (past.state == "waiting").then_some(past.due_at + self.offset_ms),
            state: past.state,
            created_at_ms: past.created_at,
            payload: serde_json::from_str(&past.payload).unwrap_or(Value::Null),
            attempt_count: past.attempts,
            status: past.status,
            failure: Some(past.failure).filter(|why| !why.is_empty()),
        }
    }
}
