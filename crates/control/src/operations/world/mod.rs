//! Worlds: tenants with their clocks.

use larkspur_store::tenants::Tenant;
use schemars::JsonSchema;
use serde::Serialize;

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

fn show(world: &Tenant, now: i64) -> World {
    World {
        tenant_key: world.tenant.to_string(),
        name: world.name.clone(),
        clock_offset_ms: world.clock_offset_ms,
        now_ms: now + world.clock_offset_ms,
    }
}
