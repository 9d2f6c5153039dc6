use larkspur_api::tabs::MANAGE;
use larkspur_api::{Empty, Input, Operation, RootCall, rules};
use larkspur_contract::ids::TabId;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, patch};
use larkspur_store::{Root, tabs};
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
        let Board { mut tx, chat, mut present, .. } =
            enter(root, call, (&path.tenant_key, &path.chat_id), &body.r#as).await?;
        let asked: Option<Vec<TabId>> = body.tab_ids.iter().map(|id| TabId::parse(id)).collect();
        let order = asked.filter(|asked| rules::tabs::is_order(&present, asked)).ok_or_else(|| {
            values::invalid("tab_ids", None, "must hold every tab once, the message tab first")
        })?;
        for (position, id) in order.iter().enumerate() {
            tabs::place(&mut tx, &chat, *id, position).await?;
        }
        present.sort_by_key(|tab| order.iter().position(|id| *id == tab.tab_id));
        Ok(Tabs::of(present))
    }
}
