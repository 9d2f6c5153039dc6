use larkspur_api::messages::conditions::CONDITIONS;
use larkspur_api::messages::reacting::{self, ShownReaction};
use larkspur_api::messages::standing::Act;
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, events, post};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PEOPLE, Path};
use crate::operations::CONTROL;

/// `POST /larkspur/v1/worlds/:tenant_key/messages/:message_id/reactions`
pub(crate) struct React;

/// Who reacts, and how.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The user_id of the user who reacts.
    r#as: String,
    /// The name of the emoji; case matters.
    emoji_type: String,
}

impl Operation for React {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.message.react",
        summary: "Add a reaction to a message, as a user's client would",
        route: post("/larkspur/v1/worlds/{tenant_key}/messages/{message_id}/reactions"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[
            codes::CONTROL_PARAM_INVALID,
            codes::CONTROL_NOT_FOUND,
            codes::REACTION_TYPE_INVALID,
            codes::REACTION_NOT_ALLOWED,
            codes::REACTION_MESSAGE_INVISIBLE,
            codes::REACTION_MESSAGE_NOT_FOUND,
            codes::REACTION_TYPE_UNSUPPORTED,
            codes::CHAT_DISSOLVED,
        ],
        recodes: &[(codes::MESSAGE_NOT_IN_CHAT, codes::REACTION_NOT_ALLOWED)],
        emits: &[&events::REACTION_CREATED],
        example: r#"{"as":"{user_id}","emoji_type":"SMILE"}"#,
        behaviours: &[PEOPLE, CONDITIONS, reacting::TARGETS, reacting::REPEATED, reacting::TOLD],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = ShownReaction;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<ShownReaction, Fault> {
        let (path, body) = (&input.path, &input.body);
        let (mut tx, _, speaker) = super::person(root, call, &path.tenant_key, &body.r#as).await?;
        if let Err(fault) = reacting::known(&body.emoji_type, &call.settings.extra_emoji) {
            let why = "no emoji has this name";
            return Err(fault.with_violations(Vec::new()).with_violation(
                "emoji_type",
                Some(&body.emoji_type),
                why,
            ));
        }
        let id = &path.message_id;
        super::lock(&mut tx, "message_id", id).await?;
        let (message, place) = reacting::target(&mut tx, &speaker, id, Act::Send).await?;
        let reaction = reacting::react(&mut tx, &speaker, &place, &message, &body.emoji_type).await?;
        Ok(ShownReaction::of(&tx, &super::viewer(&tx), &reaction))
    }
}
