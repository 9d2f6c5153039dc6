use larkspur_api::events::chat::LISTENERS;
use larkspur_api::messages::changing;
use larkspur_api::messages::conditions::CONDITIONS;
use larkspur_api::messages::standing::Act;
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete, events};
use larkspur_store::Root;

use super::{As, PEOPLE, Path};
use crate::operations::CONTROL;

/// `DELETE /larkspur/v1/worlds/:tenant_key/messages/:message_id`
pub(crate) struct Recall;

impl Operation for Recall {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.message.recall",
        summary: "Recall a message, as a user's client would",
        route: delete("/larkspur/v1/worlds/{tenant_key}/messages/{message_id}"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[
            codes::CONTROL_PARAM_INVALID,
            codes::CONTROL_NOT_FOUND,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_INVISIBLE,
            codes::RECALL_EXPIRED,
            codes::RECALL_NOT_ALLOWED,
            codes::MESSAGE_TYPE_UNSUPPORTED,
            codes::MESSAGE_DELETED,
            codes::CHAT_DISSOLVED,
        ],
        emits: &[&events::MESSAGE_RECALLED],
        example: "as={user_id}",
        behaviours: &[PEOPLE, CONDITIONS, changing::RECALLING, changing::WITHDRAWN, LISTENERS],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = As;
    type Body = Empty;
    type Output = Empty;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Empty, Fault> {
        let path = &input.path;
        let (mut tx, _, speaker) = super::person(root, call, &path.tenant_key, &input.query.r#as).await?;
        let message = super::lock(&mut tx, "message_id", &path.message_id).await?;
        let place = super::enter(&mut tx, &speaker, &message, Act::Change).await?;
        changing::recall(&mut tx, &speaker, &place, &message).await?;
        Ok(Empty {})
    }
}
