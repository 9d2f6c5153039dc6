use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{CONTROL, WorldPath};
use crate::traffic::export::{Exported, Format, export};

/// `POST /larkspur/v1/worlds/:tenant_key/traffic/export`
pub(crate) struct Export;

/// Which calls to export, and as what.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The calls, in the order of the export.
    #[schemars(length(min = 1, max = 200))]
    log_ids: Vec<String>,
    /// The format.
    r#as: Format,
}

impl Operation for Export {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.traffic.export",
        summary: "Export recorded calls as commands, tests, or files",
        route: post("/larkspur/v1/worlds/{tenant_key}/traffic/export"),
        effect: Effect::Reads,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        behaviours: &[Behaviour {
            name: "traffic_export",
            rule: "An export names environment variables in place of tokens and secrets: LARKSPUR_TOKEN, LARKSPUR_USER_TOKEN, CONTROL_KEY, APP_SECRET. BASE_URL overrides the address, in a test for vitest LARKSPUR_URL.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Process;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Exported;

    async fn run(process: &mut Process, call: &RootCall, input: &Input<Self>) -> Result<Exported, Fault> {
        let asked = super::open(process, call, &input.path.tenant_key).await?;
        let calls = input.body.log_ids.iter().map(|log_id| asked.call("log_ids[*]", log_id));
        let calls = calls.collect::<Result<Vec<_>, _>>()?;
        Ok(export(&calls, input.body.r#as, &asked.traffic.base_url()))
    }
}
