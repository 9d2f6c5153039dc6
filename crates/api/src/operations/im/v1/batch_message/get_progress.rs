use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::{Tx, batches};
use schemars::JsonSchema;
use serde::Serialize;

use super::BatchPath;
use crate::messages::batching;
use crate::messages::speaker::bot_may;
use crate::{Call, Empty, Input, Operation};

/// `GET /im/v1/batch_messages/:batch_message_id/get_progress`
pub(super) struct GetProgress;

/// The progress.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Of a recall.
    batch_message_recall_progress: Recalled,
    /// Of sending and reading.
    batch_message_send_progress: Sent,
}

/// The progress of a recall.
#[derive(Debug, Serialize, JsonSchema)]
struct Recalled {
    /// Whether the batch was recalled.
    recall: bool,
    /// How many of its messages were recalled.
    recall_count: i64,
}

/// The progress of sending and reading.
#[derive(Debug, Serialize, JsonSchema)]
struct Sent {
    /// How many people have read it.
    read_user_ids_count: i64,
    /// How many people have received it.
    success_user_ids_count: i64,
    /// How many people it was sent to.
    valid_user_ids_count: i64,
}

impl Operation for GetProgress {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.batch_message.get_progress",
        summary: "Get how far a message to many people is sent, read and recalled",
        reference: "im-v1/batch_message/get_progress",
        route: get("/open-apis/im/v1/batch_messages/{batch_message_id}/get_progress"),
        access: Access::tenant(super::SCOPES),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::NOT_MESSAGE_SENDER,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::BATCH_MESSAGE_NOT_FOUND,
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[batching::FOUND, AT_ONCE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = BatchPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let id = &input.path.batch_message_id;
        bot_may(call)?;
        let batch = batching::find(tx, call, id, codes::NOT_MESSAGE_SENDER).await?;
        let read = batches::read_count(tx, &batch.batch_id).await?;
        Ok(Output {
            batch_message_recall_progress: Recalled {
                recall: batch.recalled_at != 0,
                recall_count: batch.recalled,
            },
            batch_message_send_progress: Sent {
                read_user_ids_count: read,
                success_user_ids_count: batch.total,
                valid_user_ids_count: batch.total,
            },
        })
    }
}

const AT_ONCE: Behaviour = Behaviour {
    name: "batch_at_once",
    rule: "Everyone receives the message when it is sent, and a recall is complete when it is answered, so the counts do not grow slowly. Messages that were recalled one by one before do not count as recalled.",
    basis: Assumed,
    switch: false,
};
