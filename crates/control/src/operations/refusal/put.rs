use larkspur_api::{Input, Operation, RootCall};
use larkspur_contract::nearest::did_you_mean;
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Path, Shown, operation_of, rule_id};
use crate::faults::{Effect as Done, RULES_MAX, Refuse, Rule};
use crate::operations::{CONTROL, fault};
use crate::{support, values};

/// `PUT /larkspur/v1/worlds/:tenant_key/refusals/:operation`
pub(crate) struct Put;

/// The answer to the next calls of the operation. It replaces what was planned before.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// A code that the operation's page lists, or 99991400, 2200 or 5000 of the gateway.
    code: i64,
    /// How many calls to refuse; 1 by default.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 1))]
    times: Option<i64>,
}

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.refusal.put",
        summary: "Refuse the next calls of an operation, to test how a client handles it",
        route: put("/larkspur/v1/worlds/{tenant_key}/refusals/{operation}"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"code":232019,"times":2}"#,
        behaviours: &[Behaviour {
            name: "refusals_planned",
            rule: "It is a fault rule of the world with the id `refusal-` and the operation, and the first rule. It answers a call at the step where the platform answers the code: what an earlier step refuses is refused by that step, and counts. An operation without an access token is refused in the world that made the app, or has the custom bot, that the call names.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = larkspur_api::Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let Body { code, times } = input.body;
        let operation = &input.path.operation;
        let (mut tx, world, now) = support::lock_world(root, call, &input.path.tenant_key).await?;
        let spec = super::plannable(operation).ok_or_else(|| {
            let near = did_you_mean(operation, super::operations().map(|spec| spec.id));
            let why = format!("no operation of the platform has this id{near}");
            support::not_found("operation", operation, &why)
        })?;
        if u32::try_from(code).ok().and_then(|number| spec.plannable(number)).is_none() {
            let why = format!("not a code of this operation; its codes are {}", super::numbers(spec));
            return Err(values::invalid("code", Some(&code.to_string()), &why));
        }
        let times = times.unwrap_or(1);
        let refuse = Refuse { code, text: None, status: None, reset_s: None };
        let rule = Rule {
            id: rule_id(operation),
            name: "the next calls of an operation".to_owned(),
            r#match: json!({"operation": operation}),
            effect: Done { refuse: Some(refuse), ..Done::default() },
            probability: 1.0,
            seed: 0,
            skip: 0,
            times: Some(times),
            for_s: None,
            enabled: true,
            since_ms: now,
        };
        // Those that were used up are shown as long as there is room.
        let others = fault::rules(&world).iter().filter(|one| one.id != rule.id).count();
        let is_full = others >= RULES_MAX;
        fault::put_first(&mut tx, world, rule, |id| is_full && operation_of(id).is_some()).await?;
        Ok(Shown { operation: operation.clone(), code, remaining: times })
    }
}
