//! An app in the answers of the application operations.

use schemars::JsonSchema;
use serde::Serialize;

use crate::rules::scopes::Identity;

/// An app.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Application {
    /// Its id.
    pub(super) app_id: String,
    /// Who made it; empty for no one.
    pub(super) creator_id: String,
    /// 0: switched off; 1: in use; 2: not installed.
    pub(super) status: u8,
    /// 0: a custom app; 1: an app of the store.
    pub(super) scene_type: u8,
    /// 0: free.
    pub(super) payment_type: u8,
    /// Where users may be sent who have signed in; those of apps that this tenant made.
    pub(super) redirect_urls: Vec<String>,
    /// The version in use; empty for none.
    pub(super) online_version_id: String,
    /// The version under review; empty for none.
    pub(super) unaudit_version_id: String,
    /// Name.
    pub(super) app_name: String,
    /// Address of its picture.
    pub(super) avatar_url: String,
    /// Description.
    pub(super) description: String,
    /// What it may do, in the order of the names.
    pub(super) scopes: Vec<Scope>,
    /// Its page for administrators; empty for none.
    pub(super) back_home_url: String,
    /// What it says of itself, by language.
    pub(super) i18n: Vec<I18n>,
    /// Its main language.
    pub(super) primary_language: &'static str,
    /// Its categories.
    pub(super) common_categories: Vec<String>,
    /// Whose it is.
    pub(super) owner: Owner,
    /// What opens on mobile devices: `bot`; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mobile_default_ability: Option<&'static str>,
    /// What opens on computers: `bot`; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pc_default_ability: Option<&'static str>,
}

/// A scope of an app.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Scope {
    /// Its name.
    pub(super) scope: String,
    /// What it allows, in words.
    pub(super) description: String,
    /// 1: ordinary; 2: advanced; 3: super.
    pub(super) level: u8,
    /// The identities to which it was granted.
    pub(super) token_types: &'static [Identity],
}

/// What an app says of itself in a language.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct I18n {
    /// The language.
    pub(super) i18n_key: &'static str,
    /// Name.
    pub(super) name: String,
    /// Description.
    pub(super) description: String,
    /// Address of its help; empty for none.
    pub(super) help_use: String,
}

/// Whose an app is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Owner {
    /// 1: a partner; 2: a member of the tenant.
    #[serde(rename = "type")]
    pub(super) kind: u8,
    /// The member; empty for none.
    pub(super) owner_id: String,
    /// The member's name; empty for none.
    pub(super) name: String,
}
