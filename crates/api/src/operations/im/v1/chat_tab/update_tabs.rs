use larkspur_contract::Basis::Assumed;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::{Tx, tabs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tabs;
use super::draft::{self, Draft};
use crate::operations::im::v1::ChatPath;
use crate::rules;
use crate::standing;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/chats/:chat_id/chat_tabs/update_tabs`
pub(super) struct UpdateTabs;

/// What to change.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The tabs.
    #[serde(default)]
    chat_tabs: Vec<Draft>,
}

impl Operation for UpdateTabs {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_tab.update_tabs",
        summary: "Update tabs of a chat",
        reference: "im-v1/chat-tab/update_tabs",
        route: post("/open-apis/im/v1/chats/{chat_id}/chat_tabs/update_tabs"),
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
            codes::TAB_NAME_TOO_LONG,
            codes::TAB_CONTENT_ILLEGAL,
            codes::TAB_NOT_WRITABLE_UPDATE,
            codes::TAB_CHAT_UNSUPPORTED,
            codes::NO_DOC_PERMISSION,
            codes::NO_WIDGET_PERMISSION,
            codes::NOT_IMAGE_OWNER,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"chat_tabs":[{"tab_id":"7000000000000000000","tab_type":"url","tab_name":"Wiki"}]}"#,
        behaviours: &[super::ORDER, super::MANAGE, super::SHOWN, CHANGES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Body;
    type Output = Tabs;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Tabs, Fault> {
        let (chat, standing) = standing::lock_as_member(tx, call, &input.path.chat_id).await?;
        let mut present = crate::tabs::managed(tx, &chat, &standing).await?;
        let mut changes = Vec::with_capacity(input.body.chat_tabs.len());
        for draft in &input.body.chat_tabs {
            let asked = draft.tab_id.as_deref().unwrap_or_default();
            let tab = super::find(&present, asked, "chat_tabs[*].tab_id")?.clone();
            if !rules::tabs::is_custom(tab.tab_type) {
                return Err(Fault::new(codes::TAB_NOT_WRITABLE_UPDATE, "a built-in tab cannot be changed"));
            }
            draft.is_writable()?;
            let change = draft.change(tab);
            // A repeated tab is changed several times, in order.
            present
                .iter_mut()
                .filter(|tab| tab.tab_id == change.tab.tab_id)
                .for_each(|tab| *tab = change.tab.clone());
            changes.push(change);
        }
        draft::check(tx, call, &changes).await?;
        for change in &changes {
            tabs::update(tx, &chat, &change.tab).await?;
        }
        Ok(super::show_all(present))
    }
}

const CHANGES: Behaviour = Behaviour {
    name: "update_tabs_changes",
    rule: "An item without tab_id, or with an unknown one, is 232001. Absent fields are unchanged. A doc tab can become a url tab, and vice versa, if new content is sent. An empty list changes nothing. Either all items are applied or none.",
    basis: Assumed,
    switch: false,
};
