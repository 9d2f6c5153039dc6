//! The operations themselves.

pub(super) mod list;
