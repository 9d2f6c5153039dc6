use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_store::Tx;

use super::Tabs;
use crate::operations::im::v1::ChatPath;
use crate::rules;
use crate::standing;
use crate::{Call, Empty, Input, Operation};

/// `GET /im/v1/chats/:chat_id/chat_tabs/list_tabs`
pub(super) struct ListTabs;

impl Operation for ListTabs {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_tab.list_tabs",
        summary: "List the tabs of a chat",
        reference: "im-v1/chat-tab/list_tabs",
        route: get("/open-apis/im/v1/chats/{chat_id}/chat_tabs/list_tabs"),
        access: Access::tenant_or_user(&[
            scopes::IM_CHAT,
            scopes::IM_CHAT_TABS_READ,
            scopes::IM_CHAT_READONLY,
        ])
        .with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
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
        ],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[super::SHOWN, DISSOLVED, standing::EXTERNAL],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Empty;
    type Output = Tabs;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Tabs, Fault> {
        let (chat, _) = standing::member_of(tx, call, &input.path.chat_id).await?;
        rules::tabs::mode_has_tabs(&chat)?;
        Ok(super::all(tx, chat.chat_id).await?)
    }
}

const DISSOLVED: Behaviour = Behaviour {
    name: "list_tabs_dissolved",
    rule: "A dissolved chat is 232009, as on the other tab pages, although this page does not list it.",
    basis: Assumed,
    switch: false,
};
