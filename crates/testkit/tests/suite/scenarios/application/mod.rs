//! Apps.

mod v6;
