use larkspur_contract::ids::ChatId;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::{Tx, chats, own};
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::im::v1::ChatPath;
use crate::standing;
use crate::{Call, Empty, Input, Operation};

/// `GET /im/v1/chats/:chat_id/nickname`
pub(super) struct Get;

/// A nickname.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The user's nickname in the chat; empty if there is none.
    nickname: String,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_nickname.get",
        summary: "Get the user's nickname in a chat",
        reference: "im-v1/chat-nickname/get",
        route: get("/open-apis/im/v1/chats/{chat_id}/nickname"),
        access: Access::user(&[scopes::IM_CHAT_READ]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
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
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let id = &input.path.chat_id;
        let chat = match ChatId::parse(id) {
            Some(id) => chats::get(tx, id).await?,
            None => None,
        };
        let Some(chat) = chat else { return Err(standing::absent(tx, call, id).await?) };
        standing::app_may(call)?;
        standing::in_use(&chat)?;
        let standing = standing::of(tx, call, &chat).await?;
        standing::joined(call, &standing)?;
        Ok(Output { nickname: own::nickname(tx, chat.chat_id, &call.operator()).await? })
    }
}
