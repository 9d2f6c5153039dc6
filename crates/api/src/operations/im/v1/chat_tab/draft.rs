//! A tab as a request describes it, new or changed, and the checks on it.

use larkspur_contract::ids::TabId;
use larkspur_contract::model::TabType;
use larkspur_contract::{Fault, codes};
use larkspur_store::Tx;
use larkspur_store::tabs::{self, Tab};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TabConfig, TabContent};
use crate::operations::im::v1::image::is_own_icon;
use crate::tabs::may_show;
use crate::{Call, rules};

/// A tab as a request describes it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Draft {
    /// Its id, for an update.
    pub(super) tab_id: Option<String>,
    /// Its name.
    tab_name: Option<String>,
    /// Its type.
    pub(super) tab_type: TabType,
    /// What it opens.
    tab_content: Option<TabContent>,
    /// Appearance and behavior of a `url` tab.
    tab_config: Option<TabConfig>,
}

/// The resulting tab, and which parts of it the request set.
pub(super) struct Change {
    pub(super) tab: Tab,
    new_content: bool,
    new_icon: bool,
}

impl Draft {
    /// Only `doc` and `url` tabs can be written. Source: the create page ("other values are an error").
    pub(super) fn is_writable(&self) -> Result<(), Fault> {
        if rules::tabs::is_custom(self.tab_type) {
            return Ok(());
        }
        Err(Fault::new(codes::PARAM_INVALID, "only doc and url tabs can be written").with_violation(
            "chat_tabs[*].tab_type",
            Some(self.tab_type.as_str()),
            "options: [doc,url]",
        ))
    }

    /// The tab to add.
    pub(super) fn new_tab(&self, tab_id: TabId, position: i64) -> Change {
        let (name, target) = (String::new(), String::new());
        let blank = Tab { tab_id, tab_type: self.tab_type, name, target, config: None, position };
        Change { new_content: true, ..self.change(blank) }
    }

    /// The resulting tab. Absent fields are unchanged, except that a new type needs new content.
    pub(super) fn change(&self, present: Tab) -> Change {
        let sent = self.tab_content.as_ref().map(|content| match self.tab_type {
            TabType::Doc => content.doc.clone().unwrap_or_default(),
            _ => content.url.clone().unwrap_or_default(),
        });
        let other_type = present.tab_type != self.tab_type;
        let new_content = sent.is_some() || other_type;
        let kept = if other_type { String::new() } else { present.target };
        let config = match (&self.tab_config, self.tab_type) {
            (Some(config), TabType::Url) => Some(tabs::TabConfig {
                icon_key: config.icon_key.clone().unwrap_or_default(),
                is_built_in: config.is_built_in.unwrap_or(false),
            }),
            (None, TabType::Url) => present.config,
            _ => None,
        };
        let tab = Tab {
            tab_id: present.tab_id,
            tab_type: self.tab_type,
            name: self.tab_name.clone().unwrap_or(present.name),
            target: sent.unwrap_or(kept),
            config,
            position: present.position,
        };
        Change { tab, new_content, new_icon: self.tab_config.is_some() }
    }
}

/// Checks the resulting tabs: every name, then every content, then permissions, then icons.
pub(super) async fn check(tx: &mut Tx, call: &Call, changes: &[Change]) -> Result<(), Fault> {
    changes.iter().try_for_each(|change| rules::tabs::name_fits(&change.tab.name))?;
    changes
        .iter()
        .try_for_each(|change| rules::tabs::content_fits(change.tab.tab_type, &change.tab.target))?;
    for change in changes.iter().filter(|change| change.new_content && change.tab.tab_type == TabType::Doc) {
        may_show(tx, &call.operator(), &change.tab.target).await?;
    }
    for change in changes.iter().filter(|change| change.new_icon) {
        owns_icon(tx, call, &change.tab).await?;
    }
    Ok(())
}

async fn owns_icon(tx: &mut Tx, call: &Call, tab: &Tab) -> Result<(), Fault> {
    let Some(config) = tab.config.as_ref().filter(|config| !config.icon_key.is_empty()) else {
        return Ok(());
    };
    if is_own_icon(tx, call, &config.icon_key).await? {
        return Ok(());
    }
    Err(Fault::new(codes::NOT_IMAGE_OWNER, "the icon is not an image of type message that this app uploaded"))
}
