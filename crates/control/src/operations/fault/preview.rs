use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::tenants;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::faults::{Effect as Done, Kind, Rules};
use crate::operations::traffic::{RECORDED, open};
use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `POST /larkspur/v1/worlds/:tenant_key/faults/preview`
pub(crate) struct Preview;

/// A recorded call.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Its log id: the `X-Tt-Logid` of its answer.
    log_id: String,
}

/// What would be done to it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The rules that match it, in their order, whatever they decide.
    matching: Vec<Matching>,
}

/// A rule that matches.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Matching {
    /// Its id.
    id: String,
    /// What it does.
    effect: Done,
    /// Whether no further rule is looked at, if it decides.
    ends: bool,
}

impl Operation for Preview {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.fault.preview",
        summary: "Say which rules match a recorded call, without counting it",
        route: post("/larkspur/v1/worlds/{tenant_key}/faults/preview"),
        effect: Effect::Reads,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"log_id":"{log_id}"}"#,
        behaviours: &[RECORDED],
        ..CONTROL
    };
    type Ground = Process;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(process: &mut Process, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let key = &input.path.tenant_key;
        let asked = open(process, call, key).await?;
        let entry = asked.call("log_id", &input.body.log_id)?;
        let (context, own) = (call.clone(), key.clone());
        let read = process.read(move |root| {
            let (call, key) = (context.clone(), own.clone());
            Box::pin(async move {
                let (mut tx, now) = support::open(root, &call, &key).await?;
                let world = tenants::get(&mut tx).await?.ok_or_else(|| support::no_world(&key))?;
                Ok((world, now))
            })
        });
        let (world, now) = read.await?;
        let rules = Rules::read(&world.faults);
        let matching = rules.matching(Kind::Calls, now, &entry).map(|rule| Matching {
            id: rule.id.clone(),
            effect: rule.effect.clone(),
            ends: rule.effect.is_ending(),
        });
        Ok(Output { matching: matching.collect() })
    }
}
