//! Requests outside the registry that are recorded like calls: those that open long connections.

use std::time::Instant;

use bytes::Bytes;
use larkspur_contract::Fault;
use larkspur_contract::ids::AppId;
use larkspur_store::Work;
use larkspur_store::faults::Ruled;

use crate::App;
use crate::call_id::CallId;
use crate::gateway::exchange::{Exchange, Steps};
pub(crate) use crate::gateway::faults::{Injected, endpoint as injected};
use crate::gateway::limiter::Used;
use crate::gateway::lines;
use crate::gateway::who::Who;
use crate::request::{Request, Response};
use crate::ruled::by_app;

/// A request, from its arrival.
pub(crate) struct Outside {
    /// Its id, for the answer.
    pub(crate) id: CallId,
    /// Its name in records.
    operation: &'static str,
    at_ms: i64,
    began: Instant,
}

/// The app that a request names, and the world that made it, if there is one.
pub(crate) struct Named {
    app_id: Option<AppId>,
    ruled: Option<Ruled>,
}

/// How a request ended.
pub(crate) struct Outcome<'a> {
    /// Its body.
    pub(crate) body: Option<&'a Bytes>,
    /// Its refusal.
    pub(crate) fault: Option<&'a Fault>,
    /// The rule that changed it.
    pub(crate) injected: Option<&'a Injected>,
    /// The answer, without secrets that are not found by their names.
    pub(crate) response: &'a Response,
}

impl Named {
    /// Finds the world of an app. If the store cannot be read, it is unknown.
    pub(crate) async fn of(app: &App, app_id: Option<AppId>) -> Self {
        let ruled = match app_id {
            Some(app_id) => by_app(&app.engine, app_id).await.unwrap_or_else(|error| {
                tracing::warn!(%app_id, why = %error, "cannot read the world of an app");
                None
            }),
            None => None,
        };
        Named { app_id, ruled }
    }

    /// The app with the rules of its world, if both are known.
    pub(crate) fn known(&self) -> Option<(AppId, &Ruled)> {
        self.app_id.zip(self.ruled.as_ref())
    }
}

impl Outside {
    /// A request that has just arrived.
    pub(crate) fn begin(app: &App, operation: &'static str) -> Self {
        let at_ms = app.engine.clock.now_ms();
        Outside { id: app.call_ids.next(at_ms), operation, at_ms, began: Instant::now() }
    }

    /// Logs it, and records it, if its world does.
    pub(crate) fn record(&self, app: &App, request: &Request<'_>, named: &Named, outcome: &Outcome<'_>) {
        let tenant = named.ruled.as_ref().map(|ruled| ruled.tenant);
        let who = Who { tenant, app_id: named.app_id, user: None, token: "none", claimed: false };
        let planned = outcome.injected.is_some_and(|rule| rule.outcome().is_some());
        let took = self.began.elapsed();
        lines::outside((&self.id, who, took), self.operation, (outcome.fault, planned));
        let overrides = named.ruled.as_ref().and_then(|ruled| ruled.policy.overrides.as_deref());
        let own = overrides.map(|overrides| overrides.traffic).unwrap_or_default();
        if !own.record.unwrap_or(app.traffic.is_on()) {
            return;
        }
        // Nothing of the platform answers in place of a proxy, or on a connection that was cut before.
        let replaced = outcome.injected.is_some_and(Injected::replaces);
        let code = outcome.fault.map_or(0, |fault| fault.code().number);
        let exchange = Exchange {
            id: self.id,
            at_ms: self.at_ms,
            took,
            who,
            caller: None,
            steps: Steps::of(false, self.began),
            token: None,
            spec: None,
            operation: Some(self.operation),
            peer: request.peer,
            method: request.method,
            path: request.path,
            query: request.query,
            headers: request.headers,
            body: outcome.body,
            code: (!replaced).then_some(code),
            fault: outcome.fault,
            soft: None,
            work: &Work::default(),
            used: Used::default(),
            planned,
            injected: outcome.injected,
            response: outcome.response,
            has_plain_names: false,
        };
        app.traffic.record(&exchange, &app.engine.keys, own.body_kb);
    }
}
