//! `im/v1/chats/:chat_id/chat_tabs`

use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::{ChatId, TabId};
use larkspur_contract::model::TabType;
use larkspur_contract::{Behaviour, Fault, codes};
use larkspur_store::{StoreError, Tx, tabs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tabs::{DOCUMENTS, MANAGE};
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

/// What a tab opens. Only the member for the tab's type is used.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct TabContent {
    /// Of a `url` tab: a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Of a `doc` tab: the document's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    doc: Option<String>,
    /// Of a `meeting_minute` tab; read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    meeting_minute: Option<String>,
    /// Of a `task` tab; read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<String>,
}

/// Appearance and behavior of a `url` tab.
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
    /// Appearance and behavior.
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

/// The tab of a chat with an id that the request has in `field`.
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
    rule: "Order of checks: fields and types, chat, bot and app, tenant, external, dissolved, member, chat_mode, right to manage, names, contents, document rights, icons, count. Nothing is written unless all pass.",
    basis: Assumed,
    switch: false,
};
const SHOWN: Behaviour = Behaviour {
    name: "tab_fields_shown",
    rule: "Answers omit an empty tab_name, an empty tab_content and an absent tab_config. New tabs are added at the end, in the order of the request.",
    basis: Assumed,
    switch: false,
};
