//! The control API.

mod v1;
