use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, patch, rates, scopes,
};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::JUDGED;
use crate::cards::{self, Asked, ORDER, SIZE, STREAMING, UUID};
use crate::operations::cardkit::v1::CardPath;
use crate::rules::card::entity;
use crate::{Call, Empty, Input, Operation};

/// `PATCH /cardkit/v1/cards/:card_id/settings`
pub(super) struct Settings;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The JSON of the settings: config and card_link.
    #[schemars(length(min = 1, max = entity::TEXT_MAX))]
    settings: String,
    /// Makes the call idempotent.
    #[schemars(length(min = 1, max = 64))]
    uuid: Option<String>,
    /// Larger than that of any earlier change of the card.
    #[schemars(range(min = 1))]
    sequence: i32,
}

impl Operation for Settings {
    const SPEC: &'static Spec = &Spec {
        id: "cardkit.v1.card.settings",
        summary: "Change the settings of a card entity",
        reference: "cardkit-v1/card/settings",
        route: patch("/open-apis/cardkit/v1/cards/{card_id}/settings"),
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
            codes::CARD_SETTINGS_NOT_UPDATED,
            codes::CARD_NOT_SHARED,
            codes::CARD_EMPTY,
            codes::CARD_NOT_OWN,
            codes::CARD_SEQUENCE,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"settings":"{\"config\":{\"streaming_mode\":true}}","sequence":1}"#,
        behaviours: &[ORDER, UUID, JUDGED, SIZE, STREAMING, MERGED],
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
        let settings = entity::read(&input.body.settings)?;
        entity::set(&mut change.content, &settings)?;
        if entity::is_streaming(&settings) {
            change.restart();
        }
        change.save(tx, call).await?;
        Ok(Empty {})
    }
}

const MERGED: Behaviour = Behaviour {
    name: "card_settings_merged",
    rule: "Members of config replace those of the same name; the others stay. card_link is replaced as a whole. Other members are ignored.",
    basis: Assumed,
    switch: false,
};
