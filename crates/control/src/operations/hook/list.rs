use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, hooks};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Path, Shown};
use crate::operations::CONTROL;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/chats/:chat_id/hooks`
pub(crate) struct List;

/// The custom bots of a chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Oldest first.
    hooks: Vec<Shown>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.hook.list",
        summary: "List the custom bots of a chat",
        route: get("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/hooks"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let chat = support::chat(&mut tx, &input.path.chat_id).await?;
        let found = hooks::list(&mut tx, chat.chat_id).await?;
        let shown = found.into_iter().map(|hook| super::show(&tx, call, hook));
        Ok(Output { hooks: shown.collect::<Result<_, _>>()? })
    }
}
