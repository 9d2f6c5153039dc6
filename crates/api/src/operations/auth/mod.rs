//! `auth`: an app authenticates.

pub(crate) mod v3;
