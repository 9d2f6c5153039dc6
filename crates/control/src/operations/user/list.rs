use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, directory, users};
use schemars::JsonSchema;
use serde::Serialize;

use super::Shown;
use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/users`
pub(crate) struct List;

/// The users of a world.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// All of them, in the order of their ids.
    users: Vec<Shown>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.user.list",
        summary: "List the users of a world",
        route: get("/larkspur/v1/worlds/{tenant_key}/users"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let installs = super::installs(&mut tx).await?;
        let all = users::all(&mut tx).await?;
        let ids = all.iter().map(|user| user.user_id.as_str());
        let mut profiles = directory::profiles(&mut tx, ids).await?;
        let show = |user: &users::User| {
            let profile = profiles.remove(&user.user_id).unwrap_or_default();
            super::show(&tx, &installs, user, profile)
        };
        Ok(Output { users: all.iter().map(show).collect() })
    }
}
