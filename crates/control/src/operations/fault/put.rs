use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::{Root, faults};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Listed;
use crate::faults::{Given, Rule};
use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `PUT /larkspur/v1/worlds/:tenant_key/faults`
pub(crate) struct Put;

/// All rules of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The rules, the first one first.
    #[schemars(length(max = 64))]
    faults: Vec<Given>,
}

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.fault.put",
        summary: "Replace all rules of a world that change answers, at once",
        route: put("/larkspur/v1/worlds/{tenant_key}/faults"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"faults":[{"preset":"token-dropped"},{"match":{"operation":"im.*"},"effect":{"delay":{"ms":200}}}]}"#,
        behaviours: &[super::RULED],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Listed;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Listed, Fault> {
        let (mut tx, world, now) = support::lock_world(root, call, &input.path.tenant_key).await?;
        let mut rules: Vec<Rule> = Vec::new();
        for given in &input.body.faults {
            rules.push(super::made("faults[*].", given, &rules, now)?);
        }
        for old in super::rules(&world) {
            faults::stop(&mut tx, &old.id).await?;
        }
        for rule in &rules {
            faults::start(&mut tx, &rule.id).await?;
        }
        super::store(&mut tx, &rules).await?;
        super::shown(&mut tx, rules, now).await
    }
}
