//! `auth/v3`: an app signs in.

use super::{Entry, entry};

mod app_access_token_internal;
mod tenant_access_token_internal;

pub(super) static ENTRIES: &[Entry] =
    &[entry::<tenant_access_token_internal::Create>(), entry::<app_access_token_internal::Create>()];
