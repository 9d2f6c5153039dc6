//! Refusals as the control API shows those of others: of what a user would do, of a token.

use larkspur_contract::Fault;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::traffic::Action;

/// Why something is refused.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Refusal {
    /// The code that an operation answers.
    code: u32,
    /// The name of the code.
    name: &'static str,
    /// The message that an operation answers.
    msg: String,
    /// The reason, as in the log.
    note: String,
    /// The rule that decided.
    rule: &'static str,
    /// The facts that decided.
    facts: Map<String, Value>,
    /// Calls of the control API that would let it through.
    fixes: Vec<Action>,
}

impl Refusal {
    /// A refusal in a world.
    pub(crate) fn of(fault: &Fault, world: &str) -> Self {
        let facts = fault.facts().iter().map(|(name, value)| ((*name).to_owned(), (**value).into()));
        Refusal {
            code: fault.code().number,
            name: fault.code().name,
            msg: fault.message().into_owned(),
            note: fault.note().to_owned(),
            rule: fault.rule().unwrap_or(fault.code().name),
            facts: facts.collect(),
            fixes: fault.fixes().iter().map(|fix| Action::of(fix, world)).collect(),
        }
    }
}
