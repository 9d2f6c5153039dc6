//! The store as a whole: its schema, its state, copies of it, its processes and jobs.

pub(crate) mod migrate;
mod opening;
pub(crate) mod tables;

pub mod citus;
pub mod copy;
pub mod deleted_worlds;
pub mod jobs;
pub mod nodes;
pub mod probe;
pub mod retention;
pub mod rights;
pub mod state;

pub use opening::EngineOptions;
