use larkspur_contract::{Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Call, Empty, Input, Operation};

/// `GET /event/v1/connection`
pub(crate) struct Connection;

/// The app's long connections.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The number of open connections.
    online_instance_cnt: u32,
}

impl Operation for Connection {
    const SPEC: &'static Spec = &Spec {
        id: "event.v1.connection.get",
        summary: "Count the app's open long connections",
        reference: "event-v1/connection/get",
        route: get("/open-apis/event/v1/connection"),
        access: Access::tenant(&[]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data(""),
        invalid: codes::FIELD_VALIDATION,
        codes: &[],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[NONE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(_tx: &mut Tx, _call: &Call, _input: &Input<Self>) -> Result<Output, Fault> {
        // The server has no endpoint that opens a long connection: this is the true count, not a stand-in for one.
        Ok(Output { online_instance_cnt: 0 })
    }
}

const NONE: Behaviour = Behaviour {
    name: "long_connections",
    rule: "Long connections cannot be opened yet: events are posted to request URLs. The count is 0.",
    basis: Basis::Assumed,
    switch: false,
};
