//! What concerns a store as a whole: its schema, its state, copies of it, the processes and the jobs on it.

pub(crate) mod migrate;
mod opening;

pub mod citus;
pub mod copy;
pub mod deleted_worlds;
pub mod jobs;
pub mod nodes;
pub mod probe;
pub mod rights;
pub mod state;

pub use opening::EngineOptions;
