//! `oauth`: the newest address of the token endpoint, beside the API's own paths.

use crate::{Entry, entry};

mod v3 {
    pub(crate) mod token {
        pub(crate) mod create;
    }
}

pub(crate) static ENTRIES: &[Entry] = &[entry::<v3::token::create::Create>()];
