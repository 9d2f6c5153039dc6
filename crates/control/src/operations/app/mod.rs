//! Apps of a world: created in it, or installed from another world.

use larkspur_api::translate;
use larkspur_contract::Fault;
use larkspur_contract::model::{AppKind, InstallStatus};
use larkspur_store::{Tx, apps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::about::About;
use crate::{support, values};

mod about;
pub(super) mod callback;
pub(super) mod connections;
pub(crate) mod create;
pub(super) mod deliveries;
pub(crate) mod events;
pub(super) mod get;
pub(super) mod grants;
pub(super) mod install;
pub(super) mod ledger;
pub(super) mod list;
pub(super) mod menu_click;
pub(super) mod secret;
pub(super) mod sign_in;
pub(super) mod token;
pub(crate) mod update;

/// An app of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The tenant.
    tenant_key: String,
    /// The app.
    app_id: String,
}

/// Settings of an installation. Absent fields are unchanged.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Settings {
    /// Whether the world uses it; initially `enabled`.
    status: Option<InstallStatus>,
    /// Whether it has a bot; initially true.
    bot: Option<bool>,
    /// Whether its bot may be in external chats; initially false.
    external_sharing: Option<bool>,
    /// Its scopes; initially all of them.
    #[schemars(transform = values::scope_list)]
    scopes: Option<Vec<String>>,
    /// The user_ids of the users who see it; initially all users.
    visible_to: Option<Vec<String>>,
    /// Whether all users see it (again). Cannot be combined with `visible_to`.
    visible_to_all: Option<bool>,
    #[serde(flatten)]
    about: About,
}

impl Settings {
    /// Merges these settings over the present ones.
    async fn over(&self, tx: &mut Tx, old: apps::InstallSettings) -> Result<apps::InstallSettings, Fault> {
        let scopes = match &self.scopes {
            Some(scopes) => values::scopes(scopes),
            None => old.scopes,
        };
        let visible_to = match (&self.visible_to, self.visible_to_all) {
            (None, None) => old.visible_to,
            (None, Some(true)) => None,
            (Some(ids), None | Some(false)) => {
                support::known_users(tx, "visible_to[*]", ids).await?;
                Some(ids.clone())
            }
            (_, _) => {
                let why = "either true, or a list in visible_to";
                return Err(values::invalid("visible_to_all", None, why));
            }
        };
        Ok(apps::InstallSettings {
            status: self.status.unwrap_or(old.status),
            bot: self.bot.unwrap_or(old.bot),
            external_sharing: self.external_sharing.unwrap_or(old.external_sharing),
            scopes,
            visible_to,
        })
    }
}

/// The default settings of an installation.
fn defaults() -> apps::InstallSettings {
    apps::InstallSettings {
        status: InstallStatus::Enabled,
        bot: true,
        external_sharing: false,
        scopes: apps::Scopes::new(larkspur_contract::scopes::ALL.iter().copied()),
        visible_to: None,
    }
}

/// The present settings of an installation.
async fn present(tx: &mut Tx, install: &apps::Install) -> Result<apps::InstallSettings, Fault> {
    let visible_to = match install.visible_to_all {
        true => None,
        false => Some(apps::visible_users(tx, install.app_id).await?),
    };
    Ok(apps::InstallSettings {
        status: install.status,
        bot: install.bot,
        external_sharing: install.external_sharing,
        scopes: install.scopes.clone(),
        visible_to,
    })
}

/// An app as installed in a world.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct App {
    /// Its id.
    app_id: String,
    /// Its name, which is also the name of its bot.
    name: String,
    /// `custom` or `isv`.
    kind: AppKind,
    /// The tenant that created it.
    developer: String,
    /// The open_id of its bot, as seen by the app itself.
    bot_open_id: String,
    /// Whether the world uses it.
    status: InstallStatus,
    /// Whether it has a bot.
    bot: bool,
    /// Whether its bot may be in external chats.
    external_sharing: bool,
    /// Its scopes.
    scopes: Vec<String>,
    /// The user_ids of the users who see it; absent if all users do.
    #[serde(skip_serializing_if = "Option::is_none")]
    visible_to: Option<Vec<String>>,
    #[serde(flatten)]
    about: About,
}

fn show(tx: &Tx, install: &apps::Install, settings: apps::InstallSettings, about: About) -> App {
    App {
        app_id: install.app_id.to_string(),
        name: install.name.clone(),
        kind: install.kind,
        developer: install.developer.to_string(),
        bot_open_id: translate::bot_open_id(&tx.engine().keys, install.app_id).to_string(),
        status: settings.status,
        bot: settings.bot,
        external_sharing: settings.external_sharing,
        scopes: settings.scopes.iter().map(str::to_owned).collect(),
        visible_to: settings.visible_to,
        about,
    }
}
