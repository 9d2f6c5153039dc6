use larkspur_contract::model::{AnnouncementType, UserIdType};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::chats::Member;
use larkspur_store::{Tx, docx, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::docx::v1::behaviours::{EXISTS, ORDER, PEOPLE};
use crate::operations::docx::v1::{ChatPath, READ_CODES, RECODES, open};
use crate::{Call, Empty, Input, Operation, standing, translate};

/// `GET /docx/v1/chats/:chat_id/announcement`
pub(super) struct Get;

/// The form of user ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// An announcement of either form.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    /// The latest revision.
    revision_id: i64,
    /// When it was created, in seconds since 1970.
    create_time: i64,
    /// When it was last edited, in seconds since 1970.
    update_time: i64,
    /// The chat's owner, or the bot that made it; absent if there is neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id: Option<String>,
    /// The form of `owner_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id_type: Option<&'static str>,
    /// Who edited it last; the owner if it was never edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    modifier_id: Option<String>,
    /// The form of `modifier_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    modifier_id_type: Option<&'static str>,
    /// `docx`, or `doc` for the old form.
    announcement_type: AnnouncementType,
    /// The same as `create_time`, decimal.
    create_time_v2: String,
    /// The same as `update_time`, decimal.
    update_time_v2: String,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "docx.v1.chat_announcement.get",
        summary: "Get the form and the latest revision of the announcement of a chat",
        reference: "docx-v1/chat-announcement/get",
        route: get("/open-apis/docx/v1/chats/{chat_id}/announcement"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT_ANNOUNCEMENT_READ]).with_bot(),
        rate: rates::TIER_8,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: READ_CODES,
        recodes: RECODES,
        emits: &[],
        example: "user_id_type=open_id",
        behaviours: &[ORDER, EXISTS, PEOPLE, standing::EXTERNAL],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Query;
    type Body = Empty;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let form = translate::form(call, input.query.user_id_type, codes::FIELD_VALIDATION)?;
        let (chat, standing, found) = open::any(tx, call, &input.path.chat_id).await?;
        open::is_open(&found, &chat, &standing)?;
        let (mut revision_id, mut modifier, mut updated_at) =
            (found.revision, found.modifier, found.updated_at);
        if found.kind == AnnouncementType::Docx {
            let state = docx::get(tx, chat.chat_id).await?;
            (revision_id, modifier, updated_at) = match state {
                Some(state) => (state.revision, state.modifier, state.updated_at),
                None => (1, None, found.created_at),
            };
        }
        let owner = chat.owner.clone().or_else(|| chat.creator_app.map(Member::Bot));
        let modifier = modifier.or_else(|| owner.clone());
        let (owner_id, owner_id_type) = shown(tx, call, owner, form).await?.unzip();
        let (modifier_id, modifier_id_type) = shown(tx, call, modifier, form).await?.unzip();
        let (create_time, update_time) = (found.created_at / 1000, updated_at / 1000);
        Ok(Answer {
            revision_id,
            create_time,
            update_time,
            owner_id,
            owner_id_type,
            modifier_id,
            modifier_id_type,
            announcement_type: found.kind,
            create_time_v2: create_time.to_string(),
            update_time_v2: update_time.to_string(),
        })
    }
}

/// A user or bot in this page's form, with the kind of its id; bots have open_ids.
async fn shown(
    tx: &mut Tx,
    call: &Call,
    member: Option<Member>,
    form: UserIdType,
) -> Result<Option<(String, &'static str)>, Fault> {
    let keys = &tx.engine().clone().keys;
    Ok(match member {
        None => None,
        Some(Member::Bot(app)) => Some((translate::bot_id(keys, call, app), UserIdType::OpenId.as_str())),
        Some(Member::User(user_id)) => {
            let user = users::by_id(tx, &user_id).await?;
            user.map(|user| (translate::user_id(keys, call, &user, form), form.as_str()))
        }
    })
}
