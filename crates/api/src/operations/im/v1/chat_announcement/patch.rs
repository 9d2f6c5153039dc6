use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, patch, rates, scopes,
};
use larkspur_store::Tx;
use larkspur_store::announcements::{self, Announcement, Edit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::busy::{self, LIMITER};
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation, rules, standing};

/// `PATCH /im/v1/chats/:chat_id/announcement`
pub(super) struct Patch;

/// An edit.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The revision that the edit is based on, a decimal int64.
    revision: String,
    /// Operations on an old document, each a string of JSON.
    #[serde(default)]
    requests: Vec<String>,
}

impl Operation for Patch {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_announcement.patch",
        summary: "Edit the announcement of a chat, old format",
        reference: "im-v1/chat-announcement/patch",
        route: patch("/open-apis/im/v1/chats/{chat_id}/announcement"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_ANNOUNCEMENT_WRITE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::EDIT_NEEDS_MANAGER,
            codes::ANNOUNCEMENT_NOT_FOUND,
            codes::CHAT_DISSOLVED,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::ANNOUNCEMENT_UPDATE_FAILED,
            codes::CHAT_BUSY,
            codes::NOT_VISIBLE,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
            codes::NO_ANNOUNCEMENT_DOC_PERMISSION,
            codes::ANNOUNCEMENT_IS_DOCX,
        ],
        recodes: &[(codes::CHAT_ID_INVALID, codes::PARAM_INVALID)],
        emits: &[],
        example: r#"{"revision":"0","requests":["{\"requestType\":\"InsertBlocksRequestType\",\"insertBlocksRequest\":{\"payload\":\"{\\\"blocks\\\":[{\\\"type\\\":\\\"paragraph\\\",\\\"paragraph\\\":{\\\"elements\\\":[{\\\"type\\\":\\\"textRun\\\",\\\"textRun\\\":{\\\"text\\\":\\\"Hello\\\",\\\"style\\\":{}}}],\\\"style\\\":{}}}]}\",\"location\":{\"zoneId\":\"0\",\"index\":0,\"endOfZone\":true}}}"]}"#,
        behaviours: &[super::ORDER, super::EXISTS, super::CONTENT, super::REFUSED, REVISIONS, LIMITER],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let (chat, standing) = standing::lock_as_member(tx, call, &input.path.chat_id).await?;
        busy::edit(tx, call, &chat).await?;
        let present = announcements::get(tx, &chat).await?;
        rules::announcements::is_old(&present)?;
        rules::announcements::may_edit(&chat, &standing)?;
        rules::announcements::may_open(&present, &standing)?;
        rules::announcements::revision_fits(&input.body.revision, present.revision)?;
        let requests = &input.body.requests;
        if requests.is_empty() {
            return Ok(Empty {});
        }
        let content = rules::announcements::apply(&present.content, requests)?;
        let (revision, editor) = (present.revision + 1, call.operator());
        let new = Announcement {
            revision,
            content,
            modifier: Some(editor.clone()),
            updated_at: call.now,
            ..present
        };
        announcements::set(tx, &chat, &new).await?;
        let edit = Edit { revision, requests: requests.clone(), editor };
        announcements::keep_edit(tx, &chat, &edit, call.now).await?;
        Ok(Empty {})
    }
}

const REVISIONS: Behaviour = Behaviour {
    name: "announcement_revisions",
    rule: "Each call with requests creates one revision, starting at 1; a call without requests changes nothing. A revision that is not a decimal int64 is 232001; one that is newer than the latest, or more than 100 older, is 232018.",
    basis: Assumed,
    switch: false,
};
