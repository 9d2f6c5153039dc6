//! Whether the caller has read messages: what two operations answer in two forms.

use std::collections::HashMap;

use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::MsgType;
use larkspur_contract::{Behaviour, Fault};
use larkspur_store::messages::{self, Listed};
use larkspur_store::{Tx, reads};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Call;
use crate::messages::{Speaker, finding, standing};

/// The messages.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The messages' ids.
    #[schemars(length(min = 1, max = 50))]
    pub(super) message_ids: Vec<String>,
}

/// Whether a message was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Read,
    Unread,
    /// There is no such message.
    Invalid,
    /// The caller may not read it.
    NoPermission,
    /// Its kind has no such state.
    NotSupported,
}

/// What the caller has read, in the order of the ids.
pub(super) async fn states(tx: &mut Tx, call: &Call, ids: &[String]) -> Result<Vec<State>, Fault> {
    let speaker = Speaker::of(call);
    let numbers: Vec<Option<i64>> = ids.iter().map(|id| finding::number(tx, id)).collect();
    let known: Vec<i64> = numbers.iter().copied().flatten().collect();
    let found = messages::several(tx, &known).await?;
    let reader = speaker.member();
    let read = reads::among(tx, &known, reader.user_id().unwrap_or_default()).await?;
    let (mut readable, mut states) = (HashMap::new(), Vec::with_capacity(ids.len()));
    for number in numbers {
        let Some(message) = number.and_then(|number| found.get(&number)) else {
            states.push(State::Invalid);
            continue;
        };
        let from: Option<i64> = match readable.get(&message.chat_id) {
            Some(from) => *from,
            None => standing::reads_from(tx, &speaker, message.chat_id, |_| true).await?,
        };
        readable.insert(message.chat_id, from);
        let may = from.is_some_and(|from| message.created_at >= from);
        states.push(if !may || message.listed == Listed::Nowhere {
            State::NoPermission
        } else if message.recalled.is_some() || message.msg_type == MsgType::System {
            State::NotSupported
        } else if speaker.sent(message) || read.contains(&message.number) {
            State::Read
        } else {
            State::Unread
        });
    }
    Ok(states)
}

/// What counts as read.
pub(super) const STATES: Behaviour = Behaviour {
    name: "message_read_states",
    rule: "This operation has no public page. It says whether the calling user has read each message; the user's own count as read. An unknown id is invalid, a message in a chat that the user may not read no_permission, a recalled one and one of the system not_support.",
    basis: Assumed,
    switch: false,
};
