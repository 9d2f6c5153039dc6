use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::{Tx, batches};
use schemars::JsonSchema;
use serde::Serialize;

use super::BatchPath;
use crate::messages::batching;
use crate::messages::read;
use crate::{Call, Empty, Input, Operation};

/// `GET /im/v1/batch_messages/:batch_message_id/read_user`
pub(super) struct ReadUser;

/// How many have read it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// How many have read it.
    read_user: Counts,
}

/// How many have read a message to many people.
#[derive(Debug, Serialize, JsonSchema)]
struct Counts {
    /// How many have read it: a decimal number.
    read_count: String,
    /// How many it was sent to: a decimal number.
    total_count: String,
}

impl Operation for ReadUser {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.batch_message.read_user",
        summary: "Count who has read a message to many people",
        reference: "im-v1/batch_message/read_user",
        route: get("/open-apis/im/v1/batch_messages/{batch_message_id}/read_user"),
        access: Access::tenant(super::SCOPES),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("ok"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::NOT_MESSAGE_SENDER,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::BATCH_MESSAGE_NOT_FOUND,
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[batching::FOUND, read::READING],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = BatchPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let id = &input.path.batch_message_id;
        let batch = batching::find(tx, call, id, codes::NOT_MESSAGE_SENDER).await?;
        let read = batches::read_count(tx, &batch.batch_id).await?;
        let read_user = Counts { read_count: read.to_string(), total_count: batch.total.to_string() };
        Ok(Output { read_user })
    }
}
