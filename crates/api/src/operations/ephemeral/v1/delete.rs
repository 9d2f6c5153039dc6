use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::{Tx, ephemeral};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::{finding, invalid_field};
use crate::{Call, Empty, Input, Operation};

/// `POST /ephemeral/v1/delete`
pub(crate) struct Delete;

/// The card.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Its id.
    message_id: String,
}

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "ephemeral.v1.delete",
        summary: "Delete a card that one person of a group sees",
        reference: "message-card/ephemeral/delete",
        route: post("/open-apis/ephemeral/v1/delete"),
        access: Access::tenant(&[
            scopes::IM_MESSAGE,
            scopes::IM_MESSAGE_SEND_AS_BOT,
            scopes::IM_MESSAGE_UPDATE,
        ]),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Flat("ok"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::MESSAGE_INVALID, codes::EPHEMERAL_DELETED],
        recodes: &[],
        emits: &[],
        example: r#"{"message_id":"{message_id}"}"#,
        behaviours: &[WHOSE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let id = &input.body.message_id;
        let found = match finding::number(tx, id) {
            Some(number) => ephemeral::lock(tx, number).await?,
            None => None,
        };
        let card = found.filter(|card| card.app_id == call.app_id());
        let card = card.ok_or_else(|| invalid_field("message_id", id))?;
        if card.deleted {
            return Err(Fault::new(codes::EPHEMERAL_DELETED, "the card was deleted before"));
        }
        ephemeral::delete(tx, &card).await?;
        Ok(Empty {})
    }
}

const WHOSE: Behaviour = Behaviour {
    name: "ephemeral_delete",
    rule: "An app deletes its own cards; any other message_id is 230001 with the cause invalid message_id. A second call is 18051, with HTTP status 200 and the page's Chinese text.",
    basis: Assumed,
    switch: false,
};
