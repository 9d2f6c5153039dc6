use larkspur_contract::Basis::Observed;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::{Tx, apps, members};
use schemars::JsonSchema;
use serde::Serialize;

use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation};
use crate::{standing, translate};

/// `GET /im/v1/chats/:chat_id/members/bots`
pub(super) struct Bots;

/// The bots of a chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// All of them.
    items: Vec<Item>,
}

/// A bot.
#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    /// Its open_id, as the calling app sees it.
    bot_id: String,
    /// Its name.
    bot_name: String,
}

impl Operation for Bots {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_members.bots",
        summary: "List the bots of a chat",
        reference: "im-v1/chat-members/bots",
        route: get("/open-apis/im/v1/chats/{chat_id}/members/bots"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT_MEMBERS_READ]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::CHAT_ID_INVALID,
            codes::CHAT_DISSOLVED,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[SHAPE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (chat, standing) = standing::visible(tx, call, &input.path.chat_id).await?;
        standing::in_use(&chat)?;
        standing::joined(call, &standing)?;
        let bots = members::bots(tx, chat.chat_id).await?;
        let installs = apps::installs(tx, bots.iter().copied()).await?;
        let keys = &tx.engine().keys;
        let items = bots.into_iter().map(|app| Item {
            bot_id: translate::bot_id(keys, call, app),
            bot_name: installs.get(&app).map(|found| found.name.clone()).unwrap_or_default(),
        });
        Ok(Output { items: items.collect() })
    }
}

const SHAPE: Behaviour = Behaviour {
    name: "bots_of_a_chat",
    rule: "This operation has no public page. One page has all bots, including the calling one, in the order in which they joined. Refusals are those of the list of members.",
    basis: Observed,
    switch: false,
};
