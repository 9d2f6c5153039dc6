//! Refusals that a test plans: what the world itself cannot be brought to answer.

use larkspur_api::PLATFORM;
use larkspur_contract::{Access, Spec, codes};
use larkspur_store::refusals::Refusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) mod delete;
pub(super) mod list;
pub(super) mod put;

/// Which operation of which world.
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
    /// The code that it answers.
    code: i64,
    /// How many calls it still refuses.
    remaining: i64,
}

fn show(refusal: Refusal) -> Shown {
    Shown { operation: refusal.operation, code: refusal.code, remaining: refusal.remaining }
}

/// An operation that refusals can be planned for: one that is called with an access token.
fn plannable(operation: &str) -> Option<&'static Spec> {
    operations().find(|spec| spec.id == operation)
}

/// The operations that refusals can be planned for.
fn operations() -> impl Iterator<Item = &'static Spec> {
    let specs = PLATFORM.iter().copied().flatten().map(|entry| entry.spec);
    specs.filter(|spec| matches!(spec.access, Access::Token { .. }))
}

/// The codes that can be planned for an operation, in words.
fn numbers(spec: &Spec) -> String {
    let passing = [&spec.invalid, &codes::RATE_LIMITED, &codes::INTERNAL, &codes::UNAVAILABLE];
    let mut numbers: Vec<u32> = spec.codes.iter().chain(passing).map(|code| code.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
