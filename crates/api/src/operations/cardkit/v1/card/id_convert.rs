use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::finding;
use crate::{Call, Empty, Input, Operation, cards};

/// `POST /cardkit/v1/cards/id_convert`
pub(super) struct IdConvert;

/// The request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// A message that shows a card.
    #[schemars(length(min = 1, max = 50))]
    message_id: String,
}

/// The entity.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Its id.
    card_id: String,
}

impl Operation for IdConvert {
    const SPEC: &'static Spec = &Spec {
        id: "cardkit.v1.card.id_convert",
        summary: "Get the card entity of a message",
        reference: "cardkit-v1/card/id_convert",
        route: post("/open-apis/cardkit/v1/cards/id_convert"),
        access: Access::tenant(&[scopes::CARDKIT_CARD_READ]),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::CARD_PARAM_INVALID,
            codes::CARD_NOT_SHARED,
            codes::CARD_SCHEMA_UNSUPPORTED,
            codes::CARD_NOT_OWN,
            codes::MESSAGE_INVALID,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        // A card that was sent passed checks; what entities demand beyond them is answered as a card that cannot be one.
        recodes: &[
            (codes::CARD_CONTENT_FAILED, codes::CARD_PARAM_INVALID),
            (codes::CARD_EMPTY, codes::CARD_PARAM_INVALID),
            (codes::CARD_ELEMENT_ID_REPEATED, codes::CARD_PARAM_INVALID),
            (codes::CARD_ELEMENT_LIMIT, codes::CARD_PARAM_INVALID),
            (codes::CARD_TOO_LARGE, codes::CARD_PARAM_INVALID),
        ],
        emits: &[],
        example: r#"{"message_id":"{message_id}"}"#,
        behaviours: &[finding::UNKNOWN, CONVERTED],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let message = finding::lock(tx, &input.body.message_id).await?;
        let id = cards::convert(tx, call, &message).await?;
        Ok(Output { card_id: id.to_string() })
    }
}

const CONVERTED: Behaviour = Behaviour {
    name: "card_id_convert",
    rule: "The page lists no codes. A message of the app's bot that shows an entity answers that one; a card of schema 2.0 becomes an entity, which the message shows from then on. Other messages are 10002, those of other senders 300311, cards of schema 1.0 300303.",
    basis: Assumed,
    switch: false,
};
