//! Rules for every operation, from its spec: loops over the registry, so that new operations are tested automatically.

mod people_ids;
mod specs;
mod tenant_isolation;
