//! Snapshots of a world: saved states that it can be put back to.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod diff;
pub(crate) mod file;
pub(crate) mod list;
pub(crate) mod restore;
pub(crate) mod upload;
