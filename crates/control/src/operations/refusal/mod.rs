//! Refusals that a test plans, to get codes that the state of a world cannot produce. Each is a fault rule of the world.

use larkspur_api::PLATFORM;
use larkspur_contract::{Fault, Spec, codes};
use larkspur_store::tenants::Tenant;
use larkspur_store::{Tx, faults};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::faults::Rule;
use crate::operations::fault;

pub(super) mod delete;
pub(super) mod list;
pub(super) mod put;

/// An operation in a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The world's tenant.
    tenant_key: String,
    /// The operation's id, as `larkspur operations` lists it.
    operation: String,
}

/// A planned refusal.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// The operation's id.
    operation: String,
    /// The code to answer.
    code: i64,
    /// How many more calls it refuses.
    remaining: i64,
}

impl Shown {
    /// A rule as a planned refusal, after it changed this many calls; `None` if it is another rule.
    fn of(rule: &Rule, hits: i64) -> Option<Self> {
        let operation = operation_of(&rule.id)?.to_owned();
        let code = rule.effect.refuse.as_ref()?.code;
        let left = rule.times?.saturating_sub(hits).max(0);
        Some(Shown { operation, code, remaining: if rule.enabled { left } else { 0 } })
    }
}

/// The id of the fault rule that a planned refusal of an operation is.
fn rule_id(operation: &str) -> String {
    format!("refusal-{operation}")
}

/// The operation whose planned refusal a fault rule with this id is.
fn operation_of(id: &str) -> Option<&str> {
    id.strip_prefix("refusal-").filter(|operation| plannable(operation).is_some())
}

/// The planned refusals of a world, used up or not, in the order of the operations.
async fn planned(tx: &mut Tx, world: &Tenant) -> Result<Vec<Shown>, Fault> {
    let counts = faults::counts(tx).await?;
    let hits = |rule: &Rule| counts.get(&rule.id).map_or(0, |count| count.hits);
    let rules = fault::rules(world);
    let mut all: Vec<Shown> = rules.iter().filter_map(|rule| Shown::of(rule, hits(rule))).collect();
    all.sort_by(|one, other| one.operation.cmp(&other.operation));
    Ok(all)
}

/// An operation that refusals can be planned for: any of the platform.
fn plannable(operation: &str) -> Option<&'static Spec> {
    operations().find(|spec| spec.id == operation)
}

/// The operations that refusals can be planned for.
fn operations() -> impl Iterator<Item = &'static Spec> {
    PLATFORM.iter().copied().flatten().map(|entry| entry.spec)
}

/// The codes that can be planned for an operation, as a text.
fn numbers(spec: &Spec) -> String {
    let passing = [&spec.invalid, &codes::RATE_LIMITED, &codes::INTERNAL, &codes::UNAVAILABLE];
    let mut numbers: Vec<u32> = spec.codes.iter().chain(passing).map(|code| code.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
