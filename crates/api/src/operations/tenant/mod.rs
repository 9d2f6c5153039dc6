//! `tenant`

use crate::{Entry, entry};

mod v2 {
    pub(crate) mod tenant {
        pub(crate) mod query;
    }
}

pub(crate) static ENTRIES: &[Entry] = &[entry::<v2::tenant::query::Get>()];
