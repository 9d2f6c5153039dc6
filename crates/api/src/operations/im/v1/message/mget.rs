use std::collections::HashMap;

use larkspur_contract::Basis::Observed;
use larkspur_contract::model::{CardContentType, UserIdType};
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::chats::Chat;
use larkspur_store::{Tx, messages};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Items;
use crate::messages::speaker::bot_may;
use crate::messages::standing;
use crate::messages::{Speaker, Viewer, changing, conditions, finding, shown};
use crate::rules::card;
use crate::translate;
use crate::{Call, Empty, Input, Operation};

/// `GET /im/v1/messages/mget`
pub(super) struct Mget;

/// The messages, and the form of ids and of cards.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The messages' ids, repeated or joined by commas.
    #[schemars(length(min = 1, max = 50))]
    message_ids: Vec<String>,
    /// The form of user ids; `open_id` by default.
    user_id_type: Option<UserIdType>,
    /// The form of cards; simplified by default.
    card_msg_content_type: Option<CardContentType>,
    /// Whether senders have their names.
    with_sender_name: Option<bool>,
}

impl Operation for Mget {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message.mget",
        summary: "Get several messages",
        reference: "im-v1/message/mget",
        route: get("/open-apis/im/v1/messages/mget"),
        access: Access::tenant_or_user(&[scopes::IM_MESSAGE, scopes::IM_MESSAGE_READONLY]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::MESSAGE_BOT_NOT_ACTIVATED],
        recodes: &[],
        emits: &[],
        example: "message_ids={message_id}",
        behaviours: &[
            conditions::CONDITIONS,
            SKIPS,
            standing::READING,
            changing::WITHDRAWN,
            shown::OBJECT,
            shown::POSITIONS,
            card::SHOWN,
        ],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Empty;
    type Output = Items;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Items, Fault> {
        let query = &input.query;
        translate::form(call, query.user_id_type, codes::FIELD_VALIDATION)?;
        bot_may(call)?;
        let numbers: Vec<i64> =
            query.message_ids.iter().filter_map(|message_id| finding::number(tx, message_id)).collect();
        let mut found = messages::several(tx, &numbers).await?;
        let (mut readable, mut items) = (HashMap::new(), Vec::with_capacity(found.len()));
        for number in numbers {
            let Some(message) = found.remove(&number).filter(|message| message.upper == 0) else { continue };
            let chat_id = message.chat_id;
            let from: Option<i64> = match readable.get(&chat_id) {
                Some(from) => *from,
                None => {
                    let may = |chat: &Chat| standing::may_read(call, chat).is_ok();
                    standing::reads_from(tx, &Speaker::of(call), chat_id, may).await?
                }
            };
            readable.insert(chat_id, from);
            if from.is_some_and(|from| message.created_at >= from) {
                items.push(message);
            }
        }
        let viewer = Viewer::of(call, query.user_id_type, query.card_msg_content_type);
        let viewer = viewer.with_names(query.with_sender_name == Some(true));
        Ok(Items { items: shown::show_all(tx, &viewer, items).await? })
    }
}

const SKIPS: Behaviour = Behaviour {
    name: "messages_skipped",
    rule: "This operation has no public page. Messages come in the order of the request, each once; ids that are unknown, or that the caller may not read, are skipped.",
    basis: Observed,
    switch: false,
};
