use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::TabId;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, delete, rates, scopes,
};
use larkspur_store::Tx;
use larkspur_store::tabs as stored;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tabs;
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation, standing, tabs};

/// `DELETE /im/v1/chats/:chat_id/chat_tabs/delete_tabs`
pub(super) struct DeleteTabs;

/// The tabs.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Their ids.
    #[schemars(length(min = 1))]
    tab_ids: Vec<String>,
}

impl Operation for DeleteTabs {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_tab.delete_tabs",
        summary: "Delete tabs of a chat",
        reference: "im-v1/chat-tab/delete_tabs",
        route: delete("/open-apis/im/v1/chats/{chat_id}/chat_tabs/delete_tabs"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_TABS_WRITE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("ok"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::CHAT_ID_INVALID,
            codes::CHAT_DISSOLVED,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::NOT_VISIBLE,
            codes::BOT_NOT_ACTIVATED,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
            codes::TAB_NOT_WRITABLE_DELETE,
            codes::TAB_CHAT_UNSUPPORTED,
            codes::NO_WIDGET_PERMISSION,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"tab_ids":["7000000000000000000"]}"#,
        behaviours: &[super::ORDER, super::MANAGE, super::SHOWN, WHICH],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Body;
    type Output = Tabs;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Tabs, Fault> {
        let (chat, standing) = standing::lock_as_member(tx, call, &input.path.chat_id).await?;
        let mut present = tabs::managed(tx, &chat, &standing).await?;
        for id in &input.body.tab_ids {
            tabs::may_delete(super::find(&present, id, "tab_ids[*]")?)?;
        }
        for id in input.body.tab_ids.iter().filter_map(|id| TabId::parse(id)) {
            stored::delete(tx, &chat, id).await?;
            present.retain(|tab| tab.tab_id != id);
        }
        Ok(super::show_all(present))
    }
}

const WHICH: Behaviour = Behaviour {
    name: "delete_tabs_ids",
    rule: "An unknown id, or an empty list, is 232001 and nothing is deleted. A repeated id counts once.",
    basis: Assumed,
    switch: false,
};
