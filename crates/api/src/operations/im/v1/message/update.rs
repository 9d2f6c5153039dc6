use larkspur_contract::model::MsgType;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, put, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MessagePath;
use crate::messages::speaker::bot_may;
use crate::messages::standing::{self, Act};
use crate::messages::{
    Shown, Speaker, Viewer, building, changing, conditions, finding, invalid, invalid_field, shown,
};
use crate::rules::content;
use crate::{Call, Empty, Input, Operation};

/// `PUT /im/v1/messages/:message_id`
pub(super) struct Update;

/// The new content.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Its type: `text` or `post`.
    msg_type: String,
    /// Its content: JSON as text.
    content: String,
}

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.update",
        summary: "Edit a message",
        reference: "im-v1/message/update",
        route: put("/open-apis/im/v1/messages/{message_id}"),
        access: Access::tenant(super::EDIT),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::MESSAGE_WITHDRAWN,
            codes::USER_NOT_AVAILABLE,
            codes::SPEAKING_NOT_ALLOWED,
            codes::MESSAGE_TOO_OFTEN,
            codes::MESSAGE_SENSITIVE,
            codes::MESSAGE_TOO_LONG,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::MESSAGE_NOT_AUDITED,
            codes::SPEAKING_DENIED_LATER,
            codes::CROSS_TENANT_P2P,
            codes::MESSAGE_INVISIBLE,
            codes::MESSAGE_TYPE_UNSUPPORTED,
            codes::FILE_TYPE_MISMATCH,
            codes::NOT_SENDER_OF_EDITED,
            codes::EDITED_TOO_OFTEN,
            codes::EDIT_IN_SECRET_GROUP,
            codes::EDIT_IN_ENCRYPTED_GROUP,
            codes::EDIT_EXPIRED,
            codes::MESSAGE_DELETED,
            codes::CHAT_DISSOLVED,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        recodes: &[(codes::SPEAKING_DENIED, codes::SPEAKING_DENIED_LATER)],
        emits: &[],
        example: r#"{"msg_type":"text","content":"{\"text\":\"hello again\"}"}"#,
        behaviours: &[
            conditions::CONDITIONS,
            standing::ORDER,
            standing::SPEAKING,
            finding::UNKNOWN,
            changing::EDITING,
            building::MENTIONS,
            building::REVIEW,
            content::TEXTS,
            content::MENTIONS,
            content::POSTS,
            content::MARKDOWN,
            content::CONTENT_V2,
            shown::OBJECT,
        ],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = MessagePath;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Shown, Fault> {
        let (body, message_id) = (&input.body, &input.path.message_id);
        let kind = MsgType::parse(&body.msg_type);
        let kind = kind.filter(|kind| matches!(kind, MsgType::Text | MsgType::Post));
        let kind = kind.ok_or_else(|| invalid("invalid msg_type"))?;
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let message = finding::lock(tx, message_id).await?;
        let place = standing::enter(tx, &speaker, message.chat_id, Act::Change).await?;
        let place = place.ok_or_else(|| invalid_field("message_id", message_id))?;
        let edited = changing::edit(tx, &speaker, &place, message, kind, &body.content).await;
        let edited = edited.map_err(building::not_owned_as_unknown)?;
        Ok(shown::show(tx, &Viewer::of(call, None, None), edited).await?)
    }
}
