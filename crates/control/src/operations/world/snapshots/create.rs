use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::Root;
use larkspur_store::snapshots::{self, Budget, Label};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{CONTROL, WorldPath};
use crate::snapshots::{Shown, freeze, is_free, unsaved};

/// `POST /larkspur/v1/worlds/:tenant_key/snapshots`
pub(crate) struct Create;

/// What to save the state as.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// A name: 1 to 64 letters, digits, `_`, `-` and `.`.
    #[schemars(length(min = 1, max = 64))]
    name: String,
    /// A note, for people.
    #[schemars(length(max = 1000))]
    note: Option<String>,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.snapshots.create",
        summary: "Save the state of a world as a snapshot",
        route: post("/larkspur/v1/worlds/{tenant_key}/snapshots"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::CONTROL_CONFLICT],
        emits: &[],
        example: r#"{"name":"before-deploy"}"#,
        behaviours: &[HELD],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (mut tx, world_now) = freeze(root, call, &input.path.tenant_key).await?;
        let name = input.body.name.as_str();
        is_free(&mut tx, name).await?;
        let note = input.body.note.as_deref().unwrap_or_default();
        let label = Label { name, note, real_now: call.now, world_now };
        let saved = snapshots::save(&mut tx, &label, Budget::default()).await?;
        saved.map(Shown::from).map_err(|why| unsaved("name", why))
    }
}

/// What a snapshot holds.
const HELD: Behaviour = Behaviour {
    name: "snapshots_hold",
    rule: "A snapshot holds every row of its world: also events, rules of faults with their counts, and the clock. Files outside of the database are named, and kept as long as a snapshot names them. Recorded calls, metrics, counts of rate limits, and what servers are doing are not held. A world has at most 20 snapshots of at most 64 MiB, besides @start.",
    basis: Basis::Assumed,
    switch: false,
};
