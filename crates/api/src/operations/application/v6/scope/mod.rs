//! `application/v6/scopes`

use crate::{Entry, entry};

mod apply;
mod list;

pub(crate) static ENTRIES: &[Entry] = &[entry::<list::List>(), entry::<apply::Apply>()];
