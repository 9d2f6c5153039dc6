//! `contact/v3/scopes`

use crate::{Entry, entry};

mod list;

pub(crate) static ENTRIES: &[Entry] = &[entry::<list::List>()];
