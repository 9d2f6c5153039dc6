use larkspur_contract::ids::TabId;
use larkspur_contract::{
    Access, Consumes, Effect, Fault, PAGE_SPEAKS, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::Tx;
use larkspur_store::tabs::end;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tabs;
use super::draft::{self, Change, Draft};
use crate::operations::im::v1::ChatPath;
use crate::{Call, Empty, Input, Operation, standing, tabs};

/// `POST /im/v1/chats/:chat_id/chat_tabs`
pub(super) struct Create;

/// What to add.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The tabs.
    #[schemars(length(min = 1))]
    chat_tabs: Vec<Draft>,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat_tab.create",
        summary: "Add tabs to a chat",
        reference: "im-v1/chat-tab/create",
        route: post("/open-apis/im/v1/chats/{chat_id}/chat_tabs"),
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
            codes::TAB_LIMIT,
            codes::TAB_NAME_TOO_LONG,
            codes::TAB_CONTENT_ILLEGAL,
            codes::TAB_CHAT_UNSUPPORTED,
            codes::NO_DOC_PERMISSION,
            codes::NO_WIDGET_PERMISSION,
            codes::NOT_IMAGE_OWNER,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"chat_tabs":[{"tab_type":"url","tab_name":"Wiki","tab_content":{"url":"https://example.com"}}]}"#,
        behaviours: &[PAGE_SPEAKS, super::ORDER, super::MANAGE, super::SHOWN, super::DOCUMENTS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = Empty;
    type Body = Body;
    type Output = Tabs;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Tabs, Fault> {
        let drafts = &input.body.chat_tabs;
        drafts.iter().try_for_each(Draft::is_writable)?;
        let (chat, standing) = standing::lock_as_member(tx, call, &input.path.chat_id).await?;
        let present = tabs::managed(tx, &chat, &standing).await?;
        let places = drafts.iter().zip(end(&present)..);
        let new: Vec<Change> =
            places.map(|(draft, position)| draft.new_tab(TabId(tx.next_id()), position)).collect();
        draft::check(tx, call, &new).await?;
        let new = new.into_iter().map(|change| change.tab).collect();
        Ok(super::show_all(tabs::add(tx, &chat, present, new).await?))
    }
}
