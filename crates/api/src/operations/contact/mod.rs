//! `contact`: users, and an app's contact range.

pub(crate) mod v3 {
    pub(crate) mod scope;
    pub(crate) mod user;
}
