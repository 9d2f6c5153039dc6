//! `authen`: a user signs in to an app. `authen/v1` but for its page and `user_info` is historic, and still in use.

use super::{Entry, entry};

mod access_token;
mod asked;
mod authorize;
mod authorize_decide;
mod exchange;
mod form_token;
mod historic;
mod historic_policy;
mod index;
mod markup;
pub(super) mod oauth_policy;
pub(super) mod oauth_token;
mod oidc_access_token;
mod oidc_refresh_access_token;
mod page_policy;
mod person;
mod refresh_access_token;
mod session;
mod user_info;

pub(super) static ENTRIES: &[Entry] = &[
    entry::<authorize::Show>(),
    entry::<authorize_decide::Decide>(),
    entry::<index::Show>(),
    entry::<oauth_token::Create>(),
    entry::<oidc_access_token::Create>(),
    entry::<oidc_refresh_access_token::Create>(),
    entry::<access_token::Create>(),
    entry::<refresh_access_token::Create>(),
    entry::<user_info::Get>(),
];
