use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, patch, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::docx::v1::behaviours::{
    BLOCKS, EDITS, EXISTS, KINDS, MEDIA, ORDER, PEOPLE, REVISIONS, TOKENS, UPDATES,
};
use crate::operations::docx::v1::edit::{self, Begun, Edit};
use crate::operations::docx::v1::{ChatPath, EditQuery, UPDATE_CODES, UPDATE_RECODES, media, mentions};
use crate::rules::docx::{self, Block, Request};
use crate::{Call, Input, Operation};

/// `PATCH /docx/v1/chats/:chat_id/announcement/blocks/batch_update`
pub(super) struct BatchUpdate;

/// The edits.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Edits of different blocks: all of them are done, or none.
    #[schemars(length(min = 1, max = 200))]
    requests: Vec<Request>,
}

/// The result of the edits.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Answer {
    /// The blocks that were named, as they are now, in the order of the edits.
    blocks: Vec<Block>,
    /// The new revision.
    revision_id: i64,
    /// The caller's token, or a new one.
    client_token: String,
}

impl Operation for BatchUpdate {
    const SPEC: &'static Spec = &Spec {
        id: "docx.v1.chat_announcement_block.batch_update",
        summary: "Edit blocks of the announcement of a chat",
        reference: "docx-v1/chat-announcement-block/batch_update",
        route: patch("/open-apis/docx/v1/chats/{chat_id}/announcement/blocks/batch_update"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT_ANNOUNCEMENT_WRITE]).with_bot(),
        rate: rates::TIER_6.as_bad_request(),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: UPDATE_CODES,
        recodes: UPDATE_RECODES,
        emits: &[],
        example: r#"{"requests":[{"block_id":"{chat_id}","update_text_elements":{"elements":[{"text_run":{"content":"Welcome"}}]}}]}"#,
        behaviours: &[ORDER, EXISTS, PEOPLE, REVISIONS, TOKENS, EDITS, BLOCKS, KINDS, UPDATES],
        deviations: &[MEDIA],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = EditQuery;
    type Body = Body;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let begun = Edit::begin(tx, call, &input.path.chat_id, &input.query, Self::SPEC.id).await?;
        let mut edit = match begun {
            Begun::Open(edit) => edit,
            Begun::Done(answer) => return Ok(answer),
        };
        let mut requests = input.body.requests.clone();
        let ids: Vec<String> = docx::named(&requests)?.into_iter().map(str::to_owned).collect();
        for id in &ids {
            edit.has(tx, id).await?;
        }
        requests.iter().try_for_each(docx::mentions_fit)?;
        let elements = requests.iter_mut().filter_map(Request::elements_mut).flatten().collect();
        mentions::keep(tx, call, edit.form, elements).await?;
        let files = media::find(tx, &requests).await?;
        let mut new_id = edit::new_ids(tx);
        docx::update(&mut edit.tree, &requests, &files, &mut new_id)?;
        let mut blocks: Vec<Block> = ids.iter().filter_map(|id| edit.tree.shown(id)).collect();
        mentions::show(tx, call, edit.form, &mut blocks).await?;
        let answer = Answer { blocks, revision_id: edit.revision, client_token: edit.client_token.clone() };
        edit.finish(tx, call, answer).await
    }
}
