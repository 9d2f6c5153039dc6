//! Worlds: tenants with their clocks.

use std::sync::Arc;

use larkspur_api::RootCall;
use larkspur_store::tenants::Tenant;
use schemars::JsonSchema;
use serde::Serialize;

use crate::traffic::Traffic;

pub(crate) mod clock;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod limits;
pub(super) mod list;
pub(super) mod reset;
pub(super) mod seed;
pub(crate) mod settings;
pub(super) mod snapshots;

/// A world.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct World {
    /// Its tenant.
    tenant_key: String,
    /// Its name.
    name: String,
    /// How far its clock is ahead of the real time, in milliseconds.
    clock_offset_ms: i64,
    /// Its time, in milliseconds since 1970.
    now_ms: i64,
}

/// A world with what is told of its age and use.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Used {
    #[serde(flatten)]
    world: World,
    /// When it was created, in milliseconds since 1970 in real time.
    created_at_ms: i64,
    /// How many of its calls the answering server has recorded since its start.
    calls: u64,
}

impl Used {
    fn of(world: &Tenant, created_at_ms: i64, call: &RootCall) -> Self {
        let traffic: Option<Arc<dyn Traffic>> = call.services.get();
        Used {
            calls: traffic.map_or(0, |traffic| traffic.recorded(world.tenant)),
            world: show(world, call.now),
            created_at_ms,
        }
    }
}

fn show(world: &Tenant, now: i64) -> World {
    World {
        tenant_key: world.tenant.to_string(),
        name: world.name.clone(),
        clock_offset_ms: world.clock_offset_ms,
        now_ms: now + world.clock_offset_ms,
    }
}
