//! The menu of a chat as a user sees it.

use larkspur_contract::ids::{ChatId, MenuId};
use larkspur_store::menus::{self, Placed};
use larkspur_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::Serialize;

/// An item of a menu.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Menu {
    /// Its id.
    menu_id: String,
    /// Its name in the language.
    name: String,
    /// The link that it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The items below it.
    children: Vec<Below>,
}

/// An item of a menu below another one.
#[derive(Debug, Serialize, JsonSchema)]
struct Below {
    /// Its id.
    menu_id: String,
    /// Its name in the language.
    name: String,
    /// The link that it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

pub(super) async fn menu(tx: &mut Tx, chat: ChatId, language: &str) -> Result<Vec<Menu>, StoreError> {
    let all = menus::list(tx, chat).await?;
    let name = |placed: &Placed| {
        let by_language = placed.item.i18n_names.as_ref().and_then(|names| names.in_language(language));
        by_language.unwrap_or(&placed.item.name).to_owned()
    };
    let url = |placed: &Placed| {
        let link = placed.item.link.clone()?;
        link.common_url.or(link.web_url).or(link.pc_url).or(link.ios_url).or(link.android_url)
    };
    let below = |top: MenuId| {
        let children = all.iter().filter(move |placed| placed.parent == Some(top));
        children.map(|child| Below { menu_id: child.menu_id.to_string(), name: name(child), url: url(child) })
    };
    let tops = all.iter().filter(|placed| placed.parent.is_none());
    Ok(tops
        .map(|top| Menu {
            menu_id: top.menu_id.to_string(),
            name: name(top),
            url: url(top),
            children: below(top.menu_id).collect(),
        })
        .collect())
}
