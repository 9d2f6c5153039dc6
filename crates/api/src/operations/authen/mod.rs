//! `authen`: a user signs in to an app.

use crate::{Entry, entry};

mod exchange;
mod session;
mod v1;
pub(crate) mod v2 {
    pub(crate) mod oauth {
        pub(crate) mod policy;
        pub(crate) mod token;
    }
}

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<v1::authorize::show::Show>(),
    entry::<v1::authorize::decide::Decide>(),
    entry::<v1::index::show::Show>(),
    entry::<v2::oauth::token::Create>(),
    entry::<v1::oidc_access_token::create::Create>(),
    entry::<v1::oidc_refresh_access_token::create::Create>(),
    entry::<v1::access_token::create::Create>(),
    entry::<v1::refresh_access_token::create::Create>(),
    entry::<v1::user_info::get::Get>(),
];
