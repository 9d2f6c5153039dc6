use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::docx::v1::behaviours::{EXISTS, ORDER, PEOPLE, REVISIONS};
use crate::operations::docx::v1::{BlockPath, PageQuery, READ_CODES, RECODES, mentions, open};
use crate::rules::docx::Block;
use crate::{Call, Empty, Input, Operation, standing, translate};

/// `GET /docx/v1/chats/:chat_id/announcement/blocks/:block_id/children`
pub(super) struct Get;

/// A page of children.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    /// The blocks that are directly in the block, in their order.
    items: Vec<Block>,
    /// Token of the next page; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "docx.v1.chat_announcement_block_children.get",
        summary: "List the children of a block of the announcement of a chat",
        reference: "docx-v1/chat-announcement-block-children/get",
        route: get("/open-apis/docx/v1/chats/{chat_id}/announcement/blocks/{block_id}/children"),
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
    type Path = BlockPath;
    type Query = PageQuery;
    type Body = Empty;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let (path, query) = (&input.path, &input.query);
        let form = translate::form(call, query.user_id_type, codes::FIELD_VALIDATION)?;
        let list = format!("docx children {} {}", path.chat_id, path.block_id.escape_debug());
        let (reading, skipped) = open::page(tx, call, &path.chat_id, &list, query).await?;
        let ids: Vec<&str> = reading.tree.find(&path.block_id)?.children.iter().map(String::as_str).collect();
        let (mut items, page_token) = open::cut(tx, &list, &reading, &ids, skipped, query.page_size);
        mentions::show(tx, call, form, &mut items).await?;
        Ok(Answer { items, has_more: page_token.is_some(), page_token })
    }
}
