use larkspur_api::events::{Party, bot_p2p_chat_entered};
use larkspur_api::{Empty, Input, Operation, RootCall, p2p};
use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, events, post};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{CONTROL, WorldPath};
use crate::support;

/// `POST /larkspur/v1/worlds/:tenant_key/p2p`
pub(crate) struct Open;

/// The user and the bot.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The user_id of the user who opens it.
    r#as: String,
    /// The app of the bot.
    app_id: String,
}

/// The chat.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Its ID.
    chat_id: String,
}

impl Operation for Open {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.p2p.open",
        summary: "Open the chat of a user and a bot, as the user's client would; create it on first use",
        route: post("/larkspur/v1/worlds/{tenant_key}/p2p"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::P2P_CHAT_CREATE, &events::BOT_P2P_CHAT_ENTERED],
        example: r#"{"as":"{user_id}","app_id":"{app_id}"}"#,
        behaviours: &[ENTERED, CREATED],
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let body = &input.body;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let user = support::actor(&mut tx, &body.r#as).await?;
        let bot = support::bot_for(&mut tx, &body.app_id, &user).await?;
        let operator = Party::from(&user);
        let chat_id = p2p::open(&mut tx, &user, bot, &operator, now).await?;
        bot_p2p_chat_entered::emit(&mut tx, bot, chat_id, &operator, now).await?;
        Ok(Output { chat_id: chat_id.to_string() })
    }
}

const ENTERED: Behaviour = Behaviour {
    name: "event_p2p_entered",
    rule: "A custom app receives an event each time the chat is opened, whatever scopes it has. The limit of 300 per second is not applied.",
    basis: Observed,
    switch: false,
};
const CREATED: Behaviour = Behaviour {
    name: "event_p2p_created",
    rule: "The event of the creation is sent before that of the opening. It has the user_id for custom apps only, with or without the scope. No creation is sent for a chat that the control API made as a fixture.",
    basis: Assumed,
    switch: false,
};
