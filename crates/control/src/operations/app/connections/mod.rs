//! The long connections of an app.

pub(crate) mod delete;
pub(crate) mod list;
