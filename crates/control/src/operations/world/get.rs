use std::collections::BTreeMap;

use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Used;
use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key`
pub(crate) struct Get;

/// What to show besides the world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// 1 counts its rows in the store.
    #[schemars(range(min = 0, max = 1))]
    rows: Option<i64>,
}

/// The world.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    #[serde(flatten)]
    world: Used,
    /// Its rows in the store, if they were asked for.
    #[serde(flatten)]
    rows: Option<Rows>,
}

/// The rows of a world in the store.
#[derive(Debug, Serialize, JsonSchema)]
struct Rows {
    /// Of each table that has any, up to 10,000.
    rows: BTreeMap<&'static str, i64>,
    /// The sum of these.
    rows_total: i64,
    /// Whether a table has more than were counted.
    rows_cut: bool,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.get",
        summary: "Get a world with its time, its age and its size",
        route: get("/larkspur/v1/worlds/{tenant_key}"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "rows=1",
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let key = &input.path.tenant_key;
        let mut tx = root.tenant(support::tenant_key(key)?);
        let world = tenants::get(&mut tx).await?.ok_or_else(|| support::no_world(key))?;
        let created = tenants::created_at(&mut tx).await?.ok_or_else(|| support::no_world(key))?;
        let rows = match input.query.rows {
            Some(1) => Some(counted(&tenants::rows(&mut tx).await?)),
            _ => None,
        };
        Ok(Output { world: Used::of(&world, created, call), rows })
    }
}

fn counted(found: &[(&'static str, i64)]) -> Rows {
    let rows: BTreeMap<_, _> =
        found.iter().map(|(table, count)| (*table, (*count).min(tenants::COUNTED))).collect();
    Rows {
        rows_total: rows.values().sum(),
        rows_cut: found.iter().any(|(_, count)| *count > tenants::COUNTED),
        rows,
    }
}
