//! A user in the answers of the contact operations.

use larkspur_contract::profile::CustomAttr;
use schemars::JsonSchema;
use serde::Serialize;

use super::Status;

/// A user, with the fields that the caller may see. The members are in alphabetical order, as in live answers.
///
/// Each field needs one of the scopes that it names; `BROAD` is `contact:contact:access_as_app`,
/// `contact:contact:readonly` or `contact:contact:readonly_as_app`. Fields that the caller may not see are absent.
/// Unset fields are an empty text, 0 or false, unless they are described as absent. Source: the page; the form of unset
/// fields was seen live.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct UserInfo {
    /// Pictures; `contact:user.base:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) avatar: Option<Avatar>,
    /// Image key of the avatar; as `avatar`, only in `users/batch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) avatar_key: Option<String>,
    /// City; `contact:user.employee:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) city: Option<String>,
    /// Country or region; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<String>,
    /// Custom fields of the tenant; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) custom_attrs: Option<Vec<CustomAttr>>,
    /// The departments; `contact:user.department:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) department_ids: Option<[&'static str; 1]>,
    /// Self-description; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    /// Dotted-line leaders; `contact:user.dotted_line_leader_info.read`. Absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dotted_line_leader_user_ids: Option<Vec<String>>,
    /// Email address; `contact:user.email:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    /// Employee number; `contact:user.employee_number:read`, `contact:user.employee:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) employee_no: Option<String>,
    /// Employee type, 1 (regular) unless set; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) employee_type: Option<i64>,
    /// English name; as `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) en_name: Option<String>,
    /// Email address at the tenant's own mail service; as `city`. Absent if it was never set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) enterprise_email: Option<String>,
    /// 0 secret, 1 male, 2 female, 3 other; `contact:user.gender:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gender: Option<i64>,
    /// Suspended; as `status`, only in `users/batch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_frozen: Option<bool>,
    /// Super administrator of the tenant; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_tenant_manager: Option<bool>,
    /// Job title; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job_title: Option<String>,
    /// Join date, in seconds since 1970; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) join_time: Option<i64>,
    /// The leader; as `department_ids`. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) leader_user_id: Option<String>,
    /// Phone number; `contact:user.phone:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mobile: Option<String>,
    /// Whether colleagues see the number.
    pub(super) mobile_visible: bool,
    /// Name; `contact:user.base:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Nickname; as `name`. Absent if it was never set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nickname: Option<String>,
    /// `ou_…`
    pub(super) open_id: String,
    /// The user's positions in departments; as `department_ids`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) orders: Option<[Order; 1]>,
    /// State of the account; `contact:user.employee:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<Status>,
    /// `on_…`
    pub(super) union_id: String,
    /// The tenant's own id; `contact:user.employee_id:readonly`, and not for ISV apps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<String>,
    /// Work location; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) work_station: Option<String>,
}

/// URLs of a picture in several sizes.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Avatar {
    pub(super) avatar_240: String,
    pub(super) avatar_640: String,
    pub(super) avatar_72: String,
    pub(super) avatar_origin: String,
}

/// A user's position in a department.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Order {
    /// The department.
    pub(super) department_id: &'static str,
    /// The rank of the department among those of the user.
    pub(super) department_order: i64,
    /// The rank of the user among those of the department.
    pub(super) user_order: i64,
}
