//! What every operation owes to its spec: loops over the registry, so that a new operation is tested by being there.

mod people_ids;
mod specs;
mod tenant_isolation;
