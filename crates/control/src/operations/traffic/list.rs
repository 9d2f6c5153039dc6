use std::collections::BTreeMap;

use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{CONTROL, WorldPath};
use crate::traffic::{Row, matching};

/// The number of calls in an answer by default.
const SHOWN: usize = 100;
/// How many calls are looked at together.
const CHUNK: u64 = 200;

/// `GET /larkspur/v1/worlds/:tenant_key/traffic`
pub(crate) struct List;

/// Which calls to list. Every other parameter is a filter: `operation`, `code`, `outcome`, `kind`, `app_id`, `user`,
/// `token`, `method`, `path`, `status`, `us`, `log_id`, `header.NAME`, `query.NAME`, `body.PATH` or `answer.PATH`. In
/// their values `,` separates alternatives of the fields without a dot, `*` stands for any characters, and `>=`, `<=`,
/// `~` (contains) or `!` (not) may come first; an empty value means that the member is absent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// The most calls in the answer; 100 by default.
    #[schemars(range(min = 1, max = 1000), extend("default" = 100))]
    limit: Option<u16>,
    /// Only calls with a number below this one: the next page.
    #[schemars(range(min = 1))]
    before: Option<u64>,
    /// Only calls with a number above this one.
    #[schemars(range(min = 0))]
    after: Option<u64>,
    /// Only calls after the one with this log id.
    since: Option<String>,
    #[serde(flatten)]
    filter: BTreeMap<String, String>,
}

/// The calls of a world.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Whether this server records calls.
    recording: bool,
    /// The newest first.
    entries: Vec<Row>,
    /// `before` of the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_before: Option<u64>,
    /// The number of the newest call; 0 if there was none.
    newest: u64,
    /// The number of the oldest call that is kept.
    oldest: u64,
    /// How many older calls were dropped.
    dropped: u64,
    /// The server.
    node: String,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.traffic.list",
        summary: "List the recorded calls of a world",
        route: get("/larkspur/v1/worlds/{tenant_key}/traffic"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "outcome=refused",
        behaviours: &[super::RECORDED],
        ..CONTROL
    };
    type Ground = Process;
    type Path = WorldPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(process: &mut Process, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let Query { limit, before, after, since, filter } = &input.query;
        let (matcher, control) = super::filter(filter)?;
        let asked = super::open(process, call, &input.path.tenant_key).await?;
        let since = match since {
            Some(log_id) => asked.call("since", log_id)?.row.seq,
            None => 0,
        };
        let stand = asked.traffic.calls(asked.whose(), u64::MAX, 0);
        let lowest = since.max(after.unwrap_or(0)).max(stand.oldest.saturating_sub(1));
        let mut upper = before.unwrap_or(u64::MAX).min(stand.newest.saturating_add(1));
        let most = limit.map_or(SHOWN, usize::from);
        let mut entries = Vec::new();
        while upper > lowest + 1 && entries.len() < most {
            let from = upper.saturating_sub(CHUNK + 1).max(lowest);
            let count = usize::try_from(upper - 1 - from).unwrap_or_default();
            let chunk = asked.traffic.calls(asked.whose(), from, count).entries;
            let found: Vec<_> = matching(&chunk, &matcher, control).map(|entry| entry.row.clone()).collect();
            entries.extend(found.into_iter().rev());
            upper = from + 1;
        }
        let more = entries.len() > most || (entries.len() == most && upper > lowest + 1);
        entries.truncate(most);
        entries.iter_mut().for_each(|row| asked.name(row));
        Ok(Output {
            recording: asked.recording,
            next_before: entries.last().filter(|_| more).map(|row: &Row| row.seq),
            entries,
            newest: stand.newest,
            oldest: stand.oldest,
            dropped: stand.dropped,
            node: asked.traffic.node(),
        })
    }
}
