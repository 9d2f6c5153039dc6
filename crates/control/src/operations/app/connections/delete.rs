use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::Root;
use larkspur_store::events::connections;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::CONTROL;
use crate::operations::app::Path;
use crate::operations::app::events::made_here;
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/apps/:app_id/connections`
pub(crate) struct Delete;

/// Which connections to close.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Query {
    /// The ID of the connection; all connections of the app by default.
    #[schemars(length(max = 16))]
    connection_id: Option<String>,
}

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.connections.delete",
        summary: "Close long connections of an app; its clients connect again",
        route: delete("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/connections"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        behaviours: &[Behaviour {
            name: "connections_closed",
            rule: "Each server closes its connections within 2 s after this call, with the WebSocket code 1000. An ID that is not listed is ignored: the connection may have ended. The connections of an app also end when it is disabled, gets a new secret, or its world is deleted.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Query;
    type Body = Empty;
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let app_id = made_here(&mut tx, &input.path.app_id).await?.app_id;
        let id = input.query.connection_id.as_deref();
        connections::cut(&mut tx, app_id, id, call.now).await?;
        Ok(Empty {})
    }
}
