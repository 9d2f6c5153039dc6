//! `ephemeral`: cards that one person of a group sees.

use crate::{Entry, entry};

mod v1 {
    pub(super) mod delete;
    pub(super) mod send;
}

pub(crate) static ENTRIES: &[Entry] = &[entry::<v1::send::Send>(), entry::<v1::delete::Delete>()];
