use larkspur_contract::model::ForwardIdType;
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, events, post, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MessagePath;
use crate::messages::speaker::{bot_may, may_send_as_user};
use crate::messages::{
    Shown, Speaker, Viewer, conditions, finding, forwarding, invalid_field, sending, shown, standing,
};
use crate::people::People;
use crate::{Call, Input, Operation};

/// `POST /im/v1/messages/:message_id/forward`
pub(super) struct Forward;

/// The kind of receiver.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ForwardQuery {
    /// What `receive_id` is.
    pub(crate) receive_id_type: ForwardIdType,
    /// Calls with the same uuid and receiver send one message.
    #[schemars(length(max = 50))]
    pub(crate) uuid: Option<String>,
}

/// The receiver.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ForwardBody {
    /// Who receives it.
    pub(crate) receive_id: String,
}

impl Operation for Forward {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.forward",
        summary: "Forward a message",
        reference: "im-v1/message/forward",
        route: post("/open-apis/im/v1/messages/{message_id}/forward"),
        access: Access::tenant_or_user(super::FORWARD),
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
            codes::SPEAKING_NOT_ALLOWED,
            codes::THREAD_NOT_FOUND,
            codes::MESSAGE_TOO_OFTEN,
            codes::MESSAGE_LACKS_PERMISSION,
            codes::RECEIVER_RESIGNED,
            codes::RECEIVE_ID_INVALID,
            codes::SPEAKING_DENIED,
            codes::CRYPT_KEY_DELETED,
            codes::CROSS_TENANT_P2P,
            codes::MESSAGE_BEING_SENT,
            codes::MESSAGE_INVISIBLE,
            codes::BOT_STOPPED,
            codes::TYPE_NOT_FORWARDED,
            codes::FORWARD_TO_ENCRYPTED,
            codes::FORWARD_CHAT_INVALID,
            codes::FORWARD_INVALID,
            codes::FORWARD_RECALLED,
            codes::FORWARD_SECRET,
            codes::FORWARD_RESTRICTED,
            codes::TARGET_THREAD_INVISIBLE,
            codes::MESSAGE_DELETED,
            codes::CHAT_DISSOLVED,
            codes::MESSAGE_ID_UNKNOWN,
            codes::OPEN_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
            codes::UNION_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[&events::MESSAGE_RECEIVE, &events::P2P_CHAT_CREATE],
        example: r#"{"receive_id":"{chat_id}"}"#,
        behaviours: &[
            forwarding::ORDER,
            conditions::CONDITIONS,
            forwarding::COPIES,
            forwarding::TARGETS,
            finding::UNKNOWN,
            standing::SPEAKING,
            sending::REPEATED,
            sending::LIMIT,
            shown::OBJECT,
        ],
        deviations: &[sending::COUNTED],
    };
    type Ground = Tx;
    type Path = MessagePath;
    type Query = ForwardQuery;
    type Body = ForwardBody;
    type Output = Shown;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Shown, Fault> {
        let (query, message_id) = (&input.query, &input.path.message_id);
        bot_may(call)?;
        may_send_as_user(call)?;
        let speaker = Speaker::of(call);
        let message = finding::message(tx, message_id).await?;
        let absent = || invalid_field("message_id", message_id);
        let place = forwarding::source(tx, &speaker, message.chat_id, absent, codes::FORWARD_SECRET).await?;
        if message.upper != 0 {
            return Err(Fault::new(codes::FORWARD_INVALID, "a part of a forwarded bundle"));
        }
        conditions::sees(tx, &speaker, &place, &message, codes::MESSAGE_INVISIBLE).await?;
        if message.recalled.is_some() {
            return Err(Fault::new(codes::FORWARD_RECALLED, "the message was recalled"));
        }
        if !forwarding::may_forward(message.msg_type) {
            let why = format!("messages of type {} are not forwarded", message.msg_type.as_str());
            return Err(Fault::new(codes::TYPE_NOT_FORWARDED, why));
        }
        let (kind, receive_id) = (query.receive_id_type, &input.body.receive_id);
        let target = forwarding::target(tx, call, &speaker, kind, receive_id).await?;
        let copy = forwarding::copy(tx, message).await?;
        let sent = forwarding::send(tx, &speaker, &target, query.uuid.as_deref(), copy).await?;
        Ok(shown::show(tx, &Viewer::of(call, None, None), sent).await?)
    }

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        forwarding::people(input.query.receive_id_type, &input.body.receive_id)
    }
}
