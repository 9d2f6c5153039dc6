//! Faults by rule.

use larkspur_contract::{Basis, Behaviour, Fault, codes};
use larkspur_store::tenants::Tenant;
use larkspur_store::{Tx, faults};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::faults::{BYTES_MAX, RULES_MAX, Rule, Shown, stored};
use crate::{support, values};
pub(crate) use making::made;
use making::{changed, share, with_preset};

pub(super) mod add;
pub(super) mod clear;
pub(super) mod delete;
pub(super) mod list;
mod making;
pub(super) mod order;
pub(super) mod preview;
pub(super) mod put;
pub(super) mod update;

/// A rule of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The world's tenant.
    tenant_key: String,
    /// The rule's id.
    fault_id: String,
}

/// The rules of a world.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Listed {
    /// The rules, the first one first.
    faults: Vec<Shown>,
}

/// How rules are used.
pub(crate) const RULED: Behaviour = Behaviour {
    name: "faults_ruled",
    rule: "The rules are looked at in their order when the caller is known: after authentication, and for operations without an access token after the body was read, by the app or the custom bot that they name. The first rule that decides ends the call; delays before it add up to 60 s at most. Calls of the control API, and calls whose own credentials are refused, match no rule. A read-only server uses none. A rule for events (`drop`, `hold`, `repeat`, `corrupt`, or `delay` with `event_type` or `way`) is looked at once for each event, when it is due for its first attempt, whether the app is connected or not; for a callback, when it is sent. A rule for long connections (`disconnect`) is one of the world that made the app, and is looked at when a connection is opened; a rule that is added, also for the connections to the server that adds it that are open.",
    basis: Basis::Assumed,
    switch: false,
};

/// The rules of a locked world.
pub(crate) fn rules(world: &Tenant) -> Vec<Rule> {
    stored(&world.faults)
}

/// Stores the rules of a locked world; returns their text.
pub(crate) async fn store(tx: &mut Tx, rules: &[Rule]) -> Result<String, Fault> {
    if rules.len() > RULES_MAX {
        return Err(values::invalid("faults", None, &format!("a world has at most {RULES_MAX} rules")));
    }
    let text = match rules {
        [] => String::new(),
        rules => serde_json::to_string(rules)
            .map_err(|error| Fault::new(codes::INTERNAL, format!("a rule cannot be written: {error}")))?,
    };
    if text.len() > BYTES_MAX {
        let why = format!("the rules of a world have at most {BYTES_MAX} bytes together");
        return Err(values::invalid("faults", None, &why));
    }
    faults::set(tx, &text).await?;
    Ok(text)
}

/// Makes a rule the first one of a locked world, in place of one with its id. Rules of the same kind that were used up are
/// removed. Returns the world with its rules.
pub(crate) async fn put_first(
    tx: &mut Tx,
    mut world: Tenant,
    rule: Rule,
    of_kind: impl Fn(&str) -> bool,
) -> Result<Tenant, Fault> {
    let mut all = rules(&world);
    let counts = faults::counts(tx).await?;
    let is_used = |one: &Rule| {
        let hits = counts.get(&one.id).map_or(0, |count| count.hits);
        of_kind(&one.id) && one.times.is_some_and(|times| hits >= times)
    };
    for used in all.iter().filter(|one| is_used(one)) {
        faults::stop(tx, &used.id).await?;
    }
    all.retain(|other| other.id != rule.id && !is_used(other));
    faults::start(tx, &rule.id).await?;
    all.insert(0, rule);
    world.faults = store(tx, &all).await?.into();
    Ok(world)
}

/// Removes a rule of a locked world, if it exists.
pub(crate) async fn remove(tx: &mut Tx, world: &Tenant, id: &str) -> Result<(), Fault> {
    let mut all = rules(world);
    let before = all.len();
    all.retain(|rule| rule.id != id);
    if all.len() < before {
        faults::stop(tx, id).await?;
        store(tx, &all).await?;
    }
    Ok(())
}

/// Rules with their counts at a time of the world.
async fn shown(tx: &mut Tx, rules: Vec<Rule>, now: i64) -> Result<Listed, Fault> {
    let counts = faults::counts(tx).await?;
    let faults = rules.into_iter().map(|rule| {
        let count = counts.get(&rule.id).copied().unwrap_or_default();
        rule.shown(count, now)
    });
    Ok(Listed { faults: faults.collect() })
}

/// One rule with its counts.
async fn shown_one(tx: &mut Tx, rule: Rule, now: i64) -> Result<Shown, Fault> {
    let counts = faults::counts(tx).await?;
    let count = counts.get(&rule.id).copied().unwrap_or_default();
    Ok(rule.shown(count, now))
}

fn unknown(id: &str) -> Fault {
    support::not_found("fault_id", id, "no such rule in this world")
}
