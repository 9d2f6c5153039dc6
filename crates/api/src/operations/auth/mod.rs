//! `auth`: an app signs in.

pub(crate) mod v3;
