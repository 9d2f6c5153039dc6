//! What the store is told of the long connections of this process.

use std::collections::HashMap;

use larkspur_contract::ids::{AppId, TenantKey};
use serde::Serialize;

use super::{About, LongConnections};

/// The connections of an app, for the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Details {
    pub(super) tenant: TenantKey,
    pub(super) count: usize,
    /// [`Told`] of each, as a JSON list.
    pub(super) text: String,
}

/// What the store is told of a connection.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    about: &'a About,
    /// How many events and callbacks were sent and not acknowledged yet.
    pending: usize,
}

impl LongConnections {
    /// The connected apps, with what is known of their connections.
    pub(super) fn details(&self) -> HashMap<AppId, Details> {
        let state = self.state();
        let each = state.apps.iter().map(|(app_id, app)| {
            let told = app.open.iter().map(|connection| Told {
                about: &connection.about,
                pending: connection.waiting().as_ref().map_or(0, HashMap::len),
            });
            let all: Vec<Told<'_>> = told.collect();
            // A list of strings and numbers always serializes.
            let text = serde_json::to_string(&all).unwrap_or_default();
            (*app_id, Details { tenant: app.tenant, count: app.open.len(), text })
        });
        each.collect()
    }
}
