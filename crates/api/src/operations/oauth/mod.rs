//! `oauth`: the newest URL of the token endpoint, outside the API's own paths.

use crate::{Entry, entry};

mod v3 {
    pub(crate) mod token {
        pub(crate) mod create;
    }
}

pub(crate) static ENTRIES: &[Entry] = &[entry::<v3::token::create::Create>()];
