use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tabs;
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation, standing, tabs};

/// `POST /im/v1/chats/:chat_id/chat_tabs/sort_tabs`
pub(super) struct SortTabs;

/// The new order.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The ids of all tabs.
    tab_ids: Vec<String>,
}

impl Operation for SortTabs {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_tab.sort_tabs",
        summary: "Sort the tabs of a chat",
        reference: "im-v1/chat-tab/sort_tabs",
        route: post("/open-apis/im/v1/chats/{chat_id}/chat_tabs/sort_tabs"),
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
            codes::TAB_CHAT_UNSUPPORTED,
            codes::NO_WIDGET_PERMISSION,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"tab_ids":["7000000000000000000"]}"#,
        behaviours: &[super::ORDER, super::MANAGE, super::SHOWN, WHOLE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Body;
    type Output = Tabs;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Tabs, Fault> {
        let (chat, standing) = standing::lock_as_member(tx, call, &input.path.chat_id).await?;
        let present = tabs::managed(tx, &chat, &standing).await?;
        let sorted = tabs::reorder(tx, &chat, present, &input.body.tab_ids).await?.ok_or_else(|| {
            Fault::new(codes::PARAM_INVALID, "tab_ids is not an order of the chat's tabs").with_violation(
                "tab_ids",
                None,
                "must hold every tab once, the message tab first",
            )
        })?;
        Ok(super::show_all(sorted))
    }
}

const WHOLE: Behaviour = Behaviour {
    name: "sort_tabs_ids",
    rule: "The list must have every tab of the chat once, the message tab first; otherwise 232001.",
    basis: Assumed,
    switch: false,
};
