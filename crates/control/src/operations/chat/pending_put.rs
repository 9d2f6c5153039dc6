use larkspur_api::events::{chat, chat_member_bot_added, chat_member_user_added};
use larkspur_api::{Empty, Input, Operation, RootCall, rules};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, events, put};
use larkspur_store::chats::Member;
use larkspur_store::{Root, limits, members, pending};

use super::{MemberPath, Shown, client};
use crate::operations::CONTROL;
use crate::{support, values};

/// `PUT /larkspur/v1/worlds/:tenant_key/chats/:chat_id/pending/:member`
pub(crate) struct Put;

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.pending_put",
        summary: "Approve a pending request to join a chat, as its owner would; a full chat refuses it",
        route: put("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/pending/{member}"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::USER_ADDED, &events::BOT_ADDED],
        example: "",
        behaviours: &[client::APPROVED],
        ..CONTROL
    };
    type Ground = Root;
    type Path = MemberPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let id = &input.path.member;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let chat = support::lock_chat(&mut tx, &input.path.chat_id).await?;
        let member = Member::parse(id);
        if !pending::remove(&mut tx, &chat, &member).await? {
            return Err(support::not_found("member", id, "has no pending request to join"));
        }
        let admin = limits::chat_users(&mut tx).await?;
        rules::members::fits(&chat, std::slice::from_ref(&member), admin)
            .map_err(|full| values::invalid("member", Some(id), full.note()))?;
        members::add(&mut tx, &chat, &member, false, now).await?;
        if let Some(operator) = chat::party(&mut tx, chat.owner.as_ref().unwrap_or(&member)).await? {
            let new = std::slice::from_ref(&member);
            chat_member_user_added::emit(&mut tx, &chat, new, &operator, now).await?;
            chat_member_bot_added::emit(&mut tx, &chat, new, &operator, now).await?;
        }
        let chat = support::chat(&mut tx, &input.path.chat_id).await?;
        super::show(&mut tx, chat).await
    }
}
