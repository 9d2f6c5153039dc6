use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::TabId;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, delete, rates, scopes,
};
use larkspur_store::{Tx, tabs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tabs;
use crate::operations::im::v1::ChatPath;
use crate::rules;
use crate::standing;
use crate::{Call, Empty, Input, Operation};

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
        rules::tabs::mode_has_tabs(&chat)?;
        rules::widgets::may_manage(&chat, &standing)?;
        let mut present = tabs::list(tx, chat.chat_id).await?;
        for id in &input.body.tab_ids {
            let tab = super::find(&present, id, "tab_ids[*]")?;
            if !rules::tabs::is_custom(tab.tab_type) {
                return Err(Fault::new(codes::TAB_NOT_WRITABLE_DELETE, "a built-in tab cannot be deleted"));
            }
        }
        for id in input.body.tab_ids.iter().filter_map(|id| TabId::parse(id)) {
            tabs::delete(tx, &chat, id).await?;
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
