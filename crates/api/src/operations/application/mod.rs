//! `application`: apps, their scopes and their subscriptions.

pub(crate) mod v6 {
    pub(crate) mod application;
    pub(crate) mod scope;
}

pub(crate) mod v7 {
    pub(crate) mod application_config;
}
