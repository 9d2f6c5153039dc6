use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::Serialize;

use super::reading::{self, Body, State};
use crate::messages::read;
use crate::messages::speaker::bot_may;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/messages/batch_query_read_status`
pub(super) struct BatchQueryReadStatus;

/// The state of each message.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// In the order of the request.
    read_statuses: Vec<Status>,
}

/// Whether a message was read.
#[derive(Debug, Serialize, JsonSchema)]
struct Status {
    /// The message.
    message_id: String,
    /// Whether it was read.
    read_status: Word,
    /// Why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    unexpected_reason: Option<Reason>,
}

/// Whether a message was read.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    /// It was.
    Read,
    /// It was not.
    Unread,
    /// This is not known.
    Unexpected,
}

/// Why it is not known whether a message was read.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Reason {
    /// There is no such message.
    Invalid,
    /// The user may not read it.
    NoPermission,
    /// Messages of its kind have no such state.
    NotSupport,
}

impl Operation for BatchQueryReadStatus {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.batch_query_read_status",
        summary: "Ask whether the user has read messages",
        reference: "im-v1/message/batch_query_read_status",
        route: post("/open-apis/im/v1/messages/batch_query_read_status"),
        access: Access::user(&[scopes::IM_MESSAGE_READ_STATUS]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::MESSAGE_BOT_NOT_ACTIVATED],
        recodes: &[],
        emits: &[],
        example: r#"{"message_ids":["{message_id}"]}"#,
        behaviours: &[read::READING, reading::STATES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        bot_may(call)?;
        let ids = &input.body.message_ids;
        let states = reading::states(tx, call, ids).await?;
        let status = |(message_id, state): (&String, State)| {
            let (read_status, unexpected_reason) = match state {
                State::Read => (Word::Read, None),
                State::Unread => (Word::Unread, None),
                State::Invalid => (Word::Unexpected, Some(Reason::Invalid)),
                State::NoPermission => (Word::Unexpected, Some(Reason::NoPermission)),
                State::NotSupported => (Word::Unexpected, Some(Reason::NotSupport)),
            };
            Status { message_id: message_id.clone(), read_status, unexpected_reason }
        };
        Ok(Output { read_statuses: ids.iter().zip(states).map(status).collect() })
    }
}
