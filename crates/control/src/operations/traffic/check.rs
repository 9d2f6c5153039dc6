use std::time::Instant;

use larkspur_api::{Input, Operation, Process, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::operations::{CONTROL, WorldPath};
use crate::traffic::{Checked, Count, Differs, Wait, Wanted, judge};
use crate::values;

/// The longest wait, in milliseconds.
const WAIT_MAX: u64 = 60_000;

/// `POST /larkspur/v1/worlds/:tenant_key/traffic/check`
pub(crate) struct Check;

/// How to answer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// `status`: an assertion that does not hold is answered with HTTP 412 and 5275412.
    pub(crate) fail: Option<Fail>,
}

/// How an assertion that does not hold is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fail {
    /// With an HTTP status.
    Status,
}

/// An assertion about recorded calls: one of `match`, `in_order` and `never`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The calls that are counted: an object of conditions, as in a list's filter.
    r#match: Option<Value>,
    /// Calls that follow one another, with others in between.
    #[schemars(length(min = 1, max = 32))]
    in_order: Option<Vec<Value>>,
    /// Calls that must not occur.
    never: Option<Value>,
    /// How many calls; at least one by default. Only with `match`.
    count: Option<Count>,
    /// How long to wait for more calls, in milliseconds, while they can change the result. What has an upper limit (`never`,
    /// `exactly`, `at_most`) holds only when this time has passed; a call too many is answered at once.
    #[schemars(range(min = 0, max = 60_000))]
    wait_ms: Option<u64>,
    /// Only calls after the one with this log id.
    since: Option<String>,
}

impl Body {
    fn wanted(&self) -> Result<Wanted, Fault> {
        let (one, in_order, never) = (self.r#match.as_ref(), self.in_order.as_ref(), self.never.as_ref());
        let wanted = Wanted::of(one, in_order, never, self.count, super::matcher)?;
        wanted.ok_or_else(|| {
            values::invalid("match", None, "exactly one of match, in_order and never; count only with match")
        })
    }
}

impl Operation for Check {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.traffic.check",
        summary: "Assert which calls were made: how many, in which order, or never",
        route: post("/larkspur/v1/worlds/{tenant_key}/traffic/check"),
        effect: Effect::Reads,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::CHECK_FAILED],
        emits: &[],
        example: r#"{"match":{"operation":"im.v1.*"},"count":{"at_least":0}}"#,
        behaviours: &[super::RECORDED],
        ..CONTROL
    };
    type Ground = Process;
    type Path = WorldPath;
    type Query = Query;
    type Body = Body;
    type Output = Checked;

    async fn run(process: &mut Process, call: &RootCall, input: &Input<Self>) -> Result<Checked, Fault> {
        let wanted = input.body.wanted()?;
        let asked = super::open(process, call, &input.path.tenant_key).await?;
        let since = asked.since(input.body.since.as_deref())?;
        let mut left = input.body.wait_ms.unwrap_or(0).min(WAIT_MAX);
        let checked = loop {
            let (began, newest) = (Instant::now(), asked.traffic.calls(asked.whose(), u64::MAX, 0).newest);
            let (calls, dropped) = asked.calls(since);
            let (checked, open) = judge(&wanted, &calls, dropped);
            if !open || left == 0 {
                break checked;
            }
            let wait = Wait::after(began, left);
            left = left.saturating_sub(asked.traffic.wait(asked.tenant, newest, wait).await);
        };
        if checked.passed || input.query.fail.is_none() {
            return Ok(checked);
        }
        Err(failed(&checked))
    }
}

/// The refusal that says how the calls differ.
fn failed(checked: &Checked) -> Fault {
    let near = checked.near.first().map(|near| (near.log_id.as_str(), near.differs.as_slice()));
    refusal("calls", checked.count, near)
}

/// The refusal of an assertion: how many match, and how the nearest one differs.
pub(crate) fn refusal(what: &str, count: i64, near: Option<(&str, &[Differs])>) -> Fault {
    let near = near.map(|(id, differs)| {
        let differs = differs.iter().map(|one| {
            let got = one.got.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
            format!("{} is {got}, not {}", one.path, one.wanted)
        });
        format!("; nearest is {id}: {}", differs.collect::<Vec<_>>().join(", "))
    });
    let why = format!("{count} {what} match{}", near.unwrap_or_default());
    Fault::new(codes::CHECK_FAILED, why.clone()).with_violation("match", None, &why)
}
