use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::{Root, faults};

use crate::faults::{Given, Shown};
use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `POST /larkspur/v1/worlds/:tenant_key/faults`
pub(crate) struct Add;

impl Operation for Add {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.fault.add",
        summary: "Add a rule that changes the answers to calls, before all others",
        route: post("/larkspur/v1/worlds/{tenant_key}/faults"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"match":{"operation":"im.v1.chat_tab.*"},"effect":{"refuse":{"code":99991400,"reset_s":7}},"probability":0.3,"seed":42}"#,
        behaviours: &[super::RULED],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Given;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        super::share("", &input.body)?;
        let (mut tx, world, now) = support::lock_world(root, call, &input.path.tenant_key).await?;
        let mut rules = super::rules(&world);
        let rule = super::made("", &input.body, &rules, now)?;
        faults::start(&mut tx, &rule.id).await?;
        rules.insert(0, rule.clone());
        super::store(&mut tx, &rules).await?;
        super::shown_one(&mut tx, rule, now).await
    }
}
