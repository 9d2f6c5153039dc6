use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::docx::v1::behaviours::{
    BLOCKS, CHILDREN, EDITS, EXISTS, KINDS, ORDER, PEOPLE, REVISIONS, TOKENS,
};
use crate::operations::docx::v1::edit::{self, Begun, Edit};
use crate::operations::docx::v1::{BlockPath, EDIT_CODES, EDIT_RECODES, EditQuery, mentions};
use crate::rules::docx::{self, Block};
use crate::{Actor, Call, Input, Operation};

/// `POST /docx/v1/chats/:chat_id/announcement/blocks/:block_id/children`
pub(super) struct Create;

/// What to add.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The blocks: all of them are added, or none.
    #[serde(default)]
    #[schemars(length(min = 1, max = 50))]
    children: Vec<Block>,
    /// Before which of the present children they are added; -1, the default, is the end.
    #[schemars(range(min = -1))]
    index: Option<i64>,
}

/// The result.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Answer {
    /// The blocks that were added, without those that the server put inside.
    children: Vec<Block>,
    /// The new revision.
    revision_id: i64,
    /// The caller's token, or a new one.
    client_token: String,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "docx.v1.chat_announcement_block_children.create",
        summary: "Add blocks to the announcement of a chat",
        reference: "docx-v1/chat-announcement-block-children/create",
        route: post("/open-apis/docx/v1/chats/{chat_id}/announcement/blocks/{block_id}/children"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT_ANNOUNCEMENT_WRITE]).with_bot(),
        rate: rates::TIER_6.as_bad_request(),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: EDIT_CODES,
        recodes: EDIT_RECODES,
        emits: &[],
        example: r#"{"index":0,"children":[{"block_type":2,"text":{"elements":[{"text_run":{"content":"Hello"}}],"style":{}}}]}"#,
        behaviours: &[ORDER, EXISTS, PEOPLE, REVISIONS, TOKENS, EDITS, BLOCKS, KINDS, CHILDREN],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = BlockPath;
    type Query = EditQuery;
    type Body = Body;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        if input.body.children.is_empty() {
            let fault = Fault::new(codes::FIELD_VALIDATION, "no children");
            return Err(fault.with_violation("children", None, "the min len is 1"));
        }
        let (path, query) = (&input.path, &input.query);
        let mut edit = match Edit::begin(tx, call, &path.chat_id, query, Self::SPEC.id).await? {
            Begun::Open(edit) => edit,
            Begun::Done(answer) => return Ok(answer),
        };
        edit.has(tx, &path.block_id).await?;
        let mut drafts = mentions::drafts(&input.body.children);
        docx::resources_fit(&drafts)?;
        mentions::keep(tx, call, edit.form, mentions::elements(&mut drafts)).await?;
        mentions::cards(tx, call, &drafts).await?;
        let by_user = matches!(call.actor, Actor::User { .. });
        let index = input.body.index.unwrap_or(-1);
        let mut new_id = edit::new_ids(tx);
        let ids = docx::create(&mut edit.tree, &path.block_id, index, &drafts, by_user, &mut new_id)?;
        let mut children: Vec<Block> = ids.iter().filter_map(|id| edit.tree.shown(id)).collect();
        mentions::show(tx, call, edit.form, &mut children).await?;
        let answer = Answer { children, revision_id: edit.revision, client_token: edit.client_token.clone() };
        edit.finish(tx, call, answer).await
    }
}
