//! `application/v6/applications`

use larkspur_contract::{Basis, Behaviour};

use crate::{Entry, entry};

mod get;
mod shown;
mod subscriptions;

pub(crate) static ENTRIES: &[Entry] = &[entry::<get::Get>()];

pub(super) const IDENTITIES: Behaviour = Behaviour {
    name: "app_scope_identities",
    rule: "A scope of an app is granted to both identities, tenant and user, and listed once for each; offline_access is granted to users only.",
    basis: Basis::Observed,
    switch: false,
};
