//! A user's profile, as far as an app may see it.

use larkspur_contract::Fault;
use larkspur_contract::profile::Profile;
use larkspur_contract::scopes::{CONTACT_EMAIL, CONTACT_EMPLOYEE, CONTACT_EMPLOYEE_ID, CONTACT_PHONE};
use larkspur_store::users::User;
use larkspur_store::{Tx, apps, directory};
use schemars::JsonSchema;
use serde::Serialize;

use crate::rules::images::avatar_sized;

/// A user's profile, as far as the app may see it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UserProfile {
    /// Name.
    name: String,
    /// English name; the name if there is none.
    en_name: String,
    /// URL of the picture.
    avatar_url: String,
    /// URL of the picture, 72 pixels wide.
    avatar_thumb: String,
    /// URL of the picture, 240 pixels wide.
    avatar_middle: String,
    /// URL of the picture, 640 pixels wide.
    avatar_big: String,
    /// `ou_…`
    open_id: String,
    /// `on_…`
    union_id: String,
    /// Email address; needs `contact:user.email:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Email address at the tenant's own mail service; needs `contact:user.employee:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    enterprise_email: Option<String>,
    /// The tenant's own id; needs `contact:user.employee_id:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Phone number; needs `contact:user.phone:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile: Option<String>,
    /// The tenant.
    tenant_key: String,
}

impl UserProfile {
    /// The profile of a user for an app; `has` says which scopes it holds.
    pub(crate) fn of(
        tx: &Tx,
        install: &apps::Install,
        user: &User,
        known: &Profile,
        has: impl Fn(&str) -> bool,
    ) -> UserProfile {
        let (keys, number) = (&tx.engine().keys, user.user_no.cast_unsigned());
        let picture = |size| avatar_sized(known.avatar_key.as_deref().unwrap_or_default(), size);
        UserProfile {
            name: user.name.clone(),
            en_name: known.en_name.clone().unwrap_or_else(|| user.name.clone()),
            avatar_thumb: picture("72x72"),
            avatar_middle: picture("240x240"),
            avatar_big: picture("640x640"),
            avatar_url: picture("72x72"),
            open_id: keys.open_id(number, install.app_id).to_string(),
            union_id: keys.union_id(number, install.developer).to_string(),
            email: user.email.clone().filter(|_| has(CONTACT_EMAIL)),
            enterprise_email: known.enterprise_email.clone().filter(|_| has(CONTACT_EMPLOYEE)),
            user_id: has(CONTACT_EMPLOYEE_ID).then(|| user.user_id.clone()),
            mobile: user.mobile.clone().filter(|_| has(CONTACT_PHONE)),
            tenant_key: tx.tenant().to_string(),
        }
    }
}

/// The stored profile of a user.
pub(crate) async fn known(tx: &mut Tx, user: &User) -> Result<Profile, Fault> {
    let found = directory::profiles(tx, [user.user_id.as_str()]).await?.remove(&user.user_id);
    Ok(found.unwrap_or_default())
}
