//! `bot`

use crate::{Entry, entry};

mod hook {
    pub(crate) mod send;
}
mod v1 {
    pub(crate) mod openclaw_bot {
        pub(crate) mod ping;
    }
}
mod v2 {
    pub(crate) mod hook {
        pub(crate) mod send;
    }
}
mod v3 {
    pub(crate) mod bot {
        pub(crate) mod basic_batch;
    }
    pub(crate) mod info;
}

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<v3::info::Info>(),
    entry::<v3::info::post::InfoPost>(),
    entry::<v1::openclaw_bot::ping::Ping>(),
    entry::<v3::bot::basic_batch::BasicBatch>(),
    entry::<v2::hook::send::Send>(),
    entry::<hook::send::Send>(),
];
