//! A menu item as a request describes it.

use larkspur_contract::model::{I18nNames, MenuAction, RedirectLink};
use larkspur_store::menus::Item;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A top-level item as a request describes it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Top {
    /// Its action, which cannot be changed later.
    action_type: MenuAction,
    /// Its link, if the action is `REDIRECT_LINK`.
    redirect_link: Option<RedirectLink>,
    /// Its icon: an image of type message that the calling app uploaded.
    image_key: Option<String>,
    /// Its name.
    #[schemars(length(min = 1, max = 120))]
    name: String,
    /// Its names by language.
    i18n_names: Option<I18nNames>,
}

/// A second-level item as a request describes it. Source: the create page and the official Node SDK, where
/// type and name are optional.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Child {
    /// Its action; by default `REDIRECT_LINK` if there is a link, otherwise `NONE`.
    action_type: Option<MenuAction>,
    /// Its link, if the action is `REDIRECT_LINK`.
    redirect_link: Option<RedirectLink>,
    /// Its icon: an image of type message that the calling app uploaded.
    image_key: Option<String>,
    /// Its name.
    #[schemars(length(min = 1, max = 120))]
    name: Option<String>,
    /// Its names by language.
    i18n_names: Option<I18nNames>,
}

/// New values of an item. Only the parts that the request names are checked, so the schema does not limit the name.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Change {
    /// Its action, which is not changed.
    action_type: Option<MenuAction>,
    /// Its link, if the action is `REDIRECT_LINK`.
    redirect_link: Option<RedirectLink>,
    /// Its icon: an image of type message that the calling app uploaded.
    image_key: Option<String>,
    /// Its name, of 1 to 120 characters.
    pub(crate) name: Option<String>,
    /// Its names by language.
    i18n_names: Option<I18nNames>,
}

/// Treats an empty URL or image key as absent.
fn filled(text: &Option<String>) -> Option<String> {
    text.clone().filter(|text| !text.is_empty())
}

fn link(sent: Option<&RedirectLink>) -> Option<RedirectLink> {
    let link = sent.map(|link| RedirectLink {
        common_url: filled(&link.common_url),
        ios_url: filled(&link.ios_url),
        android_url: filled(&link.android_url),
        pc_url: filled(&link.pc_url),
        web_url: filled(&link.web_url),
    });
    link.filter(|link| *link != RedirectLink::default())
}

fn names(sent: &Option<I18nNames>) -> Option<I18nNames> {
    sent.clone().filter(|names| *names != I18nNames::default())
}

impl Top {
    /// The item.
    pub(crate) fn item(&self) -> Item {
        Item {
            action: self.action_type,
            name: self.name.clone(),
            i18n_names: names(&self.i18n_names),
            link: link(self.redirect_link.as_ref()),
            image_key: filled(&self.image_key).unwrap_or_default(),
        }
    }
}

impl Child {
    /// The item; a missing name is empty.
    pub(crate) fn item(&self) -> Item {
        let link = link(self.redirect_link.as_ref());
        let usual = if link.is_some() { MenuAction::RedirectLink } else { MenuAction::None };
        Item {
            action: self.action_type.unwrap_or(usual),
            name: self.name.clone().unwrap_or_default(),
            i18n_names: names(&self.i18n_names),
            link,
            image_key: filled(&self.image_key).unwrap_or_default(),
        }
    }
}

impl Change {
    /// The item, with the given action; a missing name is empty.
    pub(crate) fn item(&self, action: MenuAction) -> Item {
        Item {
            action,
            name: self.name.clone().unwrap_or_default(),
            i18n_names: names(&self.i18n_names),
            link: link(self.redirect_link.as_ref()),
            image_key: filled(&self.image_key).unwrap_or_default(),
        }
    }
}
