//! A tab of a chat that is made.

use larkspur_api::rules;
use larkspur_contract::Fault;
use larkspur_contract::ids::TabId;
use larkspur_contract::model::TabType;
use larkspur_store::{LockedChat, Tx, tabs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values;

/// An initial tab, of any type but `message`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TabDraft {
    /// Its type.
    tab_type: TabType,
    /// Its name.
    #[schemars(length(max = 255))]
    tab_name: Option<String>,
    /// What it opens; `url` and `doc` tabs need it.
    #[schemars(length(max = 4096))]
    target: Option<String>,
}

/// Adds a tab at a position.
pub(crate) async fn add_tab(
    tx: &mut Tx,
    chat: &LockedChat,
    draft: &TabDraft,
    position: i64,
) -> Result<(), Fault> {
    let target = draft.target.clone().unwrap_or_default();
    if draft.tab_type == TabType::Message {
        let why = "every chat has the message tab";
        return Err(values::invalid("tabs[*].tab_type", Some("message"), why));
    }
    if rules::tabs::is_custom(draft.tab_type) && target.is_empty() {
        return Err(values::invalid("tabs[*].target", None, "url and doc tabs need a target"));
    }
    let tab = tabs::Tab {
        tab_id: TabId(tx.next_id()),
        tab_type: draft.tab_type,
        name: draft.tab_name.clone().unwrap_or_default(),
        target,
        config: None,
        position,
    };
    Ok(tabs::insert(tx, chat, &tab).await?)
}
