use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, delete, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ELEMENTS, ElementPath};
use crate::cards::{self, Asked, ORDER, UUID};
use crate::rules::card::entity;
use crate::{Call, Empty, Input, Operation};

/// `DELETE /cardkit/v1/cards/:card_id/elements/:element_id`
pub(super) struct Delete;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Makes the call idempotent.
    #[schemars(length(min = 1, max = 64))]
    uuid: Option<String>,
    /// Larger than that of any earlier change of the card.
    #[schemars(range(min = 1))]
    sequence: i32,
}

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "cardkit.v1.card_element.delete",
        summary: "Delete an element of a card entity",
        reference: "cardkit-v1/card-element/delete",
        route: delete("/open-apis/cardkit/v1/cards/{card_id}/elements/{element_id}"),
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
            codes::CARD_NOT_SHARED,
            codes::CARD_SCHEMA_UNSUPPORTED,
            codes::CARD_EMPTY,
            codes::CARD_NOT_OWN,
            codes::CARD_ELEMENT_NOT_DELETED,
            codes::CARD_SEQUENCE,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"sequence":1}"#,
        behaviours: &[ORDER, UUID, ELEMENTS],
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
        entity::has_elements(&change.content)?;
        entity::delete(&mut change.content, element_id)?;
        change.save(tx, call).await?;
        Ok(Empty {})
    }
}
