use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::ChatStatus;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, delete, events, rates, scopes,
};
use larkspur_store::chats::Chat;
use larkspur_store::{Tx, chats};

use crate::events::chat::{LISTENERS, NAMES, OPERATOR};
use crate::events::{Party, chat_disbanded};
use crate::operations::im::v1::ChatPath;
use crate::rules;
use crate::standing;
use crate::{Call, Empty, Input, Operation};

/// `DELETE /im/v1/chats/:chat_id`
pub(super) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat.delete",
        summary: "Dissolve a group",
        reference: "im-v1/chat/delete",
        route: delete("/open-apis/im/v1/chats/{chat_id}"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_DELETE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::CHAT_ID_INVALID,
        codes: &[
            codes::APP_NOT_FOUND,
            codes::CHAT_ID_INVALID,
            codes::CHAT_TYPE_UNSUPPORTED,
            codes::CHAT_DISSOLVED,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::NEEDS_OWNER_OR_CREATOR,
            codes::NOT_VISIBLE,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
        ],
        recodes: &[],
        emits: &[&events::CHAT_DISBANDED],
        example: "",
        behaviours: &[DISSOLVED, LISTENERS, OPERATOR, NAMES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let (chat, standing) = standing::lock_in_use(tx, call, &input.path.chat_id).await?;
        if !standing.creator {
            standing::inside(tx, call, &chat, &standing).await?;
        }
        rules::chats::is_group(&chat)?;
        rules::chats::owns(&standing)?;
        let dissolved = Chat { status: ChatStatus::Dissolved, ..Chat::clone(&chat) };
        chats::update(tx, &chat, &dissolved).await?;
        chat_disbanded::emit(tx, &chat, &Party::of(call), call.now).await?;
        Ok(Empty {})
    }
}

const DISSOLVED: Behaviour = Behaviour {
    name: "chat_dissolve",
    rule: "A dissolved chat can still be read, with its last members. It appears in no list or search, and every other operation on it is 232009. The creator bot with im:chat:operate_as_owner may dissolve a chat that it is not in.",
    basis: Assumed,
    switch: false,
};
