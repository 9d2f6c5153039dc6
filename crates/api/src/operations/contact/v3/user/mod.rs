//! `contact/v3/users`

use std::collections::HashSet;

use larkspur_contract::model::UserStatus;
use larkspur_contract::{Basis, Behaviour};
use larkspur_store::users::User;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Entry, entry};

mod basic_batch;
mod batch;
mod batch_get_id;
mod fields;
mod find_by_department;
mod get;
mod list;
mod page;
mod shown;

pub(super) use page::{Range, members};

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<batch_get_id::BatchGetId>(),
    entry::<batch::Batch>(),
    entry::<basic_batch::BasicBatch>(),
    entry::<find_by_department::FindByDepartment>(),
    entry::<list::List>(),
    entry::<get::Get>(),
];

/// The root department, in either form of id. Source: the pages.
pub(super) const ROOT: &str = "0";

/// The form of department ids.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DepartmentIdType {
    /// The id that the tenant chose.
    DepartmentId,
    /// `od-…`, the default.
    OpenDepartmentId,
}

/// State of an account.
#[derive(Debug, Serialize, JsonSchema)]
struct Status {
    /// Has signed in at least once.
    is_activated: bool,
    /// Left the tenant voluntarily; always false.
    is_exited: bool,
    /// Suspended.
    is_frozen: bool,
    /// Left the tenant.
    is_resigned: bool,
    /// Invited and not yet joined; always false.
    is_unjoin: bool,
}

impl Status {
    fn of(user: &User) -> Self {
        Status {
            is_activated: user.status != UserStatus::Resigned,
            is_exited: false,
            is_frozen: user.status == UserStatus::Frozen,
            is_resigned: user.status == UserStatus::Resigned,
            is_unjoin: false,
        }
    }
}

/// Removes duplicate ids and keeps the order of their first appearance.
fn once(ids: &[String]) -> Vec<&str> {
    let mut seen = HashSet::new();
    ids.iter().map(String::as_str).filter(|id| seen.insert(*id)).collect()
}

pub(super) const RANGE: Behaviour = Behaviour {
    name: "contact_range",
    rule: "The contact range of an app is the users who see it; if all users see it, the range is the whole tenant. For user tokens, the range is always the whole tenant. Reading a user outside the range is 41050; lists omit such users.",
    basis: Basis::Assumed,
    switch: false,
};
pub(super) const DEPARTMENTS: Behaviour = Behaviour {
    name: "contact_departments",
    rule: "There is one department, the root, with id 0; all users are direct members of it. Any other id is 40004, and so is the root if the app's range is not the whole tenant.",
    basis: Basis::Assumed,
    switch: false,
};
pub(super) const RESIGNED: Behaviour = Behaviour {
    name: "contact_lists_resigned",
    rule: "Lists omit resigned users; reads by id return them with is_resigned true.",
    basis: Basis::Assumed,
    switch: false,
};
const UNSET: Behaviour = Behaviour {
    name: "contact_unset_fields",
    rule: "An unset field that the caller may see is an empty text, 0, false or an empty list; employee_type is 1, and nickname, enterprise_email and the leaders are absent. custom_attrs is an empty list, as in newer answers. geo, positions, job level and family, assigned licenses, department_path, time_zone, idp_type and notification_option are never set.",
    basis: Basis::Observed,
    switch: false,
};
