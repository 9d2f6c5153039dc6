//! `contact`: users, and the range in which an app sees them.

pub(crate) mod v3 {
    pub(crate) mod scope;
    pub(crate) mod user;
}
