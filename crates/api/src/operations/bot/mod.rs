//! `bot/v3`, and `bot/v1/openclaw_bot`

use super::{Entry, entry};

mod basic_batch;
mod info;
mod info_post;
mod ping;

pub(super) static ENTRIES: &[Entry] = &[
    entry::<info::Info>(),
    entry::<info_post::InfoPost>(),
    entry::<ping::Ping>(),
    entry::<basic_batch::BasicBatch>(),
];
