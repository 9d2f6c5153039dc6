use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::ThreadId;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, events, post, rates,
};
use larkspur_store::Tx;
use larkspur_store::messages::{self, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::speaker::{bot_may, may_send_as_user};
use crate::messages::{
    Shown, Speaker, Viewer, conditions, forwarding, invalid_field, sending, shown, standing,
};
use crate::operations::im::v1::message::{self, ForwardBody, ForwardQuery};
use crate::people::People;
use crate::{Call, Input, Operation};

/// `POST /im/v1/threads/:thread_id/forward`
pub(super) struct Forward;

/// The thread.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct ThreadPath {
    /// The thread's id.
    thread_id: String,
}

impl Operation for Forward {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.thread.forward",
        summary: "Forward a thread",
        reference: "im-v1/message/forward-2",
        route: post("/open-apis/im/v1/threads/{thread_id}/forward"),
        access: Access::tenant_or_user(message::FORWARD),
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
            codes::SPEAKING_DENIED_LATER,
            codes::CRYPT_KEY_DELETED,
            codes::CROSS_TENANT_P2P,
            codes::MESSAGE_BEING_SENT,
            codes::MESSAGE_INVISIBLE,
            codes::BOT_STOPPED,
            codes::FORWARD_TO_ENCRYPTED,
            codes::FORWARD_CHAT_INVALID,
            codes::FORWARD_THREAD_INVALID,
            codes::FORWARD_THREAD_SECRET,
            codes::FORWARD_RESTRICTED,
            codes::THREAD_INVISIBLE,
            codes::TARGET_THREAD_INVISIBLE,
            codes::MESSAGE_DELETED,
            codes::CHAT_DISSOLVED,
            codes::OPEN_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
            codes::UNION_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
        ],
        recodes: &[(codes::SPEAKING_DENIED, codes::SPEAKING_DENIED_LATER)],
        emits: &[&events::MESSAGE_RECEIVE, &events::P2P_CHAT_CREATE],
        example: r#"{"receive_id":"{chat_id}"}"#,
        behaviours: &[
            THREAD,
            forwarding::ORDER,
            conditions::CONDITIONS,
            forwarding::TARGETS,
            forwarding::BUNDLES,
            standing::SPEAKING,
            sending::REPEATED,
            sending::LIMIT,
            shown::OBJECT,
        ],
        deviations: &[sending::COUNTED],
    };
    type Ground = Tx;
    type Path = ThreadPath;
    type Query = ForwardQuery;
    type Body = ForwardBody;
    type Output = Shown;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Shown, Fault> {
        let (query, thread_id) = (&input.query, &input.path.thread_id);
        let thread = ThreadId::parse(thread_id).ok_or_else(|| invalid_field("thread_id", thread_id))?;
        bot_may(call)?;
        may_send_as_user(call)?;
        let speaker = Speaker::of(call);
        let absent = || Fault::new(codes::FORWARD_THREAD_INVALID, format!("no thread {thread_id}"));
        let root = messages::of_thread(tx, thread, Span::ALL, None, 1).await?.pop().ok_or_else(absent)?;
        let secret = codes::FORWARD_THREAD_SECRET;
        let place = forwarding::source(tx, &speaker, root.chat_id, absent, secret).await?;
        conditions::sees(tx, &speaker, &place, &root, codes::THREAD_INVISIBLE).await?;
        let left = forwarding::of_thread(tx, thread).await?;
        if left.is_empty() {
            return Err(Fault::new(codes::MESSAGE_DELETED, "no message of the thread is left"));
        }
        let (kind, receive_id) = (query.receive_id_type, &input.body.receive_id);
        let target = forwarding::target(tx, call, &speaker, kind, receive_id).await?;
        let (bundle, _) = forwarding::bundle(tx, left).await?;
        let sent = forwarding::send(tx, &speaker, &target, query.uuid.as_deref(), bundle).await?;
        Ok(shown::show(tx, &Viewer::of(call, None, None), sent).await?)
    }

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        forwarding::people(input.query.receive_id_type, &input.body.receive_id)
    }
}

const THREAD: Behaviour = Behaviour {
    name: "thread_forward",
    rule: "The bundle contains the root and the replies of the thread that can be forwarded, of the first 1000 and up to 10 MB of content. A malformed thread_id is 230001, an unknown one 230064; a thread whose messages were all recalled is 230110.",
    basis: Assumed,
    switch: false,
};
