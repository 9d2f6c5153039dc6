use larkspur_contract::model::{ChatCondition, MsgType};
use larkspur_contract::{Access, Consumes, Effect, Fault, Spec, codes, events, post, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MessagePath;
use crate::messages::finding;
use crate::messages::sending::{self, Draft};
use crate::messages::speaker::{bot_may, may_send_as_user};
use crate::messages::standing::{self, Act};
use crate::messages::{
    Shown, Speaker, Viewer, conditions, invalid, invalid_field, sending_behaviours, shown,
};
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/messages/:message_id/reply`
pub(super) struct Reply;

/// The reply.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Its content: JSON as text.
    content: String,
    /// Its type.
    msg_type: String,
    /// Whether it is to be in a thread.
    reply_in_thread: Option<bool>,
    /// Calls with the same uuid send one message.
    #[schemars(length(max = 50))]
    uuid: Option<String>,
}

impl Operation for Reply {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.reply",
        summary: "Reply to a message",
        reference: "im-v1/message/reply",
        route: post("/open-apis/im/v1/messages/{message_id}/reply"),
        access: Access::tenant_or_user(super::SEND),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: larkspur_contract::Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::MESSAGE_WITHDRAWN,
            codes::USER_NOT_AVAILABLE,
            codes::P2P_CHAT_NOT_SHARED,
            codes::NOT_RESOURCE_OWNER,
            codes::SPEAKING_NOT_ALLOWED,
            codes::TOPIC_NOT_FOUND,
            codes::MESSAGE_TOO_OFTEN,
            codes::MESSAGE_SENSITIVE,
            codes::MESSAGE_TOO_LONG,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::MESSAGE_NOT_AUDITED,
            codes::SPEAKING_DENIED,
            codes::CROSS_TENANT_P2P,
            codes::MESSAGE_BEING_SENT,
            codes::MESSAGE_INVISIBLE,
            codes::MESSAGE_TYPE_UNSUPPORTED,
            codes::FILE_TYPE_MISMATCH,
            codes::THREADS_NOT_SUPPORTED,
            codes::NO_THREAD_OF_MERGED,
            codes::ENCRYPTED_NOT_SUPPORTED,
            codes::CARD_NOT_CREATED,
            codes::MESSAGE_SELF_DESTRUCTS,
            codes::CHAT_DISSOLVED,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        recodes: &[
            (codes::RECEIVER_RESIGNED, codes::USER_NOT_AVAILABLE),
            (codes::BOT_STOPPED, codes::USER_NOT_AVAILABLE),
        ],
        emits: &[&events::MESSAGE_RECEIVE],
        example: r#"{"msg_type":"text","content":"{\"text\":\"hello\"}"}"#,
        behaviours: sending_behaviours!(finding::UNKNOWN),
        deviations: &[sending::COUNTED],
    };
    const ONLY_ADDS: bool = true;
    type Ground = Tx;
    type Path = MessagePath;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Shown, Fault> {
        let (body, message_id) = (&input.body, &input.path.message_id);
        let msg_type = sending::msg_type(&body.msg_type)?;
        if msg_type == MsgType::System {
            return Err(invalid("invalid msg_type"));
        }
        bot_may(call)?;
        may_send_as_user(call)?;
        let speaker = Speaker::of(call);
        let to = finding::message(tx, message_id).await?;
        let place = standing::enter(tx, &speaker, to.chat_id, Act::Send).await?;
        let place = place.ok_or_else(|| invalid_field("message_id", message_id))?;
        let reply = sending::Reply { to: &to, in_thread: body.reply_in_thread.unwrap_or_default() };
        sending::takes_reply(&speaker, &reply)?;
        conditions::sees(tx, &speaker, &place, &to, codes::MESSAGE_INVISIBLE).await?;
        conditions::readable(&place.chat)?;
        conditions::not_in(&place.chat, ChatCondition::SelfDestructing, codes::MESSAGE_SELF_DESTRUCTS)?;
        if reply.in_thread {
            conditions::not_in(&place.chat, ChatCondition::NoThreads, codes::THREADS_NOT_SUPPORTED)?;
        }
        let reply = Some(reply);
        let draft = Draft { msg_type, content: &body.content, uuid: body.uuid.as_deref(), reply };
        let sent = sending::send(tx, &speaker, &place, draft).await?;
        Ok(shown::show(tx, &Viewer::of(call, None, None), sent).await?)
    }
}
