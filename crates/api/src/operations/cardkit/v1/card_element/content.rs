use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, put, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ELEMENTS, ElementPath};
use crate::cards::{self, Asked, ORDER, SIZE, STREAMING, UUID};
use crate::rules::card::entity;
use crate::{Call, Empty, Input, Operation};

/// `PUT /cardkit/v1/cards/:card_id/elements/:element_id/content`
pub(super) struct Content;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The whole text so far.
    #[schemars(length(min = 1, max = entity::TEXT_MAX))]
    content: String,
    /// Makes the call idempotent.
    #[schemars(length(min = 1, max = 64))]
    uuid: Option<String>,
    /// Larger than that of any earlier change of the card.
    #[schemars(range(min = 1))]
    sequence: i32,
}

impl Operation for Content {
    const SPEC: &'static Spec = &Spec {
        id: "cardkit.v1.card_element.content",
        summary: "Stream text into an element of a card entity",
        reference: "cardkit-v1/card-element/content",
        route: put("/open-apis/cardkit/v1/cards/{card_id}/elements/{element_id}/content"),
        access: Access::tenant(&[scopes::CARDKIT_CARD_WRITE]),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::CARD_PARAM_INVALID,
            codes::CARD_CONTENT_FAILED,
            codes::CARD_UNKNOWN,
            codes::CARD_EXPIRED,
            codes::CARD_UUID_CONFLICT,
            codes::CARD_BUSY,
            codes::CARD_STREAMING_TIMED_OUT,
            codes::CARD_TOO_LARGE,
            codes::CARD_INTERNAL,
            codes::CARD_NOT_SHARED,
            codes::CARD_EMPTY,
            codes::CARD_STREAMING_CLOSED,
            codes::CARD_ONLY_TEXT,
            codes::CARD_NOT_OWN,
            codes::CARD_PROPERTIES_FAILED,
            codes::CARD_SEQUENCE,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"content":"Hello, world","sequence":1}"#,
        behaviours: &[ORDER, UUID, SIZE, STREAMING, ELEMENTS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ElementPath;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let asked = Asked {
            card_id: &input.path.card_id,
            uuid: input.body.uuid.as_deref(),
            sequence: input.body.sequence,
            operation: Self::SPEC.id,
        };
        let element_id = input.path.element_id()?;
        let Some(mut change) = cards::begin(tx, call, &asked).await? else { return Ok(Empty {}) };
        if !entity::is_streaming(&change.content) {
            return Err(Fault::new(
                codes::CARD_STREAMING_CLOSED,
                "config.streaming_mode of the card is not true; switch it on in the settings",
            ));
        }
        if change.timed_out {
            return Err(Fault::new(
                codes::CARD_STREAMING_TIMED_OUT,
                "streaming has ended; change the settings",
            ));
        }
        entity::write(&mut change.content, element_id, &input.body.content)?;
        change.save(tx, call).await?;
        Ok(Empty {})
    }
}
