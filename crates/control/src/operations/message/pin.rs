use larkspur_api::messages::conditions::CONDITIONS;
use larkspur_api::messages::pinning::{self, ShownPin};
use larkspur_api::messages::standing::Act;
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::Root;

use super::{As, PEOPLE, Path};
use crate::operations::CONTROL;

/// `PUT /larkspur/v1/worlds/:tenant_key/messages/:message_id/pin`
pub(crate) struct Pin;

impl Operation for Pin {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.message.pin",
        summary: "Pin a message, as a user's client would",
        route: put("/larkspur/v1/worlds/{tenant_key}/messages/{message_id}/pin"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[
            codes::CONTROL_PARAM_INVALID,
            codes::CONTROL_NOT_FOUND,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_WITHDRAWN,
            codes::MESSAGE_INVISIBLE,
            codes::MESSAGE_SELF_DESTRUCTS,
            codes::PIN_NOT_ALLOWED,
            codes::MESSAGE_TYPE_UNSUPPORTED,
            codes::CHAT_DISSOLVED,
        ],
        emits: &[],
        example: r#"{"as":"{user_id}"}"#,
        behaviours: &[PEOPLE, CONDITIONS, pinning::PINNING],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = As;
    type Output = ShownPin;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<ShownPin, Fault> {
        let path = &input.path;
        let (mut tx, _, speaker) = super::person(root, call, &path.tenant_key, &input.body.r#as).await?;
        let message = super::lock(&mut tx, "message_id", &path.message_id).await?;
        let place = super::enter(&mut tx, &speaker, &message, Act::Change).await?;
        let pin = pinning::pin(&mut tx, &speaker, &place, &message).await?;
        Ok(ShownPin::of(&tx, &super::viewer(&tx), &pin))
    }
}
