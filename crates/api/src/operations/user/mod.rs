//! `contact/v3/users`

use larkspur_contract::model::UserStatus;
use larkspur_contract::{Basis, Behaviour};
use larkspur_store::users::User;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Entry, entry};

mod batch_get_id;
mod get;

pub(super) static ENTRIES: &[Entry] = &[entry::<batch_get_id::BatchGetId>(), entry::<get::Get>()];

/// State of an account.
#[derive(Debug, Serialize, JsonSchema)]
struct Status {
    /// Suspended.
    is_frozen: bool,
    /// Left the tenant.
    is_resigned: bool,
    /// Has signed in once.
    is_activated: bool,
    /// Left the tenant of its own accord; nobody does.
    is_exited: bool,
    /// Was invited and has not joined; nobody is.
    is_unjoin: bool,
}

impl Status {
    fn of(user: &User) -> Self {
        Status {
            is_frozen: user.status == UserStatus::Frozen,
            is_resigned: user.status == UserStatus::Resigned,
            is_activated: user.status != UserStatus::Resigned,
            is_exited: false,
            is_unjoin: false,
        }
    }
}

const RANGE: Behaviour = Behaviour {
    name: "contact_range",
    rule: "An app reads of those users who see the app; a user reads of everybody in the tenant.",
    basis: Basis::Assumed,
    switch: false,
};
