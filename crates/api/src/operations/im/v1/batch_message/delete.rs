use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::RecallType;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, delete, events, rates,
};
use larkspur_store::messages::{self, Recalled};
use larkspur_store::{Tx, batches, chats};

use super::BatchPath;
use crate::events::chat::LISTENERS;
use crate::messages::speaker::bot_may;
use crate::messages::{Speaker, batching, changing};
use crate::{Call, Empty, Input, Operation};

/// `DELETE /im/v1/batch_messages/:batch_message_id`
pub(super) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.batch_message.delete",
        summary: "Recall a message to many people",
        reference: "im-v1/batch_message/delete",
        route: delete("/open-apis/im/v1/batch_messages/{batch_message_id}"),
        access: Access::tenant(super::SCOPES),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        reply: Reply::Data("ok"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::BATCH_RECALL_EXPIRED,
            codes::RECALL_NOT_ALLOWED,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::BATCH_MESSAGE_NOT_FOUND,
        ],
        recodes: &[],
        emits: &[&events::MESSAGE_RECALLED],
        example: "",
        behaviours: &[batching::FOUND, RECALL, changing::WITHDRAWN, LISTENERS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = BatchPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let id = batching::id(&input.path.batch_message_id)?;
        bot_may(call)?;
        let found = batches::lock(tx, id).await?.ok_or_else(|| batching::unknown(id))?;
        let batch = batching::own(call, found, codes::RECALL_NOT_ALLOWED)?;
        if call.now.saturating_sub(batch.created_at) > DAY_MS {
            return Err(Fault::new(codes::BATCH_RECALL_EXPIRED, "the batch is older than a day"));
        }
        if batch.recalled_at != 0 {
            return Ok(Empty {});
        }
        let by = Speaker::of(call).member();
        let recalled = Recalled { by, kind: RecallType::MessageOwner, at: call.now };
        let mut count = 0;
        for number in batches::parts(tx, id, batching::RECEIVERS_MAX).await? {
            let message = messages::lock(tx, number).await?.filter(|message| message.recalled.is_none());
            let Some(message) = message else { continue };
            let Some(chat) = chats::get(tx, message.chat_id).await? else { continue };
            changing::withdraw(tx, &chat, &message, &recalled).await?;
            count += 1;
        }
        batches::recall(tx, id, count, call.now).await?;
        Ok(Empty {})
    }
}

/// How long a batch can be recalled, in milliseconds. Source: the page, a day.
const DAY_MS: i64 = 24 * 3600 * 1000;

const RECALL: Behaviour = Behaviour {
    name: "batch_recall",
    rule: "All messages of the batch are recalled, each with its event. A second recall succeeds and has no effect. The recall window of the world's settings does not apply.",
    basis: Assumed,
    switch: false,
};
