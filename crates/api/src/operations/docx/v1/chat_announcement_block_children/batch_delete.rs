use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, delete, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::docx::v1::behaviours::{CHILDREN, EDITS, EXISTS, ORDER, REVISIONS, TOKENS};
use crate::operations::docx::v1::edit::{Begun, Edit};
use crate::operations::docx::v1::{BlockPath, EDIT_CODES, EDIT_RECODES, EditQuery};
use crate::rules::docx;
use crate::{Call, Input, Operation};

/// `DELETE /docx/v1/chats/:chat_id/announcement/blocks/:block_id/children/batch_delete`
pub(super) struct BatchDelete;

/// What an edit is based on.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The revision that the caller has seen; -1, the default, is the latest one.
    #[schemars(range(min = -1))]
    revision_id: Option<i64>,
    /// The same token again is answered as the first time, and changes nothing.
    client_token: Option<String>,
}

/// Which children to delete, with all that is in them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The index of the first one.
    #[schemars(range(min = 0))]
    start_index: i64,
    /// The index behind the last one.
    #[schemars(range(min = 1))]
    end_index: i64,
}

/// The result.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Answer {
    /// The new revision.
    revision_id: i64,
    /// The caller's token, or a new one.
    client_token: String,
}

impl Operation for BatchDelete {
    const SPEC: &'static Spec = &Spec {
        id: "docx.v1.chat_announcement_block_children.batch_delete",
        summary: "Delete children of a block of the announcement of a chat",
        reference: "docx-v1/chat-announcement-block-children/batch_delete",
        route: delete(
            "/open-apis/docx/v1/chats/{chat_id}/announcement/blocks/{block_id}/children/batch_delete",
        ),
        access: Access::tenant_or_user(&[scopes::IM_CHAT_ANNOUNCEMENT_WRITE]).with_bot(),
        rate: rates::TIER_6,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: EDIT_CODES,
        recodes: EDIT_RECODES,
        emits: &[],
        example: r#"{"start_index":0,"end_index":1}"#,
        behaviours: &[ORDER, EXISTS, REVISIONS, TOKENS, EDITS, CHILDREN],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = BlockPath;
    type Query = Query;
    type Body = Body;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let (path, query, body) = (&input.path, &input.query, &input.body);
        let query = EditQuery {
            revision_id: query.revision_id,
            client_token: query.client_token.clone(),
            user_id_type: None,
        };
        let mut edit = match Edit::begin(tx, call, &path.chat_id, &query, Self::SPEC.id).await? {
            Begun::Open(edit) => edit,
            Begun::Done(answer) => return Ok(answer),
        };
        edit.has(tx, &path.block_id).await?;
        docx::delete(&mut edit.tree, &path.block_id, body.start_index, body.end_index)?;
        let answer = Answer { revision_id: edit.revision, client_token: edit.client_token.clone() };
        edit.finish(tx, call, answer).await
    }
}
