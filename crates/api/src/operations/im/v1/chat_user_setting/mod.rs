//! `im/v1/chat_user_setting`: a user's settings in chats

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

/// A chat that is skipped.
#[derive(Debug, Serialize, JsonSchema)]
struct Invalid {
    /// Its id, as in the request.
    id: String,
    /// Why.
    msg: &'static str,
}

impl Invalid {
    /// A chat that the user is not in, or that does not exist.
    fn stranger(id: &str) -> Invalid {
        Invalid { id: id.to_owned(), msg: "not_a_member" }
    }

    /// A dissolved chat.
    fn dissolved(id: &str) -> Invalid {
        Invalid { id: id.to_owned(), msg: "chat_dissolved" }
    }
}

/// The ids without duplicates, in the order of their first appearance, each with the chat id if it is well-formed.
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
    rule: "These operations have no public page: requests and answers are those of the official command line client, which expects invalid ids as invalid_id_list in queries, and as invalid_ids in updates.",
    basis: Observed,
    switch: false,
};
const IDS: Behaviour = Behaviour {
    name: "user_setting_ids",
    rule: "For a chat that does not exist, or that the user is not in, msg is not_a_member; for an update in a dissolved chat, chat_dissolved. Each chat counts once; of two settings for one chat, the later one applies. Muting is not activity in the chat, and ends when the user leaves it.",
    basis: Assumed,
    switch: false,
};
