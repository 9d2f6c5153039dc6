use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::Serialize;

use super::reading::{self, Body, State};
use crate::messages::read;
use crate::messages::speaker::bot_may;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/messages/read_status`
pub(super) struct ReadStatus;

/// The state of each message.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Ids without a state, in the order of the request.
    invalid_message_ids: Vec<String>,
    /// The states, in the order of the request.
    items: Vec<Status>,
}

/// Whether a message was read.
#[derive(Debug, Serialize, JsonSchema)]
struct Status {
    /// Whether it was.
    is_read: bool,
    /// The message.
    message_id: String,
}

impl Operation for ReadStatus {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.read_status",
        summary: "Ask whether the user has read messages, in the older form",
        reference: "im-v1/message/read_status",
        route: post("/open-apis/im/v1/messages/read_status"),
        access: Access::user(&[scopes::IM_MESSAGE_READONLY]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::MESSAGE_BOT_NOT_ACTIVATED],
        recodes: &[],
        emits: &[],
        example: r#"{"message_ids":["{message_id}"]}"#,
        behaviours: &[read::READING, reading::STATES, OLDER],
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
        let mut output = Output::default();
        for (message_id, state) in ids.iter().cloned().zip(states) {
            match state {
                State::Read | State::Unread => {
                    output.items.push(Status { is_read: state == State::Read, message_id });
                }
                State::Invalid | State::NoPermission | State::NotSupported => {
                    output.invalid_message_ids.push(message_id);
                }
            }
        }
        Ok(output)
    }
}

const OLDER: Behaviour = Behaviour {
    name: "message_read_older_form",
    rule: "Ids whose state is not known are in invalid_message_ids, without a reason.",
    basis: Assumed,
    switch: false,
};
