use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::pinning::{self, ShownPin};
use crate::messages::speaker::bot_may;
use crate::messages::standing::{self, Act};
use crate::messages::{Speaker, Viewer, finding};
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/pins`
pub(super) struct Create;

/// The message.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The message's id.
    message_id: String,
}

/// The pin.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The pin.
    pin: ShownPin,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.pin.create",
        summary: "Pin a message",
        reference: "im-v1/pin/create",
        route: post("/open-apis/im/v1/pins"),
        access: Access::tenant_or_user(super::WRITE),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::MESSAGE_WITHDRAWN,
            codes::USER_NOT_AVAILABLE,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::PIN_CHAT_NOT_FOUND,
            codes::PIN_NOT_ALLOWED,
            codes::PIN_TOO_OFTEN,
            codes::MESSAGE_INVISIBLE,
            codes::MESSAGE_TYPE_UNSUPPORTED,
            codes::MESSAGE_SELF_DESTRUCTS,
            codes::CHAT_DISSOLVED,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"message_id":"{message_id}"}"#,
        behaviours: super::CHANGING,
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let message = finding::lock(tx, &input.body.message_id).await?;
        let place = standing::enter(tx, &speaker, message.chat_id, Act::Change).await?;
        let place = place.ok_or_else(|| Fault::new(codes::PIN_CHAT_NOT_FOUND, "no chat"))?;
        let pin = pinning::pin(tx, &speaker, &place, &message).await?;
        Ok(Output { pin: ShownPin::of(tx, &Viewer::of(call, None, None), &pin) })
    }
}
