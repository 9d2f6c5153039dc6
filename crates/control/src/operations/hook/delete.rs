use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::{Root, hooks};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::CONTROL;
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/chats/:chat_id/hooks/:hook_id`
pub(crate) struct Delete;

/// A custom bot of a chat of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The tenant.
    tenant_key: String,
    /// The chat.
    chat_id: String,
    /// The custom bot.
    hook_id: String,
}

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.hook.delete",
        summary: "Remove a custom bot from a chat; its URL no longer works",
        route: delete("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/hooks/{hook_id}"),
        effect: Effect::Writes,
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
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let chat = support::chat(&mut tx, &input.path.chat_id).await?;
        let hook_id = &input.path.hook_id;
        let gone = match hook_id.parse::<i64>() {
            Ok(number) => hooks::delete(&mut tx, chat.chat_id, number).await?,
            Err(_) => false,
        };
        if gone {
            return Ok(Empty {});
        }
        Err(support::not_found("hook_id", hook_id, "the chat has no such custom bot"))
    }
}
