use larkspur_api::messages::conditions::CONDITIONS;
use larkspur_api::messages::standing::Act;
use larkspur_api::messages::{Shown, building, changing};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, patch};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Content, PEOPLE, Path};
use crate::operations::CONTROL;

/// `PATCH /larkspur/v1/worlds/:tenant_key/messages/:message_id`
pub(crate) struct Edit;

/// Who edits, and the new content.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The user_id of the sender.
    r#as: String,
    #[serde(flatten)]
    content: Content,
}

impl Operation for Edit {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.message.edit",
        summary: "Edit a message, as its sender at a client would",
        route: patch("/larkspur/v1/worlds/{tenant_key}/messages/{message_id}"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[
            codes::CONTROL_PARAM_INVALID,
            codes::CONTROL_NOT_FOUND,
            codes::MESSAGE_INVALID,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_WITHDRAWN,
            codes::SPEAKING_NOT_ALLOWED,
            codes::SPEAKING_DENIED,
            codes::MESSAGE_INVISIBLE,
            codes::MESSAGE_SENSITIVE,
            codes::MESSAGE_TOO_LONG,
            codes::MESSAGE_TYPE_UNSUPPORTED,
            codes::FILE_TYPE_MISMATCH,
            codes::NOT_SENDER_OF_EDITED,
            codes::EDITED_TOO_OFTEN,
            codes::EDIT_EXPIRED,
            codes::CHAT_DISSOLVED,
        ],
        emits: &[],
        example: r#"{"as":"{user_id}","text":"hello again"}"#,
        behaviours: &[PEOPLE, CONDITIONS, changing::EDITING, building::MENTIONS],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (path, body) = (&input.path, &input.body);
        let (mut tx, _, speaker) = super::person(root, call, &path.tenant_key, &body.r#as).await?;
        let (kind, content) = body.content.read()?;
        let message = super::lock(&mut tx, "message_id", &path.message_id).await?;
        let place = super::enter(&mut tx, &speaker, &message, Act::Change).await?;
        let edited = changing::edit(&mut tx, &speaker, &place, message, kind, &content).await?;
        super::show(&mut tx, edited).await
    }
}
