//! `im/v1/chat_user_setting`: what a user sets for itself in chats

use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::Behaviour;
use larkspur_contract::ids::ChatId;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Entry, entry};

mod batch_get_mute_status;
mod batch_query;
mod batch_update;

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<batch_get_mute_status::BatchGetMuteStatus>(),
    entry::<batch_query::BatchQuery>(),
    entry::<batch_update::BatchUpdate>(),
];

/// A chat that is not looked at.
#[derive(Debug, Serialize, JsonSchema)]
struct Invalid {
    /// Its id, as in the request.
    id: String,
    /// Why.
    msg: &'static str,
}

impl Invalid {
    /// A chat that the user is not in, or that there is not.
    fn stranger(id: &str) -> Invalid {
        Invalid { id: id.to_owned(), msg: "not_a_member" }
    }

    /// A chat that takes no more calls.
    fn dissolved(id: &str) -> Invalid {
        Invalid { id: id.to_owned(), msg: "chat_dissolved" }
    }
}

/// Ids, each once, in the order of their first appearance, and what they name if they are well-formed.
fn distinct<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<(&'a str, Option<ChatId>)> {
    let mut distinct: Vec<(&str, Option<ChatId>)> = Vec::new();
    for id in ids {
        if !distinct.iter().any(|(known, _)| known == id) {
            distinct.push((id, ChatId::parse(id)));
        }
    }
    distinct
}

const SHAPE: Behaviour = Behaviour {
    name: "user_setting_shape",
    rule: "These operations have no public page: requests and answers are those of the official command line client, which reads bad ids as invalid_id_list where it asks, and as invalid_ids where it sets.",
    basis: Observed,
    switch: false,
};
const IDS: Behaviour = Behaviour {
    name: "user_setting_ids",
    rule: "Of a chat that there is not, or that the user is not in, msg is not_a_member; of a dissolved one that is to be set, chat_dissolved. Each chat counts once; of two settings of one chat, the later one counts. Muting is no activity of the chat, and ends with the membership.",
    basis: Assumed,
    switch: false,
};
