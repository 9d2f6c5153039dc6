use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Doing, Shown, rule_id, shown};
use crate::faults::Rule;
use crate::operations::app::Path;
use crate::operations::{CONTROL, fault};
use crate::{support, values};

/// `PUT /larkspur/v1/worlds/:tenant_key/apps/:app_id/deliveries`
pub(crate) struct Put;

/// What to do with the next events.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// What to do with each.
    action: Doing,
    /// With `delay`: how much later it is sent, in milliseconds by the world's clock.
    #[schemars(range(min = 1, max = 86_400_000))]
    delay_ms: Option<i64>,
    /// The number of events.
    #[schemars(range(min = 1, max = 10_000))]
    next: i64,
}

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.deliveries.put",
        summary: "Drop, hold, delay or repeat the next events for an app",
        route: put("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/deliveries"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"action":"repeat","next":1}"#,
        behaviours: &[Behaviour {
            name: "deliveries_steered",
            rule: "An event counts when it is due for its first attempt, whether the app is connected or not. Challenges, callbacks and retries do not count. It replaces an earlier setting; held events stay held. It is a fault rule of the world with the id `next-` and the app_id, and the first rule.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let body = &input.body;
        let (mut tx, world, now) = support::lock_world(root, call, &input.path.tenant_key).await?;
        let app_id = support::app(&mut tx, "app_id", &input.path.app_id).await?.app_id;
        if (body.action == Doing::Delay) != body.delay_ms.is_some() {
            return Err(values::invalid("delay_ms", None, "required with the action delay, and only then"));
        }
        let effect = body.action.effect(body.delay_ms.unwrap_or_default());
        let rule = Rule {
            id: rule_id(app_id),
            name: "the next events for an app".to_owned(),
            r#match: json!({"app_id": app_id.to_string(), "way": ["webhook", "connection"], "form": "event"}),
            effect,
            probability: 1.0,
            seed: 0,
            skip: 0,
            times: Some(body.next),
            for_s: None,
            enabled: true,
            since_ms: now,
        };
        let world = fault::put_first(&mut tx, world, rule, super::is_rule).await?;
        shown(&mut tx, &world, app_id).await
    }
}
