use larkspur_api::{Input, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::Root;
use larkspur_store::snapshots::{self, Budget};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{CONTROL, WorldPath};
use crate::seeds::{self, Given, Report};
use crate::snapshots::freeze;
use crate::support;

/// `POST /larkspur/v1/worlds/:tenant_key/seed`
pub(crate) struct Seed;

/// The seed, and what happens to what is there.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    #[serde(flatten)]
    given: Given,
    /// `merge` (the default) or `replace`.
    #[schemars(extend("default" = "merge"))]
    mode: Option<Mode>,
}

/// What happens to what is in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// It stays, and what the seed names is changed.
    Merge,
    /// It is deleted.
    Replace,
}

impl Operation for Seed {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.seed",
        summary: "Load a seed into a world",
        route: post("/larkspur/v1/worlds/{tenant_key}/seed"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"seed":"larkspur: 1\nusers: {dora: {name: Dora}}\n"}"#,
        behaviours: &[MERGED, SILENT],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = larkspur_api::Empty;
    type Body = Body;
    type Output = Report;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Report, Fault> {
        let key = &input.path.tenant_key;
        let replaces = input.body.mode == Some(Mode::Replace);
        if replaces {
            let (mut tx, _) = freeze(root, call, key).await?;
            snapshots::clear(root, &mut tx, call.now, Budget::default()).await?;
        } else {
            support::lock(root, call, key).await?;
        }
        seeds::load(root, call, (key, replaces), &input.body.given).await
    }
}

pub(super) const MERGED: Behaviour = Behaviour {
    name: "seed_merged",
    rule: "Users and documents are found again by their names in the seed, which are their ids; apps, tags, chats and faults by their name. What is found gets the fields that the seed has, and keeps the others. A chat that is found gets the members, tags and tabs that it lacks; its announcement and its messages are loaded only when it is new. The clock is set only in a new or replaced world. So a seed that is loaded again changes nothing.",
    basis: Assumed,
    switch: false,
};
pub(super) const SILENT: Behaviour = Behaviour {
    name: "seed_silent",
    rule: "No app is told of what a seed makes. The URL of a webhook gets no challenge, and counts as verified.",
    basis: Assumed,
    switch: false,
};
