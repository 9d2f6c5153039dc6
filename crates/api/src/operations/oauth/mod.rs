//! `oauth/v3`: the newest address of the token endpoint, beside the API's own paths.

use super::{Entry, authen, entry};

mod token;

pub(super) static ENTRIES: &[Entry] = &[entry::<token::Create>()];
