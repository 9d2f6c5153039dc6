use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, get};
use larkspur_store::Root;

use super::{Path, Shown};
use crate::operations::CONTROL;
use crate::support;

/// `GET /larkspur/v1/worlds/:tenant_key/chats/:chat_id`
pub(crate) struct Get;

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.get",
        summary: "Get a chat with everything that belongs to it",
        route: get("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}"),
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (mut tx, _) = support::open(root, call, &input.path.tenant_key).await?;
        let chat = support::chat(&mut tx, &input.path.chat_id).await?;
        super::show(&mut tx, chat).await
    }
}
