use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::JUDGED;
use crate::cards::{self, Asked, ORDER, SIZE, STREAMING, UUID};
use crate::operations::cardkit::v1::CardPath;
use crate::operations::cardkit::v1::card_element::ELEMENTS;
use crate::rules::card::entity;
use crate::{Call, Empty, Input, Operation};

/// `POST /cardkit/v1/cards/:card_id/batch_update`
pub(super) struct BatchUpdate;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The JSON of a list of actions.
    #[schemars(length(min = 1, max = 1_000_000))]
    actions: String,
    /// Makes the call idempotent.
    #[schemars(length(min = 1, max = 64))]
    uuid: Option<String>,
    /// Larger than that of any earlier change of the card.
    #[schemars(range(min = 1))]
    sequence: i32,
}

impl Operation for BatchUpdate {
    const SPEC: &'static Spec = &Spec {
        id: "cardkit.v1.card.batch_update",
        summary: "Change elements and settings of a card entity",
        reference: "cardkit-v1/card/batch_update",
        route: post("/open-apis/cardkit/v1/cards/{card_id}/batch_update"),
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
            codes::CARD_SETTINGS_NOT_UPDATED,
            codes::CARD_ELEMENT_ID_REPEATED,
            codes::CARD_NOT_SHARED,
            codes::CARD_SCHEMA_UNSUPPORTED,
            codes::CARD_ELEMENT_LIMIT,
            codes::CARD_EMPTY,
            codes::CARD_NOT_OWN,
            codes::CARD_TAG_CHANGED,
            codes::CARD_PROPERTIES_FAILED,
            codes::CARD_ELEMENT_NOT_DELETED,
            codes::CARD_ELEMENT_NOT_ADDED,
            codes::CARD_SEQUENCE,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"actions":"[{\"action\":\"add_elements\",\"params\":{\"type\":\"append\",\"elements\":[{\"tag\":\"hr\"}]}}]","sequence":1}"#,
        behaviours: &[ORDER, UUID, JUDGED, SIZE, STREAMING, ELEMENTS, WHOLE],
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
        let actions = entity::read(&input.body.actions)?;
        entity::has_elements(&change.content)?;
        entity::batch(&mut change.content, &actions)?;
        change.save(tx, call).await?;
        Ok(Empty {})
    }
}

const WHOLE: Behaviour = Behaviour {
    name: "card_batch",
    rule: "Actions are applied in order, all or none. At most 200 actions, and 200 element_ids in all of them, are accepted (10002). The elements of a filled template cannot be changed (300303).",
    basis: Assumed,
    switch: false,
};
