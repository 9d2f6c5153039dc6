use std::sync::Arc;
use std::time::Instant;

use larkspur_api::{Input, Operation, Process, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::told::{matcher, told};
use crate::operations::traffic::check::{Query, refusal};
use crate::operations::{CONTROL, WorldPath};
use crate::traffic::{Count, Differs, Traffic, Verdict, Wait, Wanted, verdict};
use crate::{support, values};

/// The longest wait, in milliseconds.
const WAIT_MAX: u64 = 60_000;

/// `POST /larkspur/v1/worlds/:tenant_key/events/check`
pub(crate) struct Check;

/// An assertion about events for apps: one of `match`, `in_order` and `never`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The events that are counted: an object of conditions on `type`, `app_id`, `state`, `way` (`webhook` or `connection`),
    /// `event_id`, `attempts`, `status` and `body`, the payload by path.
    r#match: Option<Value>,
    /// Events that follow one another, with others in between.
    #[schemars(length(min = 1, max = 32))]
    in_order: Option<Vec<Value>>,
    /// Events that must not occur.
    never: Option<Value>,
    /// How many events; at least one by default. Only with `match`.
    count: Option<Count>,
    /// How long to wait for more events, in milliseconds, while they can change the result. What has an upper limit (`never`,
    /// `exactly`, `at_most`) holds only when this time has passed; an event too many is answered at once.
    #[schemars(range(min = 0, max = 60_000))]
    wait_ms: Option<u64>,
    /// Only events after the one with this ID.
    since: Option<String>,
}

/// The result of an assertion about events.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Whether it holds.
    passed: bool,
    /// How many events matched, one for each app that is told; of a sequence, how many of its matchers.
    count: i64,
    /// The IDs of the events that matched, at most 100.
    event_ids: Vec<String>,
    /// If it does not hold: the events that matched most of the conditions, at most 3.
    near: Vec<Near>,
    /// Whether there are older events, which were not looked at. Pass `since` to be sure.
    truncated: bool,
}

/// An event that nearly matched.
#[derive(Debug, Serialize, JsonSchema)]
struct Near {
    /// Its ID.
    event_id: String,
    /// The share of conditions that hold.
    score: f64,
    /// The conditions that do not.
    differs: Vec<Differs>,
}

impl Operation for Check {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.event.check",
        summary: "Assert which events apps were told: how many, in which order, or never",
        route: post("/larkspur/v1/worlds/{tenant_key}/events/check"),
        effect: Effect::Reads,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::CHECK_FAILED],
        emits: &[],
        example: r#"{"match":{"type":"im.message.receive_v1"},"count":{"at_least":0}}"#,
        behaviours: &[Behaviour {
            name: "events_checked",
            rule: "The last 2,000 events of the world are looked at, one for each app that is told; `truncated` says whether there are older ones. Callbacks are not among them. `way` is how the app receives events now.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Process;
    type Path = WorldPath;
    type Query = Query;
    type Body = Body;
    type Output = Output;

    async fn run(process: &mut Process, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let Body { r#match, in_order, never, count, wait_ms, since } = &input.body;
        let wanted = Wanted::of(r#match.as_ref(), in_order.as_ref(), never.as_ref(), *count, matcher)?;
        let why = "exactly one of match, in_order and never; count only with match";
        let wanted = wanted.ok_or_else(|| values::invalid("match", None, why))?;
        let (traffic, key) = (process.service::<Arc<dyn Traffic>>()?, &input.path.tenant_key);
        let tenant = support::tenant_key(key)?;
        let mut left = wait_ms.unwrap_or(0).min(WAIT_MAX);
        let (verdict, truncated) = loop {
            let began = Instant::now();
            let (told, truncated) = told(process, call, key, since.as_deref()).await?;
            let found = verdict(&wanted, &told);
            if !found.open || left == 0 {
                break (found, truncated);
            }
            left = left.saturating_sub(traffic.wait_event(tenant, Wait::after(began, left)).await);
        };
        let Verdict { passed, count, ids, near, .. } = verdict;
        if !passed && input.query.fail.is_some() {
            let near = near.first().map(|near| (near.id.as_str(), near.differs.as_slice()));
            return Err(refusal("events", count, near));
        }
        let near =
            near.into_iter().map(|near| Near { event_id: near.id, score: near.score, differs: near.differs });
        Ok(Output { passed, count, event_ids: ids, near: near.collect(), truncated })
    }
}
