//! Refusals that a test plans, to get codes that the state of a world cannot produce.

use larkspur_api::PLATFORM;
use larkspur_contract::{Access, Spec, codes};
use larkspur_store::refusals::Refusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

fn show(refusal: Refusal) -> Shown {
    Shown { operation: refusal.operation, code: refusal.code, remaining: refusal.remaining }
}

/// An operation that refusals can be planned for: one that requires an access token.
fn plannable(operation: &str) -> Option<&'static Spec> {
    operations().find(|spec| spec.id == operation)
}

/// The operations that refusals can be planned for.
fn operations() -> impl Iterator<Item = &'static Spec> {
    let specs = PLATFORM.iter().copied().flatten().map(|entry| entry.spec);
    specs.filter(|spec| matches!(spec.access, Access::Token { .. }))
}

/// The codes that can be planned for an operation, as a text.
fn numbers(spec: &Spec) -> String {
    let passing = [&spec.invalid, &codes::RATE_LIMITED, &codes::INTERNAL, &codes::UNAVAILABLE];
    let mut numbers: Vec<u32> = spec.codes.iter().chain(passing).map(|code| code.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
