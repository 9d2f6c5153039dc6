use larkspur_api::events::{Party, chat_disbanded};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::Basis::Documented;
use larkspur_contract::model::{ChatMode, ChatStatus};
use larkspur_contract::{Behaviour, Consumes, Effect, Fault, Spec, codes, events, post};
use larkspur_store::Root;
use larkspur_store::chats::{self, Chat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Path, Shown};
use crate::operations::CONTROL;
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/chats/:chat_id/dissolve`
pub(crate) struct Dissolve;

/// Who dissolves the chat, and how.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The user_id of the user who dissolves it: a member.
    r#as: String,
    /// Whether the members keep the history; false by default.
    #[schemars(extend("default" = false))]
    keep_history: Option<bool>,
}

impl Operation for Dissolve {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.dissolve",
        summary: "Dissolve a group, as a user's client would",
        route: post("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/dissolve"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::CHAT_DISBANDED],
        example: r#"{"as":"{user_id}","keep_history":true}"#,
        behaviours: &[HISTORY],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let id = &input.path.chat_id;
        let chat = support::lock_chat(&mut tx, id).await?;
        let actor = support::actor_in(&mut tx, &chat, &input.body.r#as).await?;
        if chat.mode == ChatMode::P2p {
            return Err(values::invalid("chat_id", Some(id), "a p2p chat cannot be dissolved"));
        }
        if chat.status != ChatStatus::Normal {
            return Err(values::invalid("chat_id", Some(id), "the chat is already dissolved"));
        }
        let kept = input.body.keep_history.unwrap_or(false);
        let status = if kept { ChatStatus::DissolvedSave } else { ChatStatus::Dissolved };
        let dissolved = Chat { status, ..Chat::clone(&chat) };
        chats::update(&mut tx, &chat, &dissolved).await?;
        if !kept {
            chat_disbanded::emit(&mut tx, &chat, &Party::from(&actor), now).await?;
        }
        super::show(&mut tx, dissolved).await
    }
}

const HISTORY: Behaviour = Behaviour {
    name: "event_dissolved_with_history",
    rule: "With keep_history no app receives an event, and the status is dissolved_save. Whether the user may dissolve the chat is not checked.",
    basis: Documented,
    switch: false,
};
