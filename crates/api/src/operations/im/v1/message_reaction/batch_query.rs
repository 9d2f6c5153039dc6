use std::collections::HashMap;

use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::UserIdType;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates};
use larkspur_store::Tx;
use larkspur_store::messages::{self, Listed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EMOJI;
use super::answers::{Asking, Failed, Output, Reason};
use crate::messages::reacting;
use crate::messages::speaker::bot_may;
use crate::messages::{Speaker, Viewer, finding, invalid, standing};
use crate::translate;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/messages/reactions/batch_query`
pub(super) struct BatchQuery;

/// The form of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of user ids; `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// The messages.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The messages, each with the page that is asked for.
    #[schemars(length(min = 1, max = 20))]
    queries: Vec<Asked>,
    /// Number of reactions of each message; 10 by default.
    #[schemars(range(min = 1, max = 10))]
    page_size_per_message: Option<i64>,
    /// The name of an emoji; all by default.
    reaction_type: Option<String>,
}

/// A page of the reactions to a message.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Asked {
    /// The message.
    message_id: Option<String>,
    /// Token of the page; empty for the first one.
    page_token: Option<String>,
}

impl Operation for BatchQuery {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message_reaction.batch_query",
        summary: "List the reactions to several messages",
        reference: "im-v1/message-reaction/batch_query",
        route: post("/open-apis/im/v1/messages/reactions/batch_query"),
        access: Access::tenant_or_user(super::READ),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::MESSAGE_INVALID, codes::MESSAGE_BOT_NOT_ACTIVATED],
        recodes: &[],
        emits: &[],
        example: r#"{"queries":[{"message_id":"{message_id}"}],"page_size_per_message":10}"#,
        behaviours: &[EMOJI, ANSWERS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (body, form) = (&input.body, input.query.user_id_type);
        translate::form(call, form, codes::FIELD_VALIDATION)?;
        let emoji = body.reaction_type.as_deref().filter(|emoji| !emoji.is_empty());
        if let Some(emoji) = emoji {
            let known = reacting::known(emoji, &call.settings.extra_emoji);
            known.map_err(|_| {
                let violated = "invalid reaction_type";
                invalid(violated).with_violation("reaction_type", Some(emoji), violated)
            })?;
        }
        bot_may(call)?;
        let size = usize::try_from(body.page_size_per_message.unwrap_or(PAGE_DEFAULT)).unwrap_or(1);
        let asking = Asking { emoji, size, viewer: Viewer::of(call, form, None) };
        let numbers: Vec<Option<i64>> =
            body.queries.iter().map(|one| finding::number(tx, one.id())).collect();
        let known: Vec<i64> = numbers.iter().copied().flatten().collect();
        let found = messages::several(tx, &known).await?;
        let (mut readable, mut output) = (HashMap::new(), Output::default());
        for (asked, number) in body.queries.iter().zip(numbers) {
            let message = number.and_then(|number| found.get(&number));
            let reason = match message.filter(|message| message.recalled.is_none()) {
                None => Some(Reason::Invalid),
                Some(message) => {
                    let from: Option<i64> = match readable.get(&message.chat_id) {
                        Some(from) => *from,
                        None => {
                            standing::reads_from(tx, &Speaker::of(call), message.chat_id, |_| true).await?
                        }
                    };
                    readable.insert(message.chat_id, from);
                    let may = from.is_some_and(|from| message.created_at >= from);
                    if may && message.listed != Listed::Nowhere {
                        let token = asked.page_token.as_deref();
                        asking.add(tx, asked.id(), token, message.number, &mut output).await?
                    } else {
                        Some(Reason::NoPermission)
                    }
                }
            };
            let failed = reason.map(|fail_reason| Failed { fail_reason, message_id: asked.id().to_owned() });
            output.fail_msg_reaction_details.extend(failed);
        }
        Ok(output)
    }
}

impl Asked {
    fn id(&self) -> &str {
        self.message_id.as_deref().unwrap_or_default()
    }
}

const PAGE_DEFAULT: i64 = 10;

const ANSWERS: Behaviour = Behaviour {
    name: "reaction_batch",
    rule: "Each query has its own answer, in the order of the request. An unknown, recalled or missing message is invalid; one in a chat that the operator may not read is no_permission. The oldest reaction comes first. reaction_type limits reactions and counts; an unknown emoji is 230001. Counts are in the order of the names of emoji.",
    basis: Assumed,
    switch: false,
};
