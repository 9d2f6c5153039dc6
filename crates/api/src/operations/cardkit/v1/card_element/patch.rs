use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, patch, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ELEMENTS, ElementPath};
use crate::cards::{self, Asked, ORDER, SIZE, UUID};
use crate::rules::card::entity;
use crate::{Call, Empty, Input, Operation};

/// `PATCH /cardkit/v1/cards/:card_id/elements/:element_id`
pub(super) struct Patch;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The JSON of the new properties.
    #[schemars(length(min = 1, max = 1_000_000))]
    partial_element: String,
    /// Makes the call idempotent.
    #[schemars(length(min = 1, max = 64))]
    uuid: Option<String>,
    /// Larger than that of any earlier change of the card.
    #[schemars(range(min = 1))]
    sequence: i32,
}

impl Operation for Patch {
    const SPEC: &'static Spec = &Spec {
        id: "cardkit.v1.card_element.patch",
        summary: "Change properties of an element of a card entity",
        reference: "cardkit-v1/card-element/patch",
        route: patch("/open-apis/cardkit/v1/cards/{card_id}/elements/{element_id}"),
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
            codes::CARD_ELEMENT_ID_REPEATED,
            codes::CARD_NOT_SHARED,
            codes::CARD_SCHEMA_UNSUPPORTED,
            codes::CARD_EMPTY,
            codes::CARD_NOT_OWN,
            codes::CARD_TAG_CHANGED,
            codes::CARD_PROPERTIES_FAILED,
            codes::CARD_SEQUENCE,
        ],
        recodes: &[(codes::CARD_ELEMENT_LIMIT, codes::CARD_PROPERTIES_FAILED)],
        emits: &[],
        example: r#"{"partial_element":"{\"content\":\"new\"}","sequence":1}"#,
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
        let properties = entity::read(&input.body.partial_element)?;
        entity::has_elements(&change.content)?;
        entity::patch(&mut change.content, element_id, properties)?;
        change.save(tx, call).await?;
        Ok(Empty {})
    }
}
