use larkspur_api::{Input, Operation, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::snapshots::{self, Budget, Clock, Restored};
use larkspur_store::{Root, Tx, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::CONTROL;
use crate::snapshots::{Path, freeze, readable};
use crate::support;

/// `POST /larkspur/v1/worlds/:tenant_key/snapshots/:name/restore`
pub(crate) struct Restore;

/// How to put the world back.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The clock: as far ahead of the real time as it was in the snapshot, which is the default, or as it is.
    #[schemars(extend("default" = "snapshot"))]
    clock: Option<AtRestore>,
}

/// What happens to the clock.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AtRestore {
    Snapshot,
    Keep,
}

/// What was done.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Done {
    /// The state that the world is in now.
    name: String,
    /// Rows that were written: those that were missing or different.
    written: usize,
    /// Rows that were deleted: new ones, and those that were different.
    deleted: usize,
    /// The world's time, in milliseconds since 1970.
    now_ms: i64,
}

impl Done {
    /// The answer after a restore.
    pub(crate) async fn of(
        tx: &mut Tx,
        name: &str,
        restored: Restored,
        real_now: i64,
    ) -> Result<Self, Fault> {
        let world = tenants::lock(tx).await?.ok_or_else(|| support::no_world(&tx.tenant().to_string()))?;
        let now_ms = real_now + world.clock_offset_ms;
        Ok(Done { name: name.to_owned(), written: restored.written, deleted: restored.deleted, now_ms })
    }
}

impl Operation for Restore {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.snapshots.restore",
        summary: "Put a world back to a snapshot, while it is in use",
        route: post("/larkspur/v1/worlds/{tenant_key}/snapshots/{name}/restore"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "{}",
        behaviours: &[RESTORED],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = larkspur_api::Empty;
    type Body = Body;
    type Output = Done;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Done, Fault> {
        let (mut tx, _) = freeze(root, call, &input.path.tenant_key).await?;
        let name = input.path.name.as_str();
        let snapshot = readable(&mut tx, "name", name).await?;
        let clock = match input.body.clock {
            None | Some(AtRestore::Snapshot) => Clock::Snapshot,
            Some(AtRestore::Keep) => Clock::Keep,
        };
        let restored =
            snapshots::restore(root, &mut tx, &snapshot, (clock, call.now), Budget::default()).await?;
        Done::of(&mut tx, name, restored, call.now).await
    }
}

/// What a restore does.
pub(crate) const RESTORED: Behaviour = Behaviour {
    name: "snapshots_restore",
    rule: "Every call of the world is wholly before a restore or after it. Snapshots, recorded calls, connections of apps that stay and counts of rate limits are left alone. Events that the snapshot has as waiting are sent again. No ID is given out twice; tokens and grants that were revoked after the snapshot was saved are valid again.",
    basis: Basis::Assumed,
    switch: false,
};
