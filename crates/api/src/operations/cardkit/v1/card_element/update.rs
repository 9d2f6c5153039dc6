use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, put, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ELEMENTS, ElementPath};
use crate::cards::{self, Asked, ORDER, SIZE, UUID};
use crate::rules::card::entity;
use crate::{Call, Empty, Input, Operation};

/// `PUT /cardkit/v1/cards/:card_id/elements/:element_id`
pub(super) struct Update;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The JSON of the new element.
    #[schemars(length(min = 1, max = 1_000_000))]
    element: String,
    /// Makes the call idempotent.
    #[schemars(length(min = 1, max = 64))]
    uuid: Option<String>,
    /// Larger than that of any earlier change of the card.
    #[schemars(range(min = 1))]
    sequence: i32,
}

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "cardkit.v1.card_element.update",
        summary: "Replace an element of a card entity",
        reference: "cardkit-v1/card-element/update",
        route: put("/open-apis/cardkit/v1/cards/{card_id}/elements/{element_id}"),
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
            codes::CARD_TOO_LARGE,
            codes::CARD_ELEMENT_NOT_REPLACED,
            codes::CARD_ELEMENT_ID_REPEATED,
            codes::CARD_NOT_SHARED,
            codes::CARD_ELEMENT_LIMIT,
            codes::CARD_EMPTY,
            codes::CARD_NOT_OWN,
            codes::CARD_SEQUENCE,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"element":"{\"tag\":\"hr\"}","sequence":1}"#,
        behaviours: &[ORDER, UUID, SIZE, ELEMENTS],
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
        let element = entity::read(&input.body.element)?;
        entity::replace(&mut change.content, element_id, element)?;
        change.save(tx, call).await?;
        Ok(Empty {})
    }
}
