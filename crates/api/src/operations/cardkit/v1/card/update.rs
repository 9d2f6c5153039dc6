use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, put, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::JUDGED;
use crate::cards::{self, Asked, ORDER, SIZE, STREAMING, UUID};
use crate::operations::cardkit::v1::CardPath;
use crate::rules::card::entity;
use crate::{Call, Empty, Input, Operation};

/// `PUT /cardkit/v1/cards/:card_id`
pub(super) struct Update;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The new card.
    card: NewCard,
    /// Makes the call idempotent.
    #[schemars(length(min = 1, max = 64))]
    uuid: Option<String>,
    /// Larger than that of any earlier change of the card.
    #[schemars(range(min = 1))]
    sequence: i32,
}

/// A card.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct NewCard {
    /// The kind of `data`: `card_json`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 50))]
    kind: String,
    /// The JSON of a card of schema 2.0.
    #[schemars(length(min = 1, max = 1_000_000))]
    data: String,
}

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "cardkit.v1.card.update",
        summary: "Replace a card entity",
        reference: "cardkit-v1/card/update",
        route: put("/open-apis/cardkit/v1/cards/{card_id}"),
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
            codes::CARD_ELEMENT_LIMIT,
            codes::CARD_EMPTY,
            codes::CARD_NOT_OWN,
            codes::CARD_SEQUENCE,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"card":{"type":"card_json","data":"{\"schema\":\"2.0\",\"body\":{\"elements\":[{\"tag\":\"hr\"}]}}"},"sequence":1}"#,
        behaviours: &[ORDER, UUID, JUDGED, SIZE, STREAMING],
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
        if input.body.card.kind != "card_json" {
            return Err(Fault::new(codes::CARD_PARAM_INVALID, "type is not card_json"));
        }
        change.content = entity::read(&input.body.card.data)?;
        change.restart();
        change.save(tx, call).await?;
        Ok(Empty {})
    }
}
