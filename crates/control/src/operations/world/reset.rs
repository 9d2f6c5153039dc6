use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::Root;
use larkspur_store::snapshots::{self, Budget, Clock, START};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::snapshots::restore::{Done, RESTORED};
use crate::operations::{CONTROL, WorldPath};
use crate::snapshots::{freeze, readable};

/// `POST /larkspur/v1/worlds/:tenant_key/reset`
pub(crate) struct Reset;

/// What to put the world back to.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// `start`, the state that the world was made with; `empty`, a world without content; or one of its snapshots.
    #[schemars(extend("default" = "start"), length(max = 64))]
    to: Option<String>,
}

impl Operation for Reset {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.reset",
        summary: "Put a world back to the state that it was made with",
        route: post("/larkspur/v1/worlds/{tenant_key}/reset"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "{}",
        behaviours: &[RESTORED],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Done;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Done, Fault> {
        let (mut tx, _) = freeze(root, call, &input.path.tenant_key).await?;
        let name = match input.body.to.as_deref() {
            Some("empty") => {
                let restored = snapshots::clear(root, &mut tx, call.now, Budget::default()).await?;
                return Done::of(&mut tx, "empty", restored, call.now).await;
            }
            None | Some("start") => START,
            Some(name) => name,
        };
        let snapshot = readable(&mut tx, "to", name).await?;
        let clock = (Clock::Snapshot, call.now);
        let restored = snapshots::restore(root, &mut tx, &snapshot, clock, Budget::default()).await?;
        Done::of(&mut tx, name, restored, call.now).await
    }
}
