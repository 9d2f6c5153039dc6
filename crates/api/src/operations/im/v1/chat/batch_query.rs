use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::ids::ChatId;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::{Tx, listing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::items::{self, Item};
use super::{IdType, peers};
use crate::{Call, Empty, Input, Operation};
use crate::{standing, translate};

/// `POST /im/v1/chats/batch_query`
pub(super) struct BatchQuery;

/// The chats.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Their ids.
    #[schemars(length(min = 1, max = 50))]
    chat_ids: Vec<String>,
}

/// The chats that were found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The chats.
    items: Vec<Item>,
}

impl Operation for BatchQuery {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat.batch_query",
        summary: "Get chats that the operator is in",
        reference: "im-v1/chat/batch_query",
        route: post("/open-apis/im/v1/chats/batch_query"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT_READ]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::BOT_NOT_ACTIVATED, codes::APP_UNAVAILABLE],
        recodes: &[],
        emits: &[],
        example: r#"{"chat_ids":["{chat_id}"]}"#,
        behaviours: &[SHAPE, FOUND],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = IdType;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        standing::app_may(call)?;
        let form = translate::form(call, input.query.user_id_type, codes::FIELD_VALIDATION)?;
        let mut ids: Vec<ChatId> = Vec::with_capacity(input.body.chat_ids.len());
        for id in input.body.chat_ids.iter().filter_map(|id| ChatId::parse(id)) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let mine = listing::joined(tx, &ids, &call.operator()).await?;
        ids.retain(|id| mine.contains_key(id));
        let mut items = items::show(tx, call, &ids, form).await?;
        peers::tell(tx, call, form, &mut items, peers::Name::Empty).await?;
        Ok(Output { items })
    }
}

const SHAPE: Behaviour = Behaviour {
    name: "chat_batch_shape",
    rule: "This operation has no public page: request and answer are those of the vendor's plugin and command line client. The name of a p2p chat is empty, and p2p_target_id is the other party.",
    basis: Observed,
    switch: false,
};
const FOUND: Behaviour = Behaviour {
    name: "chat_batch_found",
    rule: "In the order of the request, each chat once. Ids that are malformed, unknown or of another tenant, and chats that the operator is not in, are omitted without an error. Dissolved and external chats are included.",
    basis: Assumed,
    switch: false,
};
