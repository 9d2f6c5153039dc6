//! `auth/v3`: an app signs in.

use super::{Entry, entry};

mod tenant_access_token_internal;

pub(super) static ENTRIES: &[Entry] = &[entry::<tenant_access_token_internal::Create>()];
