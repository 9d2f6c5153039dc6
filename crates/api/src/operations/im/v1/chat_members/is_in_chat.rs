use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::ChatStatus;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::im::v1::ChatPath;
use crate::standing;
use crate::{Call, Empty, Input, Operation};

/// `GET /im/v1/chats/:chat_id/members/is_in_chat`
pub(super) struct IsInChat;

/// Whether the operator is in the chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// True if the operator is in the chat.
    is_in_chat: bool,
}

impl Operation for IsInChat {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_members.is_in_chat",
        summary: "Check whether the user or bot is in the chat",
        reference: "im-v1/chat-members/is_in_chat",
        route: get("/open-apis/im/v1/chats/{chat_id}/members/is_in_chat"),
        access: Access::tenant_or_user(&[
            scopes::IM_CHAT,
            scopes::IM_CHAT_READONLY,
            scopes::IM_CHAT_MEMBERS_READ,
            scopes::IM_CHAT_GROUP_INFO,
        ])
        .with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::CHAT_ID_INVALID,
        codes: &[
            codes::APP_NOT_FOUND,
            codes::CHAT_ID_INVALID,
            codes::TENANT_MISMATCH,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[DISSOLVED, standing::EXTERNAL],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (chat, standing) = standing::visible(tx, call, &input.path.chat_id).await?;
        Ok(Output { is_in_chat: standing.is_member() && chat.status == ChatStatus::Normal })
    }
}

const DISSOLVED: Behaviour = Behaviour {
    name: "is_in_dissolved_chat",
    rule: "For a dissolved chat, the answer is false, since the page does not list 232009.",
    basis: Assumed,
    switch: false,
};
