use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ELEMENTS;
use crate::cards::{self, Asked, ORDER, SIZE, STREAMING, UUID};
use crate::operations::cardkit::v1::CardPath;
use crate::rules::card::entity;
use crate::{Call, Empty, Input, Operation};

/// `POST /cardkit/v1/cards/:card_id/elements`
pub(super) struct Create;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Where: `insert_before`, `insert_after` or `append`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 50))]
    kind: String,
    /// The element beside which or in which.
    #[schemars(length(max = 20))]
    target_element_id: Option<String>,
    /// The JSON of a list of elements.
    #[schemars(length(min = 1, max = 1_000_000))]
    elements: String,
    /// Makes the call idempotent.
    #[schemars(length(min = 1, max = 64))]
    uuid: Option<String>,
    /// Larger than that of any earlier change of the card.
    #[schemars(range(min = 1))]
    sequence: i32,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "cardkit.v1.card_element.create",
        summary: "Add elements to a card entity",
        reference: "cardkit-v1/card-element/create",
        route: post("/open-apis/cardkit/v1/cards/{card_id}/elements"),
        access: Access::tenant(&[scopes::CARDKIT_CARD_WRITE]),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::CARD_PARAM_INVALID,
            codes::CARD_CONTENT_FAILED,
            codes::CARD_ADDING_TIMED_OUT,
            codes::CARD_UNKNOWN,
            codes::CARD_EXPIRED,
            codes::CARD_UUID_CONFLICT,
            codes::CARD_BUSY,
            codes::CARD_TOO_LARGE,
            codes::CARD_INTERNAL,
            codes::CARD_ELEMENT_ID_REPEATED,
            codes::CARD_NOT_SHARED,
            codes::CARD_ELEMENT_LIMIT,
            codes::CARD_EMPTY,
            codes::CARD_NOT_OWN,
            codes::CARD_ELEMENT_NOT_ADDED,
            codes::CARD_SEQUENCE,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"type":"append","elements":"[{\"tag\":\"hr\"}]","sequence":1}"#,
        behaviours: &[ORDER, UUID, SIZE, STREAMING, ELEMENTS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = CardPath;
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
        let Some(mut change) = cards::begin(tx, call, &asked).await? else { return Ok(Empty {}) };
        if change.timed_out {
            return Err(Fault::new(codes::CARD_ADDING_TIMED_OUT, "streaming has ended; change the settings"));
        }
        let elements = entity::read(&input.body.elements)?;
        let target = input.body.target_element_id.as_deref().unwrap_or_default();
        entity::add(&mut change.content, &input.body.kind, target, elements)?;
        change.save(tx, call).await?;
        Ok(Empty {})
    }
}
