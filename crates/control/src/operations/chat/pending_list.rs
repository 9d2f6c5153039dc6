use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::{Root, pending};
use schemars::JsonSchema;
use serde::Serialize;

use super::Path;
use crate::operations::CONTROL;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/chats/:chat_id/pending`
pub(crate) struct List;

/// The pending requests to join a chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Oldest first.
    pending: Vec<Waiting>,
}

/// A pending request to join.
#[derive(Debug, Serialize, JsonSchema)]
struct Waiting {
    /// A user_id or an app_id.
    member: String,
    /// The inviter: a user_id or an app_id.
    inviter: String,
    /// When the request was created, in milliseconds since 1970.
    created_at_ms: i64,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.pending_list",
        summary: "List the pending requests to join a chat",
        route: get("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/pending"),
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
        let waiting = pending::list(&mut tx, chat.chat_id).await?;
        let shown = waiting.iter().map(|found| Waiting {
            member: found.member.to_column(),
            inviter: found.inviter.to_column(),
            created_at_ms: found.created_at,
        });
        Ok(Output { pending: shown.collect() })
    }
}
