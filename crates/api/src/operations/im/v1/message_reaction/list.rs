use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::UserIdType;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates};
use larkspur_store::{Tx, reactions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ACCESS, EMOJI};
use crate::messages::reacting::{self, ShownReaction};
use crate::messages::speaker::bot_may;
use crate::messages::standing::Act;
use crate::messages::{Speaker, Viewer, conditions, finding};
use crate::operations::im::v1::message::MessagePath;
use crate::{Call, Empty, Input, Operation};
use crate::{paging, translate};

/// `GET /im/v1/messages/:message_id/reactions`
pub(super) struct List;

/// The emoji, the page, and the form of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The name of an emoji; all by default.
    reaction_type: Option<String>,
    /// Token of the page; empty for the first one.
    page_token: Option<String>,
    /// Number of reactions; 20 by default.
    #[schemars(range(min = 1, max = 50))]
    page_size: Option<i64>,
    /// The form of user ids; `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// A page of reactions.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Whether there is a next page.
    has_more: bool,
    /// The reactions.
    items: Vec<ShownReaction>,
    /// Token of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message_reaction.list",
        summary: "List the reactions to a message",
        reference: "im-v1/message-reaction/list",
        route: get("/open-apis/im/v1/messages/{message_id}/reactions"),
        access: Access::tenant_or_user(super::READ),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_DELETED,
            codes::REACTION_TYPE_INVALID,
            codes::REACTION_MESSAGE_NOT_FOUND,
            codes::REACTION_NO_ACCESS,
            codes::REACTION_PAGE_INVALID,
            codes::REACTION_AUTH_INVALID,
            codes::REACTION_ID_FORM_INVALID,
            codes::REACTION_MESSAGE_INVISIBLE,
            codes::REACTION_CHAT_NOT_FOUND,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        recodes: super::READ_RECODES,
        emits: &[],
        example: "reaction_type=SMILE&page_size=20&user_id_type=open_id",
        behaviours: &[EMOJI, ACCESS, finding::UNKNOWN, reacting::TARGETS, conditions::CONDITIONS, ORDER],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = MessagePath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let query = &input.query;
        translate::form(call, query.user_id_type, codes::REACTION_ID_FORM_INVALID)?;
        let emoji = query.reaction_type.as_deref().filter(|emoji| !emoji.is_empty());
        if let Some(emoji) = emoji {
            reacting::known(emoji, &call.settings.extra_emoji)
                .map_err(|fault| fault.about("reaction_type"))?;
        }
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let (message, _) = reacting::target(tx, &speaker, &input.path.message_id, Act::Read).await?;
        let list = format!("{} {} {} {emoji:?}", Self::SPEC.id, tx.tenant(), message.number);
        let token = query.page_token.as_deref();
        let begin = paging::read_or(&tx.engine().keys, &list, token, codes::REACTION_PAGE_INVALID)?;
        let begin = begin.as_deref().and_then(super::parse_cursor);
        let size = usize::try_from(query.page_size.unwrap_or(PAGE_DEFAULT)).unwrap_or(usize::MAX);
        let mut found = reactions::page(tx, message.number, emoji, begin, size + 1).await?;
        let has_more = found.len() > size;
        found.truncate(size);
        let next = found.last().filter(|_| has_more).map(super::write_cursor);
        let viewer = Viewer::of(call, query.user_id_type, None);
        Ok(Output {
            has_more,
            items: found.iter().map(|reaction| ShownReaction::of(tx, &viewer, reaction)).collect(),
            page_token: next.map(|place| paging::write(&tx.engine().keys, &list, &place)),
        })
    }
}

const PAGE_DEFAULT: i64 = 20;

const ORDER: Behaviour = Behaviour {
    name: "reaction_list",
    rule: "The oldest reaction comes first. page_token is left out on the last page, and is 231012 for another message or another emoji. An empty reaction_type counts as absent.",
    basis: Assumed,
    switch: false,
};
