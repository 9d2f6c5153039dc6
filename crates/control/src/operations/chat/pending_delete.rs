use larkspur_api::events::{Party, chat_member_user_withdrawn};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete, events};
use larkspur_store::chats::Member;
use larkspur_store::{Root, pending};

use super::MemberPath;
use super::client::{self, ClientQuery};
use crate::operations::CONTROL;
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/chats/:chat_id/pending/:member`
pub(crate) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.pending_delete",
        summary: "Reject a pending request to join a chat, or withdraw the invitation",
        route: delete("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/pending/{member}"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::USER_WITHDRAWN],
        example: "",
        behaviours: &[client::AS],
        ..CONTROL
    };
    type Ground = Root;
    type Path = MemberPath;
    type Query = ClientQuery;
    type Body = Empty;
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let id = &input.path.member;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let chat = support::lock_chat(&mut tx, &input.path.chat_id).await?;
        let actor = support::actor_or_none(&mut tx, &chat, input.query.r#as.as_deref()).await?;
        let member = Member::parse(id);
        if !pending::remove(&mut tx, &chat, &member).await? {
            return Err(support::not_found("member", id, "has no pending request to join"));
        }
        if let Some(actor) = &actor {
            let (gone, operator) = (std::slice::from_ref(&member), Party::from(actor));
            chat_member_user_withdrawn::emit(&mut tx, &chat, gone, &operator, now).await?;
        }
        Ok(Empty {})
    }
}
