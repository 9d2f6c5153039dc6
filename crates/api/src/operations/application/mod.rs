//! `application`: apps and their scopes.

pub(crate) mod v6 {
    pub(crate) mod application;
    pub(crate) mod scope;
}
