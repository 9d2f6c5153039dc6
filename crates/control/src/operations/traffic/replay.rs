use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Path;
use crate::operations::CONTROL;
use crate::traffic::{Change, Row};

/// `POST /larkspur/v1/worlds/:tenant_key/traffic/:log_id/replay`
pub(crate) struct Replay;

/// How to call again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// `same`: with a token of the same expiry, so that an expired one stays expired; `fresh`: with a new one. `fresh` by
    /// default.
    token: Option<Which>,
    /// Whether the call gets another `uuid`; true by default. With the same one, the platform answers what it answered
    /// before.
    #[schemars(extend("default" = true))]
    fresh_uuid: Option<bool>,
}

/// Which token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Which {
    /// One that expires like the first call's.
    Same,
    /// One that is valid for two hours.
    Fresh,
}

/// Both calls, and how they differ.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The recorded call.
    a: Row,
    /// The new call.
    b: Row,
    /// The fields that differ, ids and times aside; at most 200.
    changes: Vec<Change>,
}

impl Operation for Replay {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.traffic.replay",
        summary: "Call the operation of a recorded call again, and compare the answers",
        route: post("/larkspur/v1/worlds/{tenant_key}/traffic/{log_id}/replay"),
        // The new call itself is refused by a read-only server, if it writes.
        effect: Effect::Reads,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::CONTROL_CONFLICT],
        emits: &[],
        example: "{}",
        behaviours: &[Behaviour {
            name: "traffic_replay",
            rule: "A call is sent again through the whole gateway. One whose body was cut, or had a secret that was removed, cannot be: 5275409.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Process;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(process: &mut Process, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let asked = super::open(process, call, &input.path.tenant_key).await?;
        let entry = asked.call("log_id", &input.path.log_id)?;
        let fresh = input.body.token != Some(Which::Same);
        let fresh_uuid = input.body.fresh_uuid.unwrap_or(true);
        let again = asked.traffic.replay(entry.clone(), fresh, fresh_uuid).await;
        let again = again.map_err(|why| {
            let log_id = &input.path.log_id;
            Fault::new(codes::CONTROL_CONFLICT, format!("{log_id} cannot be sent again: {why}"))
                .with_violation("log_id", Some(log_id), &format!("cannot be sent again: {why}"))
        })?;
        let changes = entry.changes(&again);
        Ok(Output { a: entry.row, b: again.row, changes })
    }
}
