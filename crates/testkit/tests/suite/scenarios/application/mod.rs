//! Apps.

mod v6;
mod v7;
