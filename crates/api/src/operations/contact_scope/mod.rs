//! `contact/v3/scopes`

use super::{Entry, entry};

mod list;

pub(super) static ENTRIES: &[Entry] = &[entry::<list::List>()];
