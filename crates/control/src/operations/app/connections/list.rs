use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::Root;
use larkspur_store::events::connections::{self, Known};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::CONTROL;
use crate::operations::app::Path;
use crate::operations::app::events::made_here;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/apps/:app_id/connections`
pub(crate) struct List;

/// A long connection.
#[derive(Debug, Serialize, JsonSchema)]
struct Shown {
    /// Its ID.
    connection_id: String,
    /// The server that it leads to: a random name, made at the start of the server.
    server: String,
    /// When it was opened, in milliseconds since 1970, in real time.
    since_ms: i64,
    /// The number that the client calls its device.
    device_id: String,
    /// How the client calls itself: its User-Agent.
    client: String,
    /// How many events and callbacks were sent over it and not acknowledged yet.
    pending: u64,
}

/// The connections.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The oldest first.
    connections: Vec<Shown>,
}

/// A connection, as its server stored it.
#[derive(Deserialize)]
struct Stored {
    id: String,
    since: i64,
    device: String,
    client: String,
    /// A server of an earlier release does not store it.
    #[serde(default)]
    pending: u64,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.connections.list",
        summary: "List the long connections of an app",
        route: get("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/connections"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        behaviours: &[Behaviour {
            name: "connections_listed",
            rule: "A connection is listed as soon as its server has stored it, usually within a few milliseconds. Those of a server that was killed are listed for up to 30 s. pending is up to a second old.",
            basis: Basis::Assumed,
            switch: false,
        }],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let app_id = made_here(&mut tx, &input.path.app_id).await?.app_id;
        let known = connections::list(&mut tx, app_id, call.now).await?;
        let mut connections: Vec<Shown> = known.iter().flat_map(of).collect();
        connections.sort_by(|a, b| (a.since_ms, &a.connection_id).cmp(&(b.since_ms, &b.connection_id)));
        Ok(Output { connections })
    }
}

/// The connections to a server; none to one of an earlier release, which stored only their number.
fn of(known: &Known) -> Vec<Shown> {
    let all: Vec<Stored> = serde_json::from_str(&known.details).unwrap_or_default();
    let shown = |stored: Stored| Shown {
        connection_id: stored.id,
        server: known.server.clone(),
        since_ms: stored.since,
        device_id: stored.device,
        client: stored.client,
        pending: stored.pending,
    };
    all.into_iter().map(shown).collect()
}
