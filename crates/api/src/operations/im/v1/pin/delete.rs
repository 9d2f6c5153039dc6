use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, delete, rates};
use larkspur_store::Tx;

use crate::messages::speaker::bot_may;
use crate::messages::standing::{self, Act};
use crate::messages::{Speaker, finding, pinning};
use crate::operations::im::v1::message::MessagePath;
use crate::{Call, Empty, Input, Operation};

/// `DELETE /im/v1/pins/:message_id`
pub(super) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.pin.delete",
        summary: "Unpin a message",
        reference: "im-v1/pin/delete",
        route: delete("/open-apis/im/v1/pins/{message_id}"),
        access: Access::tenant_or_user(super::WRITE),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::USER_NOT_AVAILABLE,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::PIN_CHAT_NOT_FOUND,
            codes::PIN_NOT_ALLOWED,
            codes::PIN_TOO_OFTEN,
            codes::MESSAGE_INVISIBLE,
            codes::CHAT_DISSOLVED,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: super::CHANGING,
        deviations: &[],
    };
    type Ground = Tx;
    type Path = MessagePath;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let message = finding::lock(tx, &input.path.message_id).await?;
        let place = standing::enter(tx, &speaker, message.chat_id, Act::Change).await?;
        let place = place.ok_or_else(|| Fault::new(codes::PIN_CHAT_NOT_FOUND, "no chat"))?;
        pinning::unpin(tx, &speaker, &place, &message).await?;
        Ok(Empty {})
    }
}
