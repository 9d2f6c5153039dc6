//! A menu item as a request describes it.

use larkspur_contract::model::{I18nNames, MenuAction, RedirectLink};
use larkspur_store::menus::Item;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A menu item as a request describes it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Draft {
    /// What it does; never changes.
    action_type: MenuAction,
    /// Where it leads, if it is of type `REDIRECT_LINK`.
    redirect_link: Option<RedirectLink>,
    /// Its icon: an image of type message that the calling app uploaded.
    image_key: Option<String>,
    /// Its name.
    #[schemars(length(min = 1, max = 120))]
    name: String,
    /// Its names by language.
    i18n_names: Option<I18nNames>,
}

impl Draft {
    /// The item. Empty texts where an address or an image would stand count as absent.
    pub(super) fn item(&self) -> Item {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let link = self.redirect_link.as_ref().map(|link| RedirectLink {
            common_url: filled(&link.common_url),
            ios_url: filled(&link.ios_url),
            android_url: filled(&link.android_url),
            pc_url: filled(&link.pc_url),
            web_url: filled(&link.web_url),
        });
        Item {
            action: self.action_type,
            name: self.name.clone(),
            i18n_names: self.i18n_names.clone().filter(|names| *names != I18nNames::default()),
            link: link.filter(|link| *link != RedirectLink::default()),
            image_key: self.image_key.clone().unwrap_or_default(),
        }
    }
}
