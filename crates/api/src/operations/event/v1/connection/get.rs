use larkspur_contract::{Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::Tx;
use larkspur_store::events::connections;
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
        behaviours: &[ONLINE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, _input: &Input<Self>) -> Result<Output, Fault> {
        let (app, now) = (&call.app, tx.engine().clock.now_ms());
        let open = connections::online(tx, app.developer, app.app_id, now).await?;
        Ok(Output { online_instance_cnt: u32::try_from(open).unwrap_or(u32::MAX) })
    }
}

const ONLINE: Behaviour = Behaviour {
    name: "long_connections",
    rule: "The count is that of all servers of the store. A server writes down within a moment what opened or closed; connections of a killed server count for up to 30 s. An app has at most 50: beyond, the request for the address and the handshake are refused with 1000040350.",
    basis: Basis::Assumed,
    switch: false,
};
