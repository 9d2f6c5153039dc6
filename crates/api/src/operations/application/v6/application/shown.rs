//! An app in the answers of the application operations.

use schemars::JsonSchema;
use serde::Serialize;

use super::subscriptions::Subscriptions;
use crate::rules::scopes::Identity;

/// An app.
// It has no `Debug`, so that its secrets do not get into a log.
#[derive(Serialize, JsonSchema)]
pub(super) struct Application {
    /// Its id.
    pub(super) app_id: String,
    /// Who created it; empty if unknown.
    pub(super) creator_id: String,
    /// 0: disabled; 1: in use; 2: not installed.
    pub(super) status: u8,
    /// 0: a custom app; 1: a store app.
    pub(super) scene_type: u8,
    /// 0: free.
    pub(super) payment_type: u8,
    /// The redirect URLs; only of apps that this tenant created.
    pub(super) redirect_urls: Vec<String>,
    /// The version in use; empty for none.
    pub(super) online_version_id: String,
    /// The version under review; empty for none.
    pub(super) unaudit_version_id: String,
    /// Name.
    pub(super) app_name: String,
    /// URL of its picture.
    pub(super) avatar_url: String,
    /// Description.
    pub(super) description: String,
    /// Its scopes, in the order of their names.
    pub(super) scopes: Vec<Scope>,
    /// Its page for administrators; empty for none.
    pub(super) back_home_url: String,
    /// Its texts, by language.
    pub(super) i18n: Vec<I18n>,
    /// Its main language.
    pub(super) primary_language: &'static str,
    /// Its categories.
    pub(super) common_categories: Vec<String>,
    /// Its owner.
    pub(super) owner: Owner,
    #[serde(flatten)]
    pub(super) subscriptions: Subscriptions,
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
    /// Description.
    pub(super) description: String,
    /// 1: ordinary; 2: advanced; 3: super.
    pub(super) level: u8,
    /// The identities that it was granted to.
    pub(super) token_types: &'static [Identity],
}

/// The texts of an app in one language.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct I18n {
    /// The language.
    pub(super) i18n_key: &'static str,
    /// Name.
    pub(super) name: String,
    /// Description.
    pub(super) description: String,
    /// URL of its help; empty for none.
    pub(super) help_use: String,
}

/// The owner of an app.
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
