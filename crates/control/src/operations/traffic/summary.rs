use larkspur_api::{Empty, Input, Operation, PLATFORM, Process, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, Window, codes, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{CONTROL, WorldPath};
use crate::traffic::summary::{self, By};
use crate::values;

/// `GET /larkspur/v1/worlds/:tenant_key/traffic/summary`
pub(crate) struct Summary;

/// Which calls to count.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// Only calls after the one with this log id.
    since: Option<String>,
    /// What `rows` counts by: one or more of `operation`, `code`, `outcome` and `app_id`, separated by commas. `operation,code` by
    /// default.
    by: Option<String>,
}

impl Operation for Summary {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.traffic.summary",
        summary: "Count the recorded calls of a world, with their peaks against the rate limits",
        route: get("/larkspur/v1/worlds/{tenant_key}/traffic/summary"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "by=operation,code",
        behaviours: &[super::RECORDED],
        ..CONTROL
    };
    type Ground = Process;
    type Path = WorldPath;
    type Query = Query;
    type Body = Empty;
    type Output = summary::Summary;

    async fn run(
        process: &mut Process,
        call: &RootCall,
        input: &Input<Self>,
    ) -> Result<summary::Summary, Fault> {
        let by = By::parse(input.query.by.as_deref().unwrap_or("operation,code"));
        let by = by
            .map_err(|unknown| values::invalid("by", Some(&unknown), "operation, code, outcome or app_id"))?;
        let asked = super::open(process, call, &input.path.tenant_key).await?;
        let (calls, _) = asked.calls(asked.since(input.query.since.as_deref())?);
        Ok(summary::summary(&calls, by, windows))
    }
}

/// The windows of an operation's rate limit.
fn windows(operation: &str) -> &'static [Window] {
    let mut all = PLATFORM.iter().copied().flatten();
    all.find(|entry| entry.spec.id == operation).map_or(&[], |entry| entry.spec.rate.windows)
}
