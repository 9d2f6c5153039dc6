use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::ids::TenantKey;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::operations::CONTROL;
use crate::support;
use crate::traffic::{Row, Traffic, Whose, matching};

/// The number of calls in an answer by default.
const SHOWN: usize = 100;

/// `GET /larkspur/v1/traffic`
pub(crate) struct All;

/// Which calls to list; other parameters are filters, as for one world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// `none`: calls of unknown callers; or a tenant_key. By default all calls.
    world: Option<String>,
    /// The most calls in the answer; 100 by default.
    #[schemars(range(min = 1, max = 1000), extend("default" = 100))]
    limit: Option<u16>,
    #[serde(flatten)]
    filter: BTreeMap<String, String>,
}

/// Calls of all worlds.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Whether this server records calls.
    recording: bool,
    /// The newest first.
    entries: Vec<Row>,
    /// The server.
    node: String,
}

impl Operation for All {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.traffic.all",
        summary: "List recorded calls of all worlds, or of unknown callers",
        route: get("/larkspur/v1/traffic"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "world=none",
        behaviours: &[super::RECORDED],
        ..CONTROL
    };
    type Ground = Process;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(process: &mut Process, _call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let Query { world, limit, filter } = &input.query;
        let (matcher, control) = super::filter(filter)?;
        let whose = match world.as_deref() {
            None => Whose::All,
            Some("none") => Whose::Unknown,
            Some(key) => Whose::World(TenantKey::parse(key).ok_or_else(|| support::no_world(key))?, 0),
        };
        let traffic: Arc<dyn Traffic> = process.service()?;
        let calls = traffic.calls(whose, 0, usize::MAX).entries;
        let mut entries: Vec<Row> =
            matching(&calls, &matcher, control).map(|entry| entry.row.clone()).collect();
        entries.reverse();
        entries.truncate(limit.map_or(SHOWN, usize::from));
        Ok(Output { recording: traffic.is_on(), entries, node: traffic.node() })
    }
}
