use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::{Root, chats, members};

use super::{MemberPath, Shown};
use crate::operations::CONTROL;
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/chats/:chat_id/members/:member`
pub(crate) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.member_delete",
        summary: "Remove a member from a chat; if it is the owner, the chat has no owner then",
        route: delete("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/members/{member}"),
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
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let locked = support::lock_chat(&mut tx, &input.path.chat_id).await?;
        let member = Member::parse(id);
        if !members::remove(&mut tx, &locked, &member).await? {
            return Err(support::not_found("member", id, "not in the chat"));
        }
        let mut chat = Chat::clone(&locked);
        super::check_parties(&mut tx, &chat).await?;
        if chat.owner.as_ref() == Some(&member) {
            chat.owner = None;
            chats::update(&mut tx, &locked, &chat).await?;
        }
        super::show(&mut tx, chat).await
    }
}
