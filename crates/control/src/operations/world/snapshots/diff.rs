use std::collections::BTreeMap;

use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::snapshots::{self, Budget, Change, Changed, Differences, Snapshot};
use larkspur_store::{Root, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{CONTROL, WorldPath};
use crate::snapshots::readable;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/snapshots/diff`
pub(crate) struct Diff;

/// The present state, where a snapshot can be named.
const NOW: &str = "now";

/// The states to compare.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// The earlier one: a snapshot, or `now`.
    a: String,
    /// The later one: a snapshot, or `now`.
    #[schemars(extend("default" = "now"))]
    b: Option<String>,
    /// The most rows to list.
    #[schemars(range(min = 0, max = 1000), extend("default" = 100))]
    limit: Option<u16>,
}

/// What differs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// How many rows differ, by table.
    tables: Vec<Table>,
    /// The first rows that differ.
    rows: Vec<Row>,
    /// How many more there are.
    more: usize,
}

/// How many rows of a table differ.
#[derive(Debug, Serialize, JsonSchema)]
struct Table {
    /// The table.
    table: &'static str,
    /// Rows that only `b` has.
    added: usize,
    /// Rows that only `a` has.
    gone: usize,
    /// Rows with other values.
    changed: usize,
}

/// A row that differs.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// Its table.
    table: &'static str,
    /// Whether it is added, gone or changed.
    change: &'static str,
    /// Its key, by column. Rows of messages also have a `message_id`.
    key: BTreeMap<String, String>,
    /// The columns that changed, with the beginnings of their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<Column>,
}

/// A column that changed.
#[derive(Debug, Serialize, JsonSchema)]
struct Column {
    /// Its name.
    name: String,
    /// Its value in `a`.
    a: String,
    /// Its value in `b`.
    b: String,
}

impl From<Change> for Row {
    fn from(change: Change) -> Self {
        Row {
            table: change.table,
            change: match change.what {
                Changed::Added => "added",
                Changed::Gone => "gone",
                Changed::Changed => "changed",
            },
            key: change.key.into_iter().collect(),
            columns: change.columns.into_iter().map(|(name, a, b)| Column { name, a, b }).collect(),
        }
    }
}

impl From<Differences> for Output {
    fn from(found: Differences) -> Self {
        let table = |count: snapshots::TableCount| Table {
            table: count.table,
            added: count.added,
            gone: count.gone,
            changed: count.changed,
        };
        Output {
            tables: found.tables.into_iter().map(table).collect(),
            rows: found.changes.into_iter().map(Row::from).collect(),
            more: found.more,
        }
    }
}

impl Operation for Diff {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.snapshots.diff",
        summary: "Compare two states of a world",
        route: get("/larkspur/v1/worlds/{tenant_key}/snapshots/diff"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let a = state(&mut tx, "a", &input.query.a).await?;
        let b = state(&mut tx, "b", input.query.b.as_deref().unwrap_or(NOW)).await?;
        let limit = usize::from(input.query.limit.unwrap_or(100));
        let found = snapshots::differences(&mut tx, a.as_ref(), b.as_ref(), limit, Budget::default());
        Ok(found.await?.into())
    }
}

/// The snapshot that is named; `None` for the present state.
async fn state(tx: &mut Tx, field: &str, name: &str) -> Result<Option<Snapshot>, Fault> {
    if name == NOW {
        return Ok(None);
    }
    readable(tx, field, name).await.map(Some)
}
