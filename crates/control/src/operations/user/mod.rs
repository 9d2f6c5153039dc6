//! Users of a world.

use larkspur_contract::Fault;
use larkspur_contract::model::UserStatus;
use larkspur_contract::profile::Profile;
use larkspur_store::users::User;
use larkspur_store::{Tx, apps, directory};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{support, values};

pub(crate) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod token;
pub(crate) mod update;

/// A user of a world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The tenant.
    tenant_key: String,
    /// The user.
    user_id: String,
}

/// A user.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// The tenant's own id.
    user_id: String,
    /// The `on_…` that the apps of this world see.
    union_id: String,
    /// Name.
    name: String,
    /// State of the account.
    status: UserStatus,
    /// Email address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile: Option<String>,
    #[serde(flatten)]
    profile: Profile,
    /// The user's ids as seen by each app of the world.
    apps: Vec<Seen>,
}

/// A user as seen by one app.
#[derive(Debug, Serialize, JsonSchema)]
struct Seen {
    /// The app.
    app_id: String,
    /// `ou_…`
    open_id: String,
    /// `on_…`; for an ISV app, the one of its developer.
    union_id: String,
}

/// The apps of the world, as far as ids of users depend on them.
async fn installs(tx: &mut Tx) -> Result<Vec<apps::Install>, Fault> {
    let mut found = Vec::new();
    for app_id in apps::installed(tx).await? {
        found.extend(apps::stored_install(tx, app_id).await?);
    }
    Ok(found)
}

/// The profile of a user.
async fn profile(tx: &mut Tx, user_id: &str) -> Result<Profile, Fault> {
    Ok(directory::profiles(tx, [user_id]).await?.remove(user_id).unwrap_or_default())
}

/// Writes the profile of a user. Users whom the request names must exist in the world, and leaders must differ from
/// the user. Users named before may have been deleted.
async fn set_profile(tx: &mut Tx, user: &User, asked: &Profile, now: &Profile) -> Result<(), Fault> {
    let leader = Vec::from_iter(asked.leader_user_id.clone().filter(|id| !id.is_empty()));
    let dotted = asked.dotted_line_leader_user_ids.clone().unwrap_or_default();
    for (field, ids) in [("leader_user_id", leader), ("dotted_line_leader_user_ids[*]", dotted)] {
        if ids.contains(&user.user_id) {
            return Err(values::invalid(
                field,
                Some(&user.user_id),
                "a user cannot be the user's own leader",
            ));
        }
        support::known_users(tx, field, &ids).await?;
    }
    let named: Vec<String> = asked.named().map(str::to_owned).collect();
    support::known_users(tx, "custom_attrs[*].value.generic_user.id", &named).await?;
    Ok(directory::set_profile(tx, &user.user_id, now).await?)
}

fn show(tx: &Tx, installs: &[apps::Install], user: &User, profile: Profile) -> Shown {
    let (keys, number) = (&tx.engine().keys, user.user_no.cast_unsigned());
    let seen = |install: &apps::Install| Seen {
        app_id: install.app_id.to_string(),
        open_id: keys.open_id(number, install.app_id).to_string(),
        union_id: keys.union_id(number, install.developer).to_string(),
    };
    Shown {
        user_id: user.user_id.clone(),
        union_id: keys.union_id(number, tx.tenant()).to_string(),
        name: user.name.clone(),
        status: user.status,
        email: user.email.clone(),
        mobile: user.mobile.clone(),
        profile,
        apps: installs.iter().map(seen).collect(),
    }
}
