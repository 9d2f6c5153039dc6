use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::JUDGED;
use crate::cards::{self, SIZE, STREAMING};
use crate::rules::card;
use crate::{Call, Empty, Input, Operation};

/// `POST /cardkit/v1/cards`
pub(super) struct Create;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The kind of `data`: `card_json` or `template`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 50))]
    kind: String,
    /// The JSON of a card of schema 2.0, or of a template: template_id, template_version_name, template_variable.
    #[schemars(length(min = 1, max = 3_000_000))]
    data: String,
}

/// The entity.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Its id.
    card_id: String,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "cardkit.v1.card.create",
        summary: "Create a card entity",
        reference: "cardkit-v1/card/create",
        route: post("/open-apis/cardkit/v1/cards"),
        access: Access::tenant(&[scopes::CARDKIT_CARD_WRITE]),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::CARD_PARAM_INVALID,
            codes::CARD_CONTENT_FAILED,
            codes::CARD_TOO_LARGE,
            codes::CARD_ELEMENT_ID_REPEATED,
            codes::CARD_NOT_SHARED,
            codes::CARD_SCHEMA_UNSUPPORTED,
            codes::CARD_ELEMENT_LIMIT,
            codes::CARD_EMPTY,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"type":"card_json","data":"{\"schema\":\"2.0\",\"body\":{\"elements\":[{\"tag\":\"markdown\",\"element_id\":\"text_1\",\"content\":\"Hello\"}]}}"}"#,
        behaviours: &[JUDGED, SIZE, STREAMING, card::UNKNOWN_ELEMENTS, card::TEMPLATES],
        deviations: &[],
    };
    const ONLY_ADDS: bool = true;
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let content = match input.body.kind.as_str() {
            "card_json" => card::entity::read(&input.body.data)?,
            "template" => card::entity::template(&input.body.data)?,
            _ => return Err(Fault::new(codes::CARD_PARAM_INVALID, "type is neither card_json nor template")),
        };
        let id = cards::create(tx, call, &content).await?;
        Ok(Output { card_id: id.to_string() })
    }
}
