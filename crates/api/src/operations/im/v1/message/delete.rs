use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, delete, events, rates, scopes};
use larkspur_store::Tx;

use super::MessagePath;
use crate::events::chat::LISTENERS;
use crate::messages::speaker::bot_may;
use crate::messages::standing::{self, Act};
use crate::messages::{Speaker, changing, conditions, finding, invalid_field};
use crate::{Call, Empty, Input, Operation};

/// `DELETE /im/v1/messages/:message_id`
pub(super) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.delete",
        summary: "Recall a message",
        reference: "im-v1/message/delete",
        route: delete("/open-apis/im/v1/messages/{message_id}"),
        access: Access::tenant_or_user(&[
            scopes::IM_MESSAGE,
            scopes::IM_MESSAGE_RECALL,
            scopes::IM_MESSAGE_SEND_AS_BOT,
        ]),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::RECALL_EXPIRED,
            codes::USER_NOT_AVAILABLE,
            codes::RECALL_NOT_ALLOWED,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::MESSAGE_INVISIBLE,
            codes::MESSAGE_TYPE_UNSUPPORTED,
            codes::MESSAGE_DELETED,
            codes::CHAT_DISSOLVED,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[&events::MESSAGE_RECALLED],
        example: "",
        behaviours: &[
            standing::ORDER,
            conditions::CONDITIONS,
            finding::UNKNOWN,
            changing::RECALLING,
            changing::WITHDRAWN,
            LISTENERS,
        ],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = MessagePath;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let message_id = &input.path.message_id;
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let message = finding::lock(tx, message_id).await?;
        let place = standing::enter(tx, &speaker, message.chat_id, Act::Change).await?;
        let place = place.ok_or_else(|| invalid_field("message_id", message_id))?;
        changing::recall(tx, &speaker, &place, &message).await?;
        Ok(Empty {})
    }
}
