use larkspur_contract::model::{ChatCondition, MsgType, ReceiveIdType};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, events, post, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::sending::{self, Draft};
use crate::messages::speaker::{bot_may, may_send_as_user};
use crate::messages::{Shown, Speaker, Viewer, conditions, receiver, sending_behaviours, shown};
use crate::people::People;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/messages`
pub(super) struct Create;

/// The kind of receiver.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// What `receive_id` is.
    receive_id_type: ReceiveIdType,
}

/// The message.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Who receives it.
    receive_id: String,
    /// Its type.
    msg_type: String,
    /// Its content: JSON as text.
    content: String,
    /// Calls with the same uuid send one message.
    #[schemars(length(max = 50))]
    uuid: Option<String>,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.create",
        summary: "Send a message to a user or a chat",
        reference: "im-v1/message/create",
        route: post("/open-apis/im/v1/messages"),
        access: Access::tenant_or_user(super::SEND),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_INVALID,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
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
            codes::RECEIVER_RESIGNED,
            codes::RECEIVE_ID_INVALID,
            codes::SPEAKING_DENIED,
            codes::CRYPT_KEY_DELETED,
            codes::CROSS_TENANT_P2P,
            codes::MESSAGE_BEING_SENT,
            codes::BOT_STOPPED,
            codes::TYPE_NOT_IN_CONNECTION_GROUP,
            codes::FILE_TYPE_MISMATCH,
            codes::ENCRYPTED_NOT_SUPPORTED,
            codes::CARD_NOT_CREATED,
            codes::CHAT_DISSOLVED,
            codes::OPEN_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
            codes::UNION_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[&events::MESSAGE_RECEIVE, &events::P2P_CHAT_CREATE],
        example: r#"{"receive_id":"{chat_id}","msg_type":"text","content":"{\"text\":\"hello\"}"}"#,
        behaviours: sending_behaviours!(),
        deviations: &[sending::COUNTED],
    };
    const ONLY_ADDS: bool = true;
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Body;
    type Output = Shown;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Shown, Fault> {
        let body = &input.body;
        let msg_type = sending::msg_type(&body.msg_type)?;
        bot_may(call)?;
        may_send_as_user(call)?;
        let speaker = Speaker::of(call);
        let kind = input.query.receive_id_type;
        let place = receiver::chat(tx, call, &speaker, kind, &body.receive_id).await?;
        conditions::readable(&place.chat)?;
        if msg_type == MsgType::Interactive {
            let code = codes::TYPE_NOT_IN_CONNECTION_GROUP;
            conditions::not_in(&place.chat, ChatCondition::Connection, code)?;
        }
        let draft = Draft { msg_type, content: &body.content, uuid: body.uuid.as_deref(), reply: None };
        let sent = sending::send(tx, &speaker, &place, draft).await?;
        Ok(shown::show(tx, &Viewer::of(call, None, None), sent).await?)
    }

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        receiver::people(input.query.receive_id_type, &input.body.receive_id)
    }
}
