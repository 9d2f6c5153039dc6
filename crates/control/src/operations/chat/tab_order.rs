use larkspur_api::tabs::{self, MANAGE};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, patch};
use larkspur_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Path;
use super::tabs::{Board, Tabs, enter};
use crate::operations::CONTROL;
use crate::operations::message::PEOPLE;
use crate::values;

/// `PATCH /larkspur/v1/worlds/:tenant_key/chats/:chat_id/tabs`
pub(crate) struct Order;

/// Who sorts them how.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The user_id of the user who sorts them: a member.
    r#as: String,
    /// The ids of all tabs of the chat, the message tab first.
    tab_ids: Vec<String>,
}

impl Operation for Order {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.tab_order",
        summary: "Sort the tabs of a chat, as a user's client would",
        route: patch("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/tabs"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[
            codes::CONTROL_PARAM_INVALID,
            codes::CONTROL_NOT_FOUND,
            codes::CHAT_DISSOLVED,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::TAB_CHAT_UNSUPPORTED,
            codes::NO_WIDGET_PERMISSION,
        ],
        emits: &[],
        example: r#"{"as":"{user_id}","tab_ids":["7000000000000000000"]}"#,
        behaviours: &[PEOPLE, MANAGE],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Tabs;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Tabs, Fault> {
        let (path, body) = (&input.path, &input.body);
        let Board { mut tx, chat, present, .. } =
            enter(root, call, (&path.tenant_key, &path.chat_id), &body.r#as).await?;
        let sorted = tabs::reorder(&mut tx, &chat, present, &body.tab_ids).await?.ok_or_else(|| {
            values::invalid("tab_ids", None, "must hold every tab once, the message tab first")
        })?;
        Ok(Tabs::of(sorted))
    }
}
