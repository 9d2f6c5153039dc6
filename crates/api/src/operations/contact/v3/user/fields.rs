//! A user in the answers of the contact operations.

use larkspur_contract::profile::CustomAttr;
use schemars::JsonSchema;
use serde::Serialize;

use super::Status;

/// A user, as far as the caller may know. The members stand in the order of the alphabet, as live answers have them.
///
/// Each needs one of the scopes that it names; `BROAD` is `contact:contact:access_as_app`, `contact:contact:readonly` or
/// `contact:contact:readonly_as_app`. What the caller may not know is absent; what was never set is an empty text, 0 or
/// false, but for what says that it is absent then. Source: the page; what unset members look like was seen live.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct UserInfo {
    /// Pictures; `contact:user.base:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) avatar: Option<Avatar>,
    /// Key of the picture; as `avatar`, in `users/batch` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) avatar_key: Option<String>,
    /// City; `contact:user.employee:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) city: Option<String>,
    /// Country or region; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<String>,
    /// Fields of the tenant's own; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) custom_attrs: Option<Vec<CustomAttr>>,
    /// The departments; `contact:user.department:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) department_ids: Option<[&'static str; 1]>,
    /// What the user says of himself or herself; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    /// Dotted-line leaders; `contact:user.dotted_line_leader_info.read`. Absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dotted_line_leader_user_ids: Option<Vec<String>>,
    /// Mail address; `contact:user.email:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    /// Number of the employee; `contact:user.employee_number:read`, `contact:user.employee:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) employee_no: Option<String>,
    /// Kind of employment, 1 (regular) unless set; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) employee_type: Option<i64>,
    /// Name in English; as `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) en_name: Option<String>,
    /// Mail address at the tenant's own mail service; as `city`. Absent if it was never set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) enterprise_email: Option<String>,
    /// 0 secret, 1 male, 2 female, 3 other; `contact:user.gender:readonly` or BROAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gender: Option<i64>,
    /// Suspended; as `status`, in `users/batch` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_frozen: Option<bool>,
    /// Super administrator of the tenant; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_tenant_manager: Option<bool>,
    /// Title of the job; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job_title: Option<String>,
    /// When the user joined, in seconds since 1970; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) join_time: Option<i64>,
    /// The leader; as `department_ids`. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) leader_user_id: Option<String>,
    /// Telephone number; `contact:user.phone:readonly`.
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
    /// The user's place in the departments; as `department_ids`.
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
    /// Place of work; as `city`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) work_station: Option<String>,
}

/// Addresses of a picture in several sizes.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Avatar {
    pub(super) avatar_240: String,
    pub(super) avatar_640: String,
    pub(super) avatar_72: String,
    pub(super) avatar_origin: String,
}

/// A user's place in a department.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Order {
    /// The department.
    pub(super) department_id: &'static str,
    /// The place of the department among those of the user.
    pub(super) department_order: i64,
    /// The place of the user among those of the department.
    pub(super) user_order: i64,
}
