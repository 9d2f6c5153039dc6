use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::docx::v1::behaviours::{EXISTS, ORDER, PEOPLE, REVISIONS};
use crate::operations::docx::v1::{ChatPath, PageQuery, READ_CODES, RECODES, mentions, open};
use crate::rules::docx::Block;
use crate::{Call, Empty, Input, Operation, standing, translate};

/// `GET /docx/v1/chats/:chat_id/announcement/blocks`
pub(super) struct List;

/// A page of blocks.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    /// The blocks in pre-order: the page first, each block before those that are in it.
    items: Vec<Block>,
    /// Token of the next page; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "docx.v1.chat_announcement_block.list",
        summary: "List all blocks of the announcement of a chat",
        reference: "docx-v1/chat-announcement-block/list",
        route: get("/open-apis/docx/v1/chats/{chat_id}/announcement/blocks"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT_ANNOUNCEMENT_READ]).with_bot(),
        rate: rates::TIER_7.as_bad_request(),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: READ_CODES,
        recodes: RECODES,
        emits: &[],
        example: "page_size=50",
        behaviours: &[ORDER, EXISTS, PEOPLE, REVISIONS, standing::EXTERNAL],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = PageQuery;
    type Body = Empty;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let query = &input.query;
        let form = translate::form(call, query.user_id_type, codes::FIELD_VALIDATION)?;
        let list = format!("docx blocks {}", input.path.chat_id);
        let (reading, skipped) = open::page(tx, call, &input.path.chat_id, &list, query).await?;
        let ids = reading.tree.in_order();
        let (mut items, page_token) = open::cut(tx, &list, &reading, &ids, skipped, query.page_size);
        mentions::show(tx, call, form, &mut items).await?;
        Ok(Answer { items, has_more: page_token.is_some(), page_token })
    }
}
