//! `application/v6/scopes`

use super::{Entry, entry};

mod apply;
mod list;

pub(super) static ENTRIES: &[Entry] = &[entry::<list::List>(), entry::<apply::Apply>()];
