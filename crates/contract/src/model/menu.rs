//! The menu of a chat.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// What a menu item of a chat does.
    MenuAction {
        /// Nothing itself: it opens its children, if it has any.
        None = "NONE",
        /// Opens a link.
        RedirectLink = "REDIRECT_LINK",
    }
    /// A part of a menu item that can be changed.
    MenuField {
        /// The icon.
        Icon = "ICON",
        /// The name.
        Name = "NAME",
        /// The names by language.
        I18nName = "I18N_NAME",
        /// The link.
        RedirectLink = "REDIRECT_LINK",
    }
}

/// The link of a menu item. A platform without its own URL uses the common one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RedirectLink {
    /// For every platform without its own URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_url: Option<String>,
    /// For iOS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ios_url: Option<String>,
    /// For Android.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub android_url: Option<String>,
    /// For desktops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pc_url: Option<String>,
    /// For browsers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_url: Option<String>,
}
