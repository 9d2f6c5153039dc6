//! Who a user is, as far as an app may know.

use larkspur_contract::scopes::{CONTACT_EMAIL, CONTACT_EMPLOYEE_ID, CONTACT_PHONE};
use larkspur_store::users::User;
use larkspur_store::{Keys, apps};
use schemars::JsonSchema;
use serde::Serialize;

/// Who a user is, as far as an app may know.
#[derive(Serialize, JsonSchema)]
pub(super) struct Person {
    /// Name.
    name: String,
    /// Name in English; the same here.
    en_name: String,
    /// Address of the picture.
    avatar_url: String,
    /// Address of the picture, 72 pixels wide.
    avatar_thumb: String,
    /// Address of the picture, 240 pixels wide.
    avatar_middle: String,
    /// Address of the picture, 640 pixels wide.
    avatar_big: String,
    /// `ou_…`
    open_id: String,
    /// `on_…`
    union_id: String,
    /// Mail address; needs `contact:user.email:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The tenant's own id; needs `contact:user.employee_id:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Telephone number; needs `contact:user.phone:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile: Option<String>,
    /// The tenant.
    tenant_key: String,
}

/// Shows a user to an app that holds what `has` says.
pub(super) fn person(
    keys: &Keys,
    install: &apps::Install,
    tenant_key: String,
    user: &User,
    has: impl Fn(&str) -> bool,
) -> Person {
    let number = user.user_no.cast_unsigned();
    let picture = crate::operations::avatar_url("");
    Person {
        name: user.name.clone(),
        en_name: user.name.clone(),
        avatar_thumb: picture.clone(),
        avatar_middle: picture.clone(),
        avatar_big: picture.clone(),
        avatar_url: picture,
        open_id: keys.open_id(number, install.app_id).to_string(),
        union_id: keys.union_id(number, install.developer).to_string(),
        email: user.email.clone().filter(|_| has(CONTACT_EMAIL)),
        user_id: has(CONTACT_EMPLOYEE_ID).then(|| user.user_id.clone()),
        mobile: user.mobile.clone().filter(|_| has(CONTACT_PHONE)),
        tenant_key,
    }
}
