use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, delete, rates, scopes};
use larkspur_store::{Tx, own};

use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation};

/// `DELETE /im/v1/chats/:chat_id/nickname`
pub(super) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_nickname.delete",
        summary: "Clear the user's nickname in a chat",
        reference: "im-v1/chat-nickname/delete",
        route: delete("/open-apis/im/v1/chats/{chat_id}/nickname"),
        access: Access::user(&[scopes::IM_CHAT_UPDATE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: super::CODES,
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[super::SHAPE, super::RULES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let chat = super::lock(tx, call, &input.path.chat_id).await?;
        own::set_nickname(tx, &chat, &call.operator(), "").await?;
        Ok(Empty {})
    }
}
