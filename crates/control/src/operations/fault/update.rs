use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, patch};
use larkspur_store::Root;

use super::Path;
use crate::faults::{Given, Shown};
use crate::operations::CONTROL;
use crate::{support, values};

/// `PATCH /larkspur/v1/worlds/:tenant_key/faults/:fault_id`
pub(crate) struct Update;

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.fault.update",
        summary: "Change a rule that changes answers; its place and its counts stay",
        route: patch("/larkspur/v1/worlds/{tenant_key}/faults/{fault_id}"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"enabled":false}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Given;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        super::share("", &input.body)?;
        let id = &input.path.fault_id;
        let (mut tx, world, now) = support::lock_world(root, call, &input.path.tenant_key).await?;
        let mut rules = super::rules(&world);
        let found = rules.iter_mut().find(|rule| rule.id == *id).ok_or_else(|| super::unknown(id))?;
        if input.body.id.as_ref().is_some_and(|given| given != id) {
            return Err(values::invalid("id", input.body.id.as_deref(), "the id of a rule does not change"));
        }
        let given = super::with_preset("", &input.body)?;
        let rule = super::changed("", found.clone(), &given, now)?;
        *found = rule.clone();
        super::store(&mut tx, &rules).await?;
        super::shown_one(&mut tx, rule, now).await
    }
}
