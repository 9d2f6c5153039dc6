use larkspur_api::messages::read;
use larkspur_api::messages::standing::Act;
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, events, put};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::Serialize;

use super::{As, PEOPLE, Path};
use crate::operations::CONTROL;

/// `PUT /larkspur/v1/worlds/:tenant_key/messages/:message_id/read`
pub(crate) struct Read;

/// What the reading changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Whether the user had not read it before. False for the user's own messages and for recalled ones, too.
    newly_read: bool,
}

impl Operation for Read {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.message.read",
        summary: "Read a message, as a user's client does when it shows it",
        route: put("/larkspur/v1/worlds/{tenant_key}/messages/{message_id}/read"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::MESSAGE_NOT_IN_CHAT],
        emits: &[&events::MESSAGE_READ],
        example: r#"{"as":"{user_id}"}"#,
        behaviours: &[PEOPLE, read::READING],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = As;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let path = &input.path;
        let (mut tx, user, speaker) = super::person(root, call, &path.tenant_key, &input.body.r#as).await?;
        let message = super::lock(&mut tx, "message_id", &path.message_id).await?;
        let place = super::enter(&mut tx, &speaker, &message, Act::Read).await?;
        let marked = read::mark(&mut tx, &user, &place.chat, &[message], speaker.now).await?;
        Ok(Output { newly_read: !marked.is_empty() })
    }
}
