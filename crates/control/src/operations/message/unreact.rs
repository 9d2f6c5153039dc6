use larkspur_api::messages::conditions::CONDITIONS;
use larkspur_api::messages::reacting;
use larkspur_api::messages::standing::Act;
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete, events};
use larkspur_store::Root;

use super::{As, PEOPLE, ReactionPath};
use crate::operations::CONTROL;

/// `DELETE /larkspur/v1/worlds/:tenant_key/messages/:message_id/reactions/:reaction_id`
pub(crate) struct Unreact;

impl Operation for Unreact {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.message.unreact",
        summary: "Remove a reaction from a message, as a user's client would",
        route: delete("/larkspur/v1/worlds/{tenant_key}/messages/{message_id}/reactions/{reaction_id}"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[
            codes::CONTROL_PARAM_INVALID,
            codes::CONTROL_NOT_FOUND,
            codes::REACTION_NOT_ALLOWED,
            codes::REACTION_MESSAGE_INVISIBLE,
            codes::REACTION_MESSAGE_NOT_FOUND,
            codes::REACTION_NOT_OWN,
            codes::REACTION_OF_OTHER_MESSAGE,
            codes::REACTION_ID_INVALID,
            codes::CHAT_DISSOLVED,
        ],
        recodes: &[(codes::MESSAGE_NOT_IN_CHAT, codes::REACTION_NOT_ALLOWED)],
        emits: &[&events::REACTION_DELETED],
        example: "as={user_id}",
        behaviours: &[PEOPLE, CONDITIONS, reacting::TARGETS, reacting::REMOVED, reacting::TOLD],
        ..CONTROL
    };
    type Ground = Root;
    type Path = ReactionPath;
    type Query = As;
    type Body = Empty;
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let (path, id) = (&input.path, &input.path.message_id);
        let (mut tx, _, speaker) = super::person(root, call, &path.tenant_key, &input.query.r#as).await?;
        super::lock(&mut tx, "message_id", id).await?;
        let (message, place) = reacting::target(&mut tx, &speaker, id, Act::Change).await?;
        reacting::unreact(&mut tx, &speaker, &place, &message, &path.reaction_id).await?;
        Ok(Empty {})
    }
}
