use larkspur_contract::model::ChatStatus;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, patch, rates};
use larkspur_store::{Tx, chats};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MessagePath;
use crate::messages::speaker::bot_may;
use crate::messages::standing::{self, Act};
use crate::messages::{Speaker, building, changing, finding, invalid_field};
use crate::rules::card;
use crate::{Call, Empty, Input, Operation};

/// `PATCH /im/v1/messages/:message_id`
pub(super) struct Patch;

/// The new card.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The card: JSON as text.
    content: String,
}

impl Operation for Patch {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.patch",
        summary: "Replace the card of a message",
        reference: "im-v1/message/patch",
        route: patch("/open-apis/im/v1/messages/{message_id}"),
        access: Access::tenant_or_user(super::EDIT),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("ok"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::MESSAGE_WITHDRAWN,
            codes::USER_NOT_AVAILABLE,
            codes::MESSAGE_TOO_OFTEN,
            codes::MESSAGE_TOO_LONG,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::MESSAGE_NOT_AUDITED,
            codes::CARD_TOO_OLD,
            codes::CARD_NOT_CREATED,
            codes::MESSAGE_DELETED,
            codes::CHAT_DISSOLVED,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        // The page knows one code for content that does not pass.
        recodes: &[(codes::MESSAGE_SENSITIVE, codes::MESSAGE_NOT_AUDITED)],
        emits: &[],
        example: r#"{"content":"{\"elements\":[]}"}"#,
        behaviours: &[
            standing::ORDER,
            finding::UNKNOWN,
            changing::CARDS,
            building::ENTITIES,
            building::REVIEW,
            card::UNKNOWN_ELEMENTS,
            card::LIMITS,
            card::TEMPLATES,
        ],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = MessagePath;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let message_id = &input.path.message_id;
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let message = finding::lock(tx, message_id).await?;
        let place = chats::place(tx, message.chat_id, &speaker.member()).await?;
        let place = place.ok_or_else(|| invalid_field("message_id", message_id))?;
        // The page has no code for those outside of the chat: they are answered as other senders.
        if place.manager.is_some() || place.chat.status != ChatStatus::Normal {
            standing::enter(tx, &speaker, message.chat_id, Act::Change).await?;
        }
        changing::replace_card(tx, &speaker, &place, &message, &input.body.content).await?;
        Ok(Empty {})
    }
}
