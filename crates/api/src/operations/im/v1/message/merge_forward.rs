use std::collections::BTreeSet;

use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, events, post, rates,
};
use larkspur_store::Tx;
use larkspur_store::messages::{self, Listed, Message};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forward::ForwardQuery;
use crate::messages::speaker::bot_may;
use crate::messages::{
    Shown, Speaker, Viewer, conditions, finding, forwarding, invalid_field, sending, shown, standing,
};
use crate::people::People;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/messages/merge_forward`
pub(super) struct MergeForward;

/// The receiver, and the messages.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Who receives them.
    receive_id: String,
    /// The messages, all of one chat.
    #[schemars(length(min = 1, max = 100))]
    message_id_list: Vec<String>,
}

/// The bundle.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Messages that are not in it.
    invalid_message_id_list: Vec<String>,
    /// The new message.
    message: Shown,
}

impl Operation for MergeForward {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.merge_forward",
        summary: "Forward several messages as one",
        reference: "im-v1/message/merge_forward",
        route: post("/open-apis/im/v1/messages/merge_forward"),
        access: Access::tenant(super::FORWARD),
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
            codes::BOT_STOPPED,
            codes::FORWARD_TO_ENCRYPTED,
            codes::FORWARD_CHAT_INVALID,
            codes::MERGE_INVALID,
            codes::MERGE_RECALLED,
            codes::MERGE_SECRET,
            codes::MERGE_SOURCE_MIXED,
            codes::MERGE_SOURCES_DIFFER,
            codes::FORWARD_RESTRICTED,
            codes::TARGET_THREAD_INVISIBLE,
            codes::CHAT_DISSOLVED,
            codes::OPEN_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
            codes::UNION_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[&events::P2P_CHAT_CREATE],
        example: r#"{"receive_id":"{chat_id}","message_id_list":["{message_id}"]}"#,
        behaviours: &[
            MERGED,
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
    type Path = Empty;
    type Query = ForwardQuery;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (query, body) = (&input.query, &input.body);
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let (mut found, mut left) = sorted(tx, &body.message_id_list).await?;
        let chats: BTreeSet<_> = found.iter().map(|message| message.chat_id).collect();
        let (Some(chat_id), 1) = (chats.first(), chats.len()) else {
            return Err(Fault::new(codes::MERGE_SOURCES_DIFFER, format!("{} chats", chats.len())));
        };
        let absent = || invalid_field("message_id_list", "");
        let place = forwarding::source(tx, &speaker, *chat_id, absent, codes::MERGE_SECRET).await?;
        if let Some(joined) = conditions::hidden_before(tx, &speaker, &place.chat).await? {
            let hidden = found.extract_if(.., |message| message.created_at < joined);
            let numbers: Vec<i64> = hidden.map(|message| message.number).collect();
            left.extend(numbers.iter().map(|number| id_of(tx, *number)));
        }
        if found.is_empty() {
            return Err(Fault::new(codes::MERGE_INVALID, "no message is visible to the operator"));
        }
        let of_threads: BTreeSet<_> = found.iter().map(thread_of).collect();
        if of_threads.len() > 1 {
            return Err(Fault::new(codes::MERGE_SOURCE_MIXED, "messages of threads and others"));
        }
        let target = forwarding::target(tx, call, &speaker, query.receive_id_type, &body.receive_id).await?;
        let (bundle, more) = forwarding::bundle(tx, found).await?;
        left.extend(more.iter().map(|number| id_of(tx, *number)));
        if bundle.parts.is_empty() {
            return Err(Fault::new(codes::MERGE_INVALID, "the first message alone has too many parts"));
        }
        let sent = forwarding::send(tx, &speaker, &target, query.uuid.as_deref(), bundle).await?;
        let message = shown::show(tx, &Viewer::of(call, None, None), sent).await?;
        Ok(Output { invalid_message_id_list: left, message })
    }

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        forwarding::people(input.query.receive_id_type, &input.body.receive_id)
    }
}

/// The thread of a reply in one; empty for other messages.
fn thread_of(message: &Message) -> String {
    let thread = message.thread.filter(|_| message.listed == Listed::InThread);
    thread.map(|thread| thread.to_string()).unwrap_or_default()
}

fn id_of(tx: &Tx, number: i64) -> String {
    tx.engine().keys.message_id(number, tx.tenant()).to_string()
}

/// The messages that can be forwarded, and the ids of the others.
///
/// # Errors
/// 230064 and 230065 if there are none.
async fn sorted(tx: &mut Tx, ids: &[String]) -> Result<(Vec<Message>, Vec<String>), Fault> {
    let numbers: Vec<Option<i64>> = ids.iter().map(|id| finding::number(tx, id)).collect();
    let known: Vec<i64> = numbers.iter().copied().flatten().collect();
    let all = messages::several(tx, &known).await?;
    let (mut found, mut left, mut recalled, mut seen) = (Vec::new(), Vec::new(), 0, BTreeSet::new());
    for (id, number) in ids.iter().zip(numbers) {
        if !seen.insert(id) {
            continue;
        }
        match number.and_then(|number| all.get(&number)) {
            Some(message) if message.recalled.is_some() => {
                recalled += 1;
                left.push(id.clone());
            }
            Some(message) if message.upper == 0 && forwarding::may_forward(message.msg_type) => {
                found.push(message.clone());
            }
            _ => left.push(id.clone()),
        }
    }
    if !found.is_empty() {
        return Ok((found, left));
    }
    let code = if recalled == left.len() { codes::MERGE_RECALLED } else { codes::MERGE_INVALID };
    Err(Fault::new(code, "no message is left to be forwarded"))
}

const MERGED: Behaviour = Behaviour {
    name: "merge_forward_messages",
    rule: "Unknown, recalled and other messages that cannot be forwarded are in invalid_message_id_list, each once; if no message is left, the answer is 230065 if all were recalled, otherwise 230064. Replies of one thread can be forwarded together, but not with other messages (230067).",
    basis: Assumed,
    switch: false,
};
