use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::docx::v1::behaviours::{EXISTS, ORDER, PEOPLE, REVISIONS};
use crate::operations::docx::v1::{BLOCK_GET_CODES, BlockPath, RECODES, ReadQuery, mentions, open};
use crate::rules::docx::Block;
use crate::{Call, Empty, Input, Operation, standing, translate};

/// `GET /docx/v1/chats/:chat_id/announcement/blocks/:block_id`
pub(super) struct Get;

/// A block.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    /// The block.
    block: Block,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "docx.v1.chat_announcement_block.get",
        summary: "Get a block of the announcement of a chat",
        reference: "docx-v1/chat-announcement-block/get",
        route: get("/open-apis/docx/v1/chats/{chat_id}/announcement/blocks/{block_id}"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT_ANNOUNCEMENT_READ]).with_bot(),
        rate: rates::TIER_7.as_bad_request(),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: BLOCK_GET_CODES,
        recodes: RECODES,
        emits: &[],
        example: "revision_id=-1",
        behaviours: &[ORDER, EXISTS, PEOPLE, REVISIONS, standing::EXTERNAL],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = BlockPath;
    type Query = ReadQuery;
    type Body = Empty;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let query = &input.query;
        let form = translate::form(call, query.user_id_type, codes::FIELD_VALIDATION)?;
        let reading = open::read(tx, call, &input.path.chat_id, query.revision_id, None).await?;
        reading.tree.find(&input.path.block_id)?;
        let mut found: Vec<Block> = reading.tree.shown(&input.path.block_id).into_iter().collect();
        mentions::show(tx, call, form, &mut found).await?;
        let block = found.pop().ok_or_else(|| Fault::new(codes::DOCX_NOT_FOUND, "no such block"))?;
        Ok(Answer { block })
    }
}
