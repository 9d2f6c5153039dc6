//! The registry as data: every operation, every behavior and every code, for the console and for tools.

use larkspur_api::PLATFORM;
use larkspur_contract::{Behaviour, Code, Effect, Spec, Window, codes};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ENTRIES;

/// The registry.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Catalog {
    /// The operations, in the order of the documents.
    pub operations: Vec<Listed>,
    /// The behaviors of these operations, by name.
    pub behaviours: Vec<Decision>,
    /// The codes of these operations and of the gateway, by number.
    pub codes: Vec<Answered>,
}

/// An operation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Listed {
    /// Its id.
    id: &'static str,
    /// What it does.
    summary: &'static str,
    /// Its HTTP method.
    method: &'static str,
    /// Its path, with parameters in braces.
    path: &'static str,
    /// Whether it `reads` or `writes`.
    effect: &'static str,
    /// Who may call it, in words.
    access: &'static str,
    /// The kinds of access token that it accepts: `tenant`, `user`.
    tokens: &'static [&'static str],
    /// The scopes, any of which is enough.
    scopes: &'static [&'static str],
    /// Its rate limit, as the documentation prints it.
    rate: &'static str,
    /// The windows of its rate limit.
    windows: Vec<Limit>,
    /// The numbers of the codes that it may answer, besides those of the gateway.
    codes: Vec<u32>,
    /// The events that it may emit.
    emits: Vec<&'static str>,
    /// The names of its decisions where the documents are silent.
    behaviours: Vec<&'static str>,
    /// Its page in the public documentation; empty for operations of the control API.
    reference: &'static str,
    /// An example body, or a query if there is no body.
    example: &'static str,
}

/// A window of a rate limit.
#[derive(Debug, Serialize, JsonSchema)]
struct Limit {
    /// How many calls are allowed in it.
    cap: u32,
    /// Its length in seconds.
    seconds: u32,
}

/// A decision where the documents are silent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Decision {
    /// Its name.
    name: &'static str,
    /// What Larkspur does.
    rule: &'static str,
    /// Its basis: `documented`, `observed` or `assumed`.
    basis: &'static str,
    /// Whether a setting changes it.
    switch: bool,
}

/// A code of an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answered {
    /// Its number.
    code: u32,
    /// Its name.
    name: &'static str,
    /// Its HTTP status.
    status: u16,
    /// Its message.
    msg: &'static str,
}

impl Listed {
    /// An operation by its description.
    pub fn of(spec: &Spec) -> Self {
        let limit = |window: &Window| Limit { cap: window.cap, seconds: window.seconds };
        Listed {
            id: spec.id,
            summary: spec.summary,
            method: spec.route.method.name(),
            path: spec.route.path,
            effect: match spec.effect {
                Effect::Reads => "reads",
                Effect::Writes => "writes",
            },
            access: spec.access.words(),
            tokens: spec.access.tokens(),
            scopes: spec.access.scopes(),
            rate: spec.rate.name,
            windows: spec.rate.windows.iter().map(limit).collect(),
            codes: spec.codes.iter().map(|code| code.number).collect(),
            emits: spec.emits.iter().map(|kind| kind.name).collect(),
            behaviours: spec.behaviours.iter().map(|behaviour| behaviour.name).collect(),
            reference: spec.reference,
            example: spec.example,
        }
    }
}

impl Catalog {
    /// The operations whose ids begin with a text, with what they refer to.
    pub fn of(prefix: &str) -> Self {
        let platform = PLATFORM.iter().copied().flatten();
        let specs = platform.chain(ENTRIES).map(|entry| entry.spec);
        let specs: Vec<&Spec> = specs.filter(|spec| spec.id.starts_with(prefix)).collect();
        let mut behaviours: Vec<&Behaviour> = specs.iter().flat_map(|spec| spec.behaviours).collect();
        behaviours.sort_unstable_by_key(|behaviour| behaviour.name);
        behaviours.dedup_by_key(|behaviour| behaviour.name);
        let mut codes: Vec<&Code> = specs.iter().flat_map(|spec| spec.codes).chain(codes::GATEWAY).collect();
        codes.sort_unstable_by_key(|code| code.number);
        codes.dedup_by_key(|code| code.number);
        let decision = |behaviour: &Behaviour| Decision {
            name: behaviour.name,
            rule: behaviour.rule,
            basis: behaviour.basis.as_str(),
            switch: behaviour.switch,
        };
        let answered = |code: &Code| Answered {
            code: code.number,
            name: code.name,
            status: code.status,
            msg: code.text,
        };
        Catalog {
            operations: specs.into_iter().map(Listed::of).collect(),
            behaviours: behaviours.into_iter().map(decision).collect(),
            codes: codes.into_iter().map(answered).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_complete_and_small() {
        let whole = Catalog::of("");
        let own = PLATFORM.iter().map(|list| list.len()).sum::<usize>() + ENTRIES.len();
        assert_eq!(whole.operations.len(), own);
        let named = |name: &str| whole.behaviours.iter().any(|one| one.name == name);
        let numbered = |number: u32| whole.codes.iter().any(|one| one.code == number);
        for one in &whole.operations {
            assert!(one.behaviours.iter().all(|name| named(name)), "{}", one.id);
            assert!(one.codes.iter().all(|number| numbered(*number)), "{}", one.id);
        }
        assert!(numbered(99_991_663), "codes of the gateway");
        let bytes = serde_json::to_vec(&whole).expect("JSON").len();
        assert!(bytes <= 400 << 10, "{bytes} bytes");
        let few = Catalog::of("im.v2.tag.");
        assert!(
            few.operations.len() < 10 && few.operations.iter().all(|one| one.id.starts_with("im.v2.tag."))
        );
    }
}
