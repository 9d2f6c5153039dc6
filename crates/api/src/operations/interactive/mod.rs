//! `interactive`: cards that were clicked.

use crate::{Entry, entry};

mod v1 {
    pub(super) mod card {
        pub(crate) mod update;
    }
}

pub(crate) static ENTRIES: &[Entry] = &[entry::<v1::card::update::Update>()];
