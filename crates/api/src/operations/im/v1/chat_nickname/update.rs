use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, put, rates, scopes};
use larkspur_store::{Tx, own};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation};

/// `PUT /im/v1/chats/:chat_id/nickname`
pub(super) struct Update;

/// A nickname.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The user's nickname in the chat: 1 to 300 bytes.
    #[schemars(length(min = 1, max = 300))]
    nickname: String,
}

/// The most bytes of a nickname.
const BYTES_MAX: usize = 300;

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_nickname.update",
        summary: "Set the user's nickname in a chat",
        reference: "im-v1/chat-nickname/update",
        route: put("/open-apis/im/v1/chats/{chat_id}/nickname"),
        access: Access::user(&[scopes::IM_CHAT_UPDATE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: super::CODES,
        recodes: &[],
        emits: &[],
        example: r#"{"nickname":"Lark"}"#,
        behaviours: &[super::SHAPE, super::RULES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let nickname = &input.body.nickname;
        if nickname.len() > BYTES_MAX {
            let fault = Fault::new(codes::FIELD_VALIDATION, "the nickname is too long");
            return Err(fault.with_violation("nickname", Some(nickname), "the max len is 300"));
        }
        let chat = super::lock(tx, call, &input.path.chat_id).await?;
        own::set_nickname(tx, &chat, &call.operator(), nickname).await?;
        Ok(Empty {})
    }
}
