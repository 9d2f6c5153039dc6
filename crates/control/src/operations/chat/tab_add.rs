use larkspur_api::tabs::{DOCUMENTS, MANAGE, add, may_show};
use larkspur_api::{Empty, Input, Operation, RootCall, rules};
use larkspur_contract::ids::TabId;
use larkspur_contract::model::TabType;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::{Root, tabs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Path;
use super::tabs::{Board, Tabs, enter};
use crate::operations::CONTROL;
use crate::operations::message::PEOPLE;
use crate::values;

/// `POST /larkspur/v1/worlds/:tenant_key/chats/:chat_id/tabs`
pub(crate) struct Add;

/// Who adds what.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The user_id of the user who adds it: a member.
    r#as: String,
    /// `url` or `doc`; `url` by default.
    #[schemars(extend("default" = "url"))]
    tab_type: Option<TabType>,
    /// Its name: at most 60 characters; none by default.
    tab_name: Option<String>,
    /// What it opens: a URL, of a document for a `doc` tab.
    target: String,
}

impl Operation for Add {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.chat.tab_add",
        summary: "Add a tab to a chat, as a user's client would; it is the last one",
        route: post("/larkspur/v1/worlds/{tenant_key}/chats/{chat_id}/tabs"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[
            codes::CONTROL_PARAM_INVALID,
            codes::CONTROL_NOT_FOUND,
            codes::CHAT_DISSOLVED,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::TAB_LIMIT,
            codes::TAB_NAME_TOO_LONG,
            codes::TAB_CONTENT_ILLEGAL,
            codes::TAB_CHAT_UNSUPPORTED,
            codes::NO_DOC_PERMISSION,
            codes::NO_WIDGET_PERMISSION,
        ],
        emits: &[],
        example: r#"{"as":"{user_id}","tab_name":"Wiki","target":"https://example.com"}"#,
        behaviours: &[PEOPLE, MANAGE, DOCUMENTS],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Tabs;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Tabs, Fault> {
        let (path, body) = (&input.path, &input.body);
        let tab_type = body.tab_type.unwrap_or(TabType::Url);
        if !rules::tabs::is_custom(tab_type) {
            return Err(values::invalid("tab_type", Some(tab_type.as_str()), "options: [doc,url]"));
        }
        let Board { mut tx, chat, who, present } =
            enter(root, call, (&path.tenant_key, &path.chat_id), &body.r#as).await?;
        let tab = tabs::Tab {
            tab_id: TabId(tx.next_id()),
            tab_type,
            name: body.tab_name.clone().unwrap_or_default(),
            target: body.target.clone(),
            config: None,
            position: tabs::end(&present),
        };
        rules::tabs::name_fits(&tab.name)?;
        rules::tabs::content_fits(tab_type, &tab.target)?;
        if tab_type == TabType::Doc {
            may_show(&mut tx, &who, &tab.target).await?;
        }
        Ok(Tabs::of(add(&mut tx, &chat, present, vec![tab]).await?))
    }
}
