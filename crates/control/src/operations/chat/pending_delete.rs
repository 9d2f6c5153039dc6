use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::chats::Member;
use larkspur_store::{Root, pending};

use super::MemberPath;
use crate::operations::CONTROL;
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/chats/:chat_id/pending/:member`
pub(crate) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.pending_delete",
        summary: "Reject a pending request to join a chat",
        route: delete("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/pending/{member}"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Root;
    type Path = MemberPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let id = &input.path.member;
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let chat = support::lock_chat(&mut tx, &input.path.chat_id).await?;
        if !pending::remove(&mut tx, &chat, &Member::parse(id)).await? {
            return Err(support::not_found("member", id, "has no pending request to join"));
        }
        Ok(Empty {})
    }
}
