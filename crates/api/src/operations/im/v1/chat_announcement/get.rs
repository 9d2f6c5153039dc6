use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::UserIdType;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::chats::Member;
use larkspur_store::{Tx, announcements, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::busy::{self, LIMITER};
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation, rules, standing, translate};

/// `GET /im/v1/chats/:chat_id/announcement`
pub(super) struct Get;

/// The form of user ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// An announcement of the old format.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    /// The JSON of its document.
    content: String,
    /// The number of edits, decimal.
    revision: String,
    /// When it was created, in seconds since 1970, decimal.
    create_time: String,
    /// When it was last edited, in seconds since 1970, decimal.
    update_time: String,
    /// The chat's owner; absent if the chat has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id: Option<String>,
    /// The form of `owner_id`: `app_id` for a bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id_type: Option<&'static str>,
    /// Who edited it last; the owner if it was never edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    modifier_id: Option<String>,
    /// The form of `modifier_id`: `app_id` for a bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    modifier_id_type: Option<&'static str>,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_announcement.get",
        summary: "Get the announcement of a chat, old format",
        reference: "im-v1/chat-announcement/get",
        route: get("/open-apis/im/v1/chats/{chat_id}/announcement"),
        access: Access::tenant_or_user(&[
            scopes::IM_CHAT,
            scopes::IM_CHAT_ANNOUNCEMENT_READ,
            scopes::IM_CHAT_READONLY,
        ])
        .with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::ANNOUNCEMENT_NOT_FOUND,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::CHAT_BUSY,
            codes::NOT_VISIBLE,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
            codes::NO_ANNOUNCEMENT_DOC_PERMISSION,
            codes::ANNOUNCEMENT_IS_DOCX,
        ],
        recodes: &[
            (codes::CHAT_ID_INVALID, codes::PARAM_INVALID),
            (codes::CHAT_DISSOLVED, codes::OPERATOR_NOT_IN_CHAT),
        ],
        emits: &[],
        example: "",
        behaviours: &[super::ORDER, super::EXISTS, super::CONTENT, DISSOLVED, standing::EXTERNAL, LIMITER],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Query;
    type Body = Empty;
    type Output = Answer;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Answer, Fault> {
        let form = translate::form(call, input.query.user_id_type, codes::PARAM_INVALID)?;
        let (chat, standing) = standing::member_of(tx, call, &input.path.chat_id).await?;
        busy::read(tx, call, chat.chat_id).await?;
        let announcement = announcements::get(tx, &chat).await?;
        rules::announcements::is_old(&announcement)?;
        rules::announcements::may_open(&announcement, &standing)?;
        let owner = shown(tx, call, chat.owner.as_ref(), form).await?;
        let modifier = match &announcement.modifier {
            Some(modifier) => shown(tx, call, Some(modifier), form).await?,
            None => owner.clone(),
        };
        let seconds = |milliseconds: i64| (milliseconds / 1000).to_string();
        let ((owner_id, owner_id_type), (modifier_id, modifier_id_type)) = (owner.unzip(), modifier.unzip());
        Ok(Answer {
            content: rules::announcements::shown(&announcement.content),
            revision: announcement.revision.to_string(),
            create_time: seconds(announcement.created_at),
            update_time: seconds(announcement.updated_at),
            owner_id,
            owner_id_type,
            modifier_id,
            modifier_id_type,
        })
    }
}

/// A user or bot in this page's form, with the kind of its id.
async fn shown(
    tx: &mut Tx,
    call: &Call,
    member: Option<&Member>,
    form: UserIdType,
) -> Result<Option<(String, &'static str)>, Fault> {
    match member {
        None => Ok(None),
        Some(Member::Bot(app)) => Ok(Some((app.to_string(), "app_id"))),
        Some(Member::User(user_id)) => {
            let user = users::by_id(tx, user_id).await?;
            let keys = &tx.engine().keys;
            Ok(user.map(|user| (translate::user_id(keys, call, &user, form), form.as_str())))
        }
    }
}

const DISSOLVED: Behaviour = Behaviour {
    name: "announcement_get_dissolved",
    rule: "A dissolved chat is 232011, since the page does not list 232009.",
    basis: Assumed,
    switch: false,
};
