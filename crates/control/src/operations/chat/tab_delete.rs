use larkspur_api::tabs::{MANAGE, may_delete};
use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::ids::TabId;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, delete};
use larkspur_store::{Root, tabs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tabs::{Board, Tabs, enter};
use crate::operations::CONTROL;
use crate::operations::message::{As, PEOPLE};
use crate::support;

/// `DELETE /larkspur/v1/worlds/:tenant_key/chats/:chat_id/tabs/:tab_id`
pub(crate) struct Delete;

/// A tab of a chat of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TabPath {
    /// The tenant.
    tenant_key: String,
    /// The chat.
    chat_id: String,
    /// The tab.
    tab_id: String,
}

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.tab_delete",
        summary: "Delete a tab of a chat, as a user's client would",
        route: delete("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/tabs/{tab_id}"),
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        codes: &[
            codes::CONTROL_PARAM_INVALID,
            codes::CONTROL_NOT_FOUND,
            codes::CHAT_DISSOLVED,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::TAB_NOT_WRITABLE_DELETE,
            codes::TAB_CHAT_UNSUPPORTED,
            codes::NO_WIDGET_PERMISSION,
        ],
        emits: &[],
        example: "as={user_id}",
        behaviours: &[PEOPLE, MANAGE],
        ..CONTROL
    };
    type Ground = Root;
    type Path = TabPath;
    type Query = As;
    type Body = Empty;
    type Output = Tabs;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Tabs, Fault> {
        let path = &input.path;
        let Board { mut tx, chat, mut present, .. } =
            enter(root, call, (&path.tenant_key, &path.chat_id), &input.query.r#as).await?;
        let found = TabId::parse(&path.tab_id).and_then(|id| present.iter().find(|tab| tab.tab_id == id));
        let Some(tab) = found else {
            return Err(support::not_found("tab_id", &path.tab_id, "no such tab in this chat"));
        };
        may_delete(tab)?;
        let id = tab.tab_id;
        tabs::delete(&mut tx, &chat, id).await?;
        present.retain(|tab| tab.tab_id != id);
        Ok(Tabs::of(present))
    }
}
