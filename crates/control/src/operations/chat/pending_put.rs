use larkspur_api::{Empty, Input, Operation, RootCall, rules};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::chats::Member;
use larkspur_store::{Root, limits, members, pending};

use super::{MemberPath, Shown};
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
        emits: &[],
        example: "",
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
        let chat = support::chat(&mut tx, &input.path.chat_id).await?;
        super::show(&mut tx, chat).await
    }
}
