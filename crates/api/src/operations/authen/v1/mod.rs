//! `authen/v1`: the sign-in page, and who signed in. Its token endpoints are historic, and still in use.

mod authorize_request;
mod form_token;
mod markup;
mod page_policy;
mod user_profile;
mod v1_tokens;
mod v1_tokens_policy;

pub(crate) mod access_token {
    pub(crate) mod create;
}
pub(crate) mod authorize {
    pub(crate) mod decide;
    pub(crate) mod show;
}
pub(crate) mod index {
    pub(crate) mod show;
}
pub(crate) mod oidc_access_token {
    pub(crate) mod create;
}
pub(crate) mod oidc_refresh_access_token {
    pub(crate) mod create;
}
pub(crate) mod refresh_access_token {
    pub(crate) mod create;
}
pub(crate) mod user_info {
    pub(crate) mod get;
}
