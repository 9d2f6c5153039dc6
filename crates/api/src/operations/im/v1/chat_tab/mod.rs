//! `im/v1/chats/:chat_id/chat_tabs`

use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::ids::{ChatId, TabId};
use larkspur_contract::model::TabType;
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::{StoreError, Tx, tabs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Entry, entry};

mod create;
mod delete_tabs;
mod draft;
mod list_tabs;
mod sort_tabs;
mod update_tabs;

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<create::Create>(),
    entry::<update_tabs::UpdateTabs>(),
    entry::<delete_tabs::DeleteTabs>(),
    entry::<sort_tabs::SortTabs>(),
    entry::<list_tabs::ListTabs>(),
];

/// What a tab opens. Only the member of the tab's own type counts.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct TabContent {
    /// Of a `url` tab: an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Of a `doc` tab: the document's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    doc: Option<String>,
    /// Of a `meeting_minute` tab; read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    meeting_minute: Option<String>,
    /// Of a `task` tab; read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<String>,
}

/// How a `url` tab looks and opens.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct TabConfig {
    /// An image of type message that the calling app uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    icon_key: Option<String>,
    /// Whether it opens inside the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_built_in: Option<bool>,
}

/// A tab, as answers show it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Tab {
    /// Its id.
    tab_id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    tab_name: Option<String>,
    /// Its type.
    tab_type: TabType,
    /// What it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    tab_content: Option<TabContent>,
    /// How it looks and opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    tab_config: Option<TabConfig>,
}

/// The tabs of a chat.
#[derive(Debug, Serialize, JsonSchema)]
struct Tabs {
    /// All of them, in their order.
    chat_tabs: Vec<Tab>,
}

/// The tabs of a chat as answers show them.
async fn all(tx: &mut Tx, chat: ChatId) -> Result<Tabs, StoreError> {
    Ok(show_all(tabs::list(tx, chat).await?))
}

/// Tabs in their order, as answers show them.
fn show_all(tabs: Vec<tabs::Tab>) -> Tabs {
    Tabs { chat_tabs: tabs.into_iter().map(show).collect() }
}

/// The tab of a chat that an id of a request names, which stands in `field`.
fn find<'a>(present: &'a [tabs::Tab], id: &str, field: &str) -> Result<&'a tabs::Tab, Fault> {
    let tab = TabId::parse(id).and_then(|id| present.iter().find(|tab| tab.tab_id == id));
    tab.ok_or_else(|| {
        Fault::new(codes::PARAM_INVALID, "the chat has no such tab").with_violation(
            field,
            Some(id),
            "no such tab",
        )
    })
}

fn show(tab: tabs::Tab) -> Tab {
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let content = filled(tab.target).and_then(|target| match tab.tab_type {
        TabType::Url => Some(TabContent { url: Some(target), ..TabContent::default() }),
        TabType::Doc => Some(TabContent { doc: Some(target), ..TabContent::default() }),
        TabType::MeetingMinute => Some(TabContent { meeting_minute: Some(target), ..TabContent::default() }),
        TabType::Task => Some(TabContent { task: Some(target), ..TabContent::default() }),
        _ => None,
    });
    Tab {
        tab_id: tab.tab_id.to_string(),
        tab_name: filled(tab.name),
        tab_type: tab.tab_type,
        tab_content: content,
        tab_config: tab.config.map(|config| TabConfig {
            icon_key: filled(config.icon_key),
            is_built_in: Some(config.is_built_in),
        }),
    }
}

const ORDER: Behaviour = Behaviour {
    name: "tab_check_order",
    rule: "Checked in this order: fields and types, chat, bot and app, tenant, external, dissolved, member, chat_mode, right to manage, names, contents, document rights, icons, count. Nothing is written unless all pass.",
    basis: Assumed,
    switch: false,
};
const MANAGE: Behaviour = Behaviour {
    name: "manage_widgets",
    rule: "Who may manage tabs is a chat setting that only clients change, here the control API; with only_owner, owner and managers may, and the others are 232055. It does not apply to p2p chats.",
    basis: Documented,
    switch: false,
};
const SHOWN: Behaviour = Behaviour {
    name: "tab_fields_shown",
    rule: "An empty tab_name, an empty tab_content and an absent tab_config are left out of answers; new tabs stand at the end, in the order of the request.",
    basis: Assumed,
    switch: false,
};
const DOCUMENTS: Behaviour = Behaviour {
    name: "tab_document_right",
    rule: "A doc tab needs an address of a known document kind (else 232048) whose document the operator owns or works with, in person or through a chat (else 232051, also for unknown documents).",
    basis: Assumed,
    switch: false,
};
