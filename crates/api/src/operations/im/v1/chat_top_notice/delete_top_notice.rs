use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::{Tx, moderation};

use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/chats/:chat_id/top_notice/delete_top_notice`
pub(super) struct DeleteTopNotice;

impl Operation for DeleteTopNotice {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_top_notice.delete_top_notice",
        summary: "Remove the top notice of a chat",
        reference: "im-v1/chat-top_notice/delete_top_notice",
        route: post("/open-apis/im/v1/chats/{chat_id}/top_notice/delete_top_notice"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_TOP_NOTICE_WRITE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: super::TAKE_DOWN,
        recodes: &[(codes::APP_UNAVAILABLE, codes::APP_INACTIVE)],
        emits: &[],
        example: "{}",
        behaviours: &[super::RIGHT, NOTHING],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let chat = super::lock(tx, call, &input.path.chat_id).await?;
        moderation::set_top(tx, &chat, &[]).await?;
        Ok(Empty {})
    }
}

const NOTHING: Behaviour = Behaviour {
    name: "top_notice_delete_nothing",
    rule: "The call succeeds even if the chat has no top notice.",
    basis: Assumed,
    switch: false,
};
