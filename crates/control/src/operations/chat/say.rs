use larkspur_api::events::message_receive;
use larkspur_api::messages::conditions::CONDITIONS;
use larkspur_api::messages::sending::{self, Draft, Reply};
use larkspur_api::messages::standing::{self, Act};
use larkspur_api::messages::{Shown, building};
use larkspur_api::rules::content;
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, events, post};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Path;
use crate::operations::CONTROL;
use crate::operations::message::{self, Content, PEOPLE};
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/chats/:chat_id/messages`
pub(crate) struct Say;

/// Who says what.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The user_id of the user who says it: a member.
    r#as: String,
    #[serde(flatten)]
    content: Content,
    /// The message that it replies to.
    reply_to: Option<String>,
    /// Whether the reply is in a thread; false by default.
    #[schemars(extend("default" = false))]
    in_thread: Option<bool>,
}

impl Operation for Say {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.say",
        summary: "Send a message to a chat, as a user's client would",
        route: post("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/messages"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[
            codes::CONTROL_PARAM_INVALID,
            codes::CONTROL_NOT_FOUND,
            codes::MESSAGE_INVALID,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_WITHDRAWN,
            codes::P2P_CHAT_NOT_SHARED,
            codes::SPEAKING_NOT_ALLOWED,
            codes::SPEAKING_DENIED,
            codes::MESSAGE_SENSITIVE,
            codes::MESSAGE_TOO_LONG,
            codes::MESSAGE_TYPE_UNSUPPORTED,
            codes::FILE_TYPE_MISMATCH,
            codes::NO_THREAD_OF_MERGED,
            codes::CARD_NOT_CREATED,
            codes::CHAT_DISSOLVED,
        ],
        emits: &[&events::MESSAGE_RECEIVE],
        example: r#"{"as":"{user_id}","text":"<at user_id=\"{app_id}\"></at> hello"}"#,
        behaviours: &[
            CONDITIONS,
            PEOPLE,
            MENTIONED,
            standing::SPEAKING,
            sending::THREADS,
            building::REVIEW,
            content::TEXTS,
            content::MENTIONS,
            message_receive::HEARD,
        ],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (path, body) = (&input.path, &input.body);
        let (mut tx, _, speaker) = message::person(root, call, &path.tenant_key, &body.r#as).await?;
        let (msg_type, content) = body.content.read()?;
        let chat = support::chat(&mut tx, &path.chat_id).await?;
        let to = match &body.reply_to {
            Some(id) => Some(message::lock(&mut tx, "reply_to", id).await?),
            None => None,
        };
        let in_thread = body.in_thread.unwrap_or_default();
        if in_thread && to.is_none() {
            return Err(values::invalid("in_thread", None, "only a reply is in a thread; set reply_to"));
        }
        if to.as_ref().is_some_and(|to| to.chat_id != chat.chat_id) {
            let id = body.reply_to.as_deref();
            return Err(values::invalid("reply_to", id, "the message is in another chat"));
        }
        let place = standing::enter(&mut tx, &speaker, chat.chat_id, Act::Send).await?;
        let place = place.ok_or_else(|| standing::outside(&speaker))?;
        let reply = to.as_ref().map(|to| Reply { to, in_thread });
        if let Some(reply) = &reply {
            sending::takes_reply(&speaker, reply)?;
        }
        let draft = Draft { msg_type, content: &content, uuid: None, reply };
        let sent = sending::send(&mut tx, &speaker, &place, draft).await?;
        message::show(&mut tx, sent).await
    }
}

const MENTIONED: Behaviour = Behaviour {
    name: "people_mention",
    rule: "A mention names a user by user_id, or by an open_id that any app of the world knows, and a bot by the app_id or by such an open_id. Those whom an app is told of have the ids that this app knows.",
    basis: Assumed,
    switch: false,
};
