use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Listed;
use crate::operations::{CONTROL, WorldPath};
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/faults/order`
pub(crate) struct Order;

/// The order of the rules.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The ids of all rules, the first one first.
    #[schemars(length(max = 64))]
    ids: Vec<String>,
}

impl Operation for Order {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.fault.order",
        summary: "Change the order of the rules that change answers",
        route: post("/larkspur/v1/worlds/{tenant_key}/faults/order"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"ids":[]}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Listed;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Listed, Fault> {
        let (mut tx, world, now) = support::lock_world(root, call, &input.path.tenant_key).await?;
        let mut rest = super::rules(&world);
        let mut rules = Vec::new();
        for id in &input.body.ids {
            let place = rest.iter().position(|rule| rule.id == *id);
            let place = place.ok_or_else(|| {
                values::invalid("ids[*]", Some(id), "no such rule in this world, or it is named twice")
            })?;
            rules.push(rest.remove(place));
        }
        if let Some(left) = rest.first() {
            return Err(values::invalid("ids", None, &format!("every rule is named; {} is not", left.id)));
        }
        super::store(&mut tx, &rules).await?;
        super::shown(&mut tx, rules, now).await
    }
}
